"""Other addresses for a recording that leaves the house: the same one everywhere, and nothing about the answer changes.

1. IPv4: the first octet is another one (of the ordinary ones), the second is changed by a secret of its own; the rest
   stays, so that networks stay networks and neighbours stay neighbours. IPv6: 48 bits after the first group. MAC
   addresses, and the IPv6 addresses made of them: the last three bytes.
2. What has a meaning of its own stays: loopback, link-local and multicast prefixes, unspecified, prefixes of every
   address.
3. It works on the JSON of a recording or an answer: addresses in texts, and ranges of integers where a match of a rule
   compares addresses.
"""

from __future__ import annotations

import json
import re
import secrets
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Any

from engine.model.address import IPAddress
from engine.model.host import Snapshot
from engine.observe.recording.redact_names import Names
from engine.observe.recording.snapshot_file import dumps, loads

_IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?:/(\d{1,2}))?(?![\w.]*\.\d|\w)")
_IPV6 = re.compile(r"(?<![\w:.])([0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?:/(\d{1,3}))?(?![\w:])")
_MAC = re.compile(r"(?<![\w:])([0-9a-f]{2}(?::[0-9a-f]{2}){5})(?![\w:])")
#: First octets of IPv4 that have a meaning of their own, and those that do not.
_SPECIAL = frozenset({0, 127, 169, *range(224, 256)})
_ORDINARY = [octet for octet in range(256) if octet not in _SPECIAL]
#: First groups of IPv6 that are left as they are: unspecified and loopback, link-local, multicast.
_KEPT6 = (0x0000, 0xFE80, 0xFF00)
_SHORTEST4, _SHORTEST6 = 8, 16
#: Pseudonyms that a line lists.
MOST_TOLD = 12


class Redacted:
    """A snapshot with other addresses and names; `address` and `netns` say what became of one."""

    def __init__(self, snapshot: Snapshot) -> None:
        recording = json.loads(dumps(snapshot))
        self._names, self._addresses = Names(recording), Redaction()
        self.snapshot = loads(json.dumps(self._addresses.value(self._names.recording(recording))))

    @property
    def renamed(self) -> str:
        """In words, under which names to ask: `web is container-1, db is container-2`."""
        pairs = [f"{old} is {new}" for old, new in self._names.containers.items()]
        more = f" and {len(pairs) - MOST_TOLD} more" if len(pairs) > MOST_TOLD else ""
        return ", ".join(pairs[:MOST_TOLD]) + more

    def address(self, address: IPAddress) -> IPAddress:
        """The address that stands for this one."""
        return ip_address(self._addresses.text(str(address)))

    def netns(self, name: str) -> str:
        """The id that stands for this namespace's."""
        return self._names.name(name)

    def answer(self, document: Any) -> Any:
        """The JSON of an answer, with the same other addresses and names."""
        return self._addresses.value(self._names.answer(document))


class Redaction:
    """One secret; the same address in gives the same address out."""

    def __init__(self) -> None:
        shuffled = _ORDINARY.copy()
        secrets.SystemRandom().shuffle(shuffled)
        self._octets = dict(zip(_ORDINARY, shuffled, strict=True))
        self._second = {octet: secrets.randbelow(256) for octet in _ORDINARY}
        self._groups = secrets.randbits(48) << 64
        self._hardware = secrets.randbits(24)

    def value(self, value: Any) -> Any:
        """A JSON value with other addresses."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if not isinstance(value, dict):
            return value
        changed = {name: self.value(each) for name, each in value.items()}
        for name in ("elements", "entries"):
            if isinstance(value.get("fields"), list) and isinstance(value.get(name), list):
                changed[name] = [self._element(value["fields"], each) for each in changed[name]]
        return changed

    def _element(self, fields: list[Any], element: Any) -> Any:
        """An element of a set or a map's key, whose parts go with the fields."""
        if isinstance(element, dict):
            return {**element, "key": self._element(fields, element["key"])} if "key" in element else element
        return [self._atom(field, atom) for field, atom in zip(fields, element, strict=False)] if element else element

    def _atom(self, field: Any, atom: Any) -> Any:
        name = str(field.get("name", "") if isinstance(field, dict) else field)
        if "addr" not in name or "type" in name or "ether" in name or not isinstance(atom, dict) or "low" not in atom:
            return atom
        low, high = self._range(atom["low"], atom["high"], 128 if "6" in name else 32)
        return {**atom, "low": low, "high": high}

    def _range(self, low: int, high: int, bits: int) -> tuple[int, int]:
        """A range of addresses: a network stays one, any other keeps its ends in order."""
        mapped = self._ipv4 if bits == 32 else self._ipv6
        size = high - low + 1
        if size & (size - 1) == 0 and low % size == 0:
            length = bits - size.bit_length() + 1
            start = mapped(low, length)
            return start, start + size - 1
        one, other = sorted((mapped(low, bits), mapped(high, bits)))
        return one, other

    def text(self, text: str) -> str:
        """A text with other addresses."""
        if "." in text:
            text = _IPV4.sub(self._found4, text)
        if ":" in text:
            text = _IPV6.sub(self._found6, text)
            text = _MAC.sub(lambda found: self._mac(found[1]), text)
        return text

    def _found4(self, found: re.Match[str]) -> str:
        try:
            number = int(IPv4Address(found[1]))
        except AddressValueError:
            return found[0]
        length = int(found[2]) if found[2] else 32
        return str(IPv4Address(self._ipv4(number, min(length, 32)))) + (f"/{found[2]}" if found[2] else "")

    def _found6(self, found: re.Match[str]) -> str:
        try:
            number = int(IPv6Address(found[1]))
        except AddressValueError:
            return found[0]
        length = int(found[2]) if found[2] else 128
        return str(IPv6Address(self._ipv6(number, min(length, 128)))) + (f"/{found[2]}" if found[2] else "")

    def _ipv4(self, number: int, length: int) -> int:
        first = number >> 24
        if first not in self._octets or first in _SPECIAL or length < _SHORTEST4:
            return number
        changed = self._octets[first] << 24 | (number ^ self._second[first] << 16) & 0xFFFFFF
        return changed if number & _host_bits(length, 32) else changed & ~_host_bits(length, 32)

    def _ipv6(self, number: int, length: int) -> int:
        changed = number
        if number >> 24 & 0xFFFF == 0xFFFE:
            changed ^= self._hardware
        group = number >> 112
        if group not in _KEPT6 and group & 0xFF00 != _KEPT6[2] and length >= _SHORTEST6:
            changed ^= self._groups
        return changed if number & _host_bits(length, 128) else changed & ~_host_bits(length, 128)

    def _mac(self, text: str) -> str:
        number = int(text.replace(":", ""), 16)
        if number == 0 or number >> 40 & 1:
            return text
        return (number ^ self._hardware).to_bytes(6, "big").hex(":")


def _host_bits(length: int, bits: int) -> int:
    return (1 << bits - length) - 1
