"""What hosts that are alike have in common: a part of a snapshot without the values that every host has of its own.

1. A part is a field of a namespace, or of the whole snapshot, as its JSON. Addresses, MAC addresses, ids and the names
   of devices that engines make up are taken out: what stays is the part's form. Hosts whose forms are the same, and
   whose values stand to each other alike, end a question alike: the walk compares values, and does nothing else.
2. Alike: the same ones are equal; of IPv4 addresses, each is in the same networks, and the first or the last of the
   same ones, and in the same of those that have a meaning of their own (`MEANT`). IPv6 addresses that are not
   link-local, and what a rule computes with (a mask, a range to translate to), are part of the form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network, summarize_address_range
from typing import Any

from engine.model.address import IPAddress
from engine.records import dataclass

#: A field by its namespace, which is empty for one of the whole snapshot.
Field = tuple[str, str]
#: What is taken out: its kind, and the value that is compared.
Value = tuple[str, int | str]

#: A network of IPv4: its first address, and its length.
Network = tuple[int, int]

#: Networks that an answer may speak of (RFC 1918, RFC 6598, RFC 5737), beside those whose addresses are not taken out.
MEANT: tuple[Network, ...] = (
    (0x0A000000, 8),
    (0xAC100000, 12),
    (0xC0A80000, 16),
    (0x64400000, 10),
    (0xC6336400, 24),
    (0xCB007100, 24),
)
_KEPT = frozenset((0, 127, *range(224, 256)))
#: Fields that no row depends on: commands are not in rows.
PASSING = frozenset(("inode", "path", "pids", "taken_at", "hostname"))

#: What is taken out. That each begins a word is said first: nearly every place in a text is none.
_TOKEN = re.compile(
    r"\b(?=[0-9a-fv])(?:"
    r"(?P<mac>(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?![\w:]))"
    r"|(?P<v6>(?<![\w:.])fe80:[0-9a-f:]{2,34}(?![\w:.]))"
    r"|(?P<v4>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]))"
    r"|(?P<device>(?<![\w-])(?:veth[0-9a-f]{7}|br-[0-9a-f]{12})(?![\w-]))"
    r"|(?P<id>(?<![\w-])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12,64}(?![\w-]))"
    r"|(?P<number>(?<=[:])\d{8,10}(?=[,}]))"
    r")"
)
#: A field that is an address, whose elements are numbers.
_ADDRESS_FIELD = re.compile(r"(?:^|\s)(?:ip|net|ipv4_addr|nexthop)(?:\s|$)")
#: Numbers of processes, which pass.
_PID = re.compile(r'"pid":\d+')
#: A network, as a text and as an address with its length.
_NETWORK = re.compile(r'\b(\d{1,3}(?:\.\d{1,3}){3})(?:/|","prefixlen":)(\d{1,2})(?!\d)')
#: What computes with addresses that are taken out, or looks at a part of a name that is.
_COMPUTED = re.compile(
    r'"name":"(?!ip6 )[^"]*addr[^"]*","mask":|"low":"([\d.]+)","high":"(?!\1")'
    r"|(?:veth[0-9a-f]{1,7}|br-[0-9a-f]{1,12})[+*]"
)
_TIMED = re.compile(r'"meta (?:day|hour|time)"')


@dataclass(frozen=True, slots=True)
class BareForm:
    """A part without its values: the digest of what stays, the values, and the networks in it, in order."""

    digest: bytes
    values: tuple[Value, ...] = ()
    networks: tuple[Network, ...] = ()


class Likeness:
    """The forms of one host's snapshot, by its JSON."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._whole = document
        self._namespaces = {each["id"]: each for each in document["namespaces"]}
        self._names = {"", *self._namespaces}
        self._has: dict[frozenset[Field], bool] = {}
        self._forms: dict[Field, BareForm] = {}
        self._patterns: dict[frozenset[Field], ConePattern] = {}

    def has(self, fields: frozenset[Field]) -> bool:
        """Whether the host has all namespaces of these fields: without them it is not alike."""
        if fields not in self._has:
            self._has[fields] = all(netns in self._names for netns, _ in fields)
        return self._has[fields]

    def pattern(self, fields: frozenset[Field]) -> ConePattern:
        """What hosts that are alike in these fields have in common."""
        if fields not in self._patterns:
            wanted = sorted(each for each in fields if each[1] not in PASSING)
            self._patterns[fields] = ConePattern([self._form(*each) for each in wanted])
        return self._patterns[fields]

    def _form(self, netns: str, name: str) -> BareForm:
        if (netns, name) not in self._forms:
            part = self._namespaces.get(netns) if netns else self._whole
            found = None if part is None else part.get(name)
            if netns and name == "sysctls" and part is not None and found:
                found = _in_order(found, [each["name"] for each in part.get("links", ())])
            self._forms[netns, name] = form(found, self._whole.get("taken_at", ""))
        return self._forms[netns, name]


class ConePattern:
    """Some forms together: `key` is the same for all that are alike."""

    def __init__(self, forms: Sequence[BareForm]) -> None:
        self._numbers: dict[Value, int] = {}
        order = [self._numbers.setdefault(value, len(self._numbers)) for each in forms for value in each.values]
        self._networks: dict[int, dict[int, int]] = {}
        self._own = {network for each in forms for network in each.networks}
        networks = dict.fromkeys((*MEANT, *(network for each in forms for network in each.networks)))
        for number, (first, length) in enumerate(networks):
            self._networks.setdefault(length, {})[first] = number
        lengths = [(length, (first, length) in self._own) for first, length in networks]
        places = (
            [self._place(each[0]) for each in networks if each in self._own],
            [self._place_of(value) for value in self._numbers],
        )
        digest = blake2b(repr((order, lengths, places)).encode(), digest_size=16)
        for each in forms:
            digest.update(each.digest)
        self.key = digest.digest()

    def values_with(self, *addresses: IPAddress | None) -> tuple[Value, ...]:
        """The values and some addresses, in an order that is the same for all that are alike."""
        more = (value for each in addresses if each is not None and (value := _of_address(each)) is not None)
        return (*self._numbers, *more)

    def of(self, address: IPAddress | None) -> object:
        """How an address stands to the values: the same for all that are alike."""
        value = None if address is None else _of_address(address)
        if value is None:
            return str(address)
        return self._numbers.get(value, -1), self._place_of(value)

    def _place_of(self, value: Value) -> object:
        return self._place(value[1]) if isinstance(value[1], int) else None

    def _place(self, address: int) -> tuple[tuple[int, bool, bool], ...]:
        """The networks that an address is in, and whether it is the first or the last one there."""
        found = []
        for length, numbers in self._networks.items():
            behind = (1 << 32 - length) - 1
            number = numbers.get(address & ~behind)
            if number is not None:
                own = (address & ~behind, length) in self._own
                found.append((number, own and not address & behind, own and address & behind == behind))
        return tuple(sorted(found))


def _in_order(sysctls: Mapping[str, int], devices: Sequence[str]) -> list[tuple[str, int]]:
    """Settings in the order of the devices that they are for, which the names of these do not change."""
    places = {device: f"{place:05}" for place, device in enumerate(devices)}
    return sorted(sysctls.items(), key=lambda each: [places.get(word, word) for word in each[0].split(".")])


def form(part: Any, taken_at: str = "") -> BareForm:
    """The form of a part of a snapshot's JSON; None is one that is not there. Where a rule asks for the time, when the
    snapshot was taken is part of it."""
    text = _PID.sub('"pid":0', json.dumps(part, separators=(",", ":"), ensure_ascii=True))
    if _TIMED.search(text):
        text += taken_at
    if _COMPUTED.search(text):
        return BareForm(_digest(text))
    intervals = dict.fromkeys(_intervals(part))
    written = [network for found in _NETWORK.finditer(text) if (network := _network(found))]
    networks = tuple(dict.fromkeys((*written, *(block for each in intervals for block in _blocks(*each)))))
    ends = {end for first, length in networks for end in (first, first | (1 << 32 - length) - 1)}
    ends.update(end for interval in intervals for end in interval)
    values: list[Value] = []

    def taken_out(found: re.Match[str]) -> str:
        kind, word = str(found.lastgroup), found[0]
        value = _value(kind, word, ends)
        if value is None:
            return word
        values.append(value)
        return f"<{kind} {len(word)}>" if kind == "id" else f"<{kind}>"

    return BareForm(_digest(_TOKEN.sub(taken_out, text)), tuple(values), networks)


def translated(text: str, names: Mapping[Value, Value]) -> str | None:
    """A text about one host as it is about another one that is alike; None where it has a value that is not known."""
    lost = False

    def other(found: re.Match[str]) -> str:
        nonlocal lost
        value = _value(str(found.lastgroup), found[0], frozenset())
        if value is None:
            return found[0]
        lost = lost or value not in names
        kind, own = names.get(value, value)
        return str(IPv4Address(own)) if kind == "v4" and isinstance(own, int) else str(own)

    made = _TOKEN.sub(other, text)
    return None if lost else made


def _of_address(address: IPAddress) -> Value | None:
    return _value("v4" if address.version == 4 else "v6", str(address), frozenset())


def _value(kind: str, word: str, ends: Iterable[int]) -> Value | None:
    """What is taken out for a word; None for one that stays."""
    if kind == "v4":
        return _v4(word)
    if kind == "number":
        number = int(word)
        return ("v4", number) if number in ends and number >> 24 not in _KEPT else None
    if kind == "v6":
        return _v6(word)
    if kind == "mac":
        return None if int(word[:2], 16) & 1 or not word.strip("0:") else (kind, word)
    return kind, word


def _v4(word: str) -> Value | None:
    try:
        number = int.from_bytes(bytes(map(int, word.split("."))), "big")
    except ValueError:  # a part is above 255
        return None
    return None if number >> 24 in _KEPT else ("v4", number)


def _v6(word: str) -> Value | None:
    try:
        number = int(IPv6Address(word))
    except AddressValueError:
        return None
    return ("v6", word) if number >> 112 == 0xFE80 and number & (1 << 64) - 1 else None


def _network(found: re.Match[str]) -> Network | None:
    try:
        network = ip_network(f"{found[1]}/{found[2]}", strict=False)
    except ValueError:
        return None
    return int(network.network_address), network.prefixlen


def _intervals(part: Any) -> Iterator[tuple[int, int]]:
    """The IPv4 addresses, from first to last, that rules and sets compare with as numbers."""
    ahead = [part]
    while ahead:
        each = ahead.pop()
        if isinstance(each, dict):
            ahead += each.values()
            if "fields" in each:
                yield from _compared(each)
        elif isinstance(each, list):
            ahead += each


def _compared(match: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Those of one match, map or set: elements have an interval, or a name, for each field."""
    names = [field if isinstance(field, str) else field["name"] for field in match["fields"]]
    places = [place for place, name in enumerate(names) if _ADDRESS_FIELD.search(name)]
    for element in (*match.get("elements", ()), *match.get("entries", ())) if places else ():
        key = element["key"] if isinstance(element, dict) else element
        for part in (key[place] for place in places if place < len(key)):
            if "low" in part and part["high"] < 1 << 32:
                yield part["low"], part["high"]


def _blocks(low: int, high: int) -> Iterator[Network]:
    """The networks that an interval is made of; none for one address, which is compared as a value."""
    if low < high:
        for block in summarize_address_range(IPv4Address(low), IPv4Address(high)):
            yield int(block.network_address), block.prefixlen


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
