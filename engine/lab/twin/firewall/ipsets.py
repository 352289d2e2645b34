"""ipsets as the text of `ipset restore`. Source: ipset(8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from itertools import product

from engine.change.restore import IPSET, Restore
from engine.lab.twin.firewall.safe_rules import NAME
from engine.lab.twin.left_out import Omissions
from engine.model.firewall import Atom, Element, Firewall, Interval, NamedSet
from engine.model.packet import PROTOCOL_NUMBERS

KINDS = frozenset(
    (
        *("hash:ip", "hash:net", "hash:ip,port", "hash:net,port", "hash:net,iface", "hash:mac", "hash:ip,mark"),
        *("hash:ip,mac", "hash:ip,port,ip", "hash:ip,port,net", "hash:net,net", "hash:net,port,net"),
        *("bitmap:ip", "bitmap:port", "bitmap:ip,mac", "list:set"),
    )
)
#: How a rule asks a set.
ASKED = re.compile(r"--match-set (\S+)")
#: A part of an element.
PLAIN = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:@/+-]*")
LARGEST_IPV4 = (1 << 32) - 1
PROTOCOLS = {number: str(name) for name, number in PROTOCOL_NUMBERS.items()}


def restored(origin: str, netns: str, firewall: Firewall, out: Omissions) -> Restore | None:
    """All sets, those of other sets last; None where there are none to tell."""
    lines: list[str] = []
    asked6 = _asked_by_ipv6(firewall) if firewall.ipsets else frozenset()
    for named in sorted(firewall.ipsets, key=lambda each: each.kind == "list:set"):
        try:
            lines += _lines(named, named.name in asked6 or _large(named))
        except ValueError as error:
            out.leave(origin, f"ipset {named.name}", str(error), "rules with it are missing")
    return Restore(netns, IPSET, tuple(lines)) if lines else None


def _asked_by_ipv6(firewall: Firewall) -> frozenset[str]:
    """The sets that rules of ip6tables ask: one that holds `::1` alone does not show its family by itself."""
    texts = (
        rule.text
        for table in firewall.tables
        if table.family == "ip6"
        for chain in table.chains
        for rule in chain.rules
    )
    return frozenset(name for text in texts for name in ASKED.findall(text))


def _large(named: NamedSet) -> bool:
    """Whether it holds an address of IPv6."""
    return any(isinstance(atom, Interval) and atom.high > LARGEST_IPV4 for each in named.elements for atom in each)


def _lines(named: NamedSet, six: bool) -> list[str]:
    if not NAME.fullmatch(named.name) or len(named.name) > 31:
        raise ValueError("its name is no plain word")
    if named.kind not in KINDS:
        raise ValueError(f"no set of type {named.kind or 'unknown'} is built")
    if named.kind == "list:set":
        rows = [member for member in named.members if NAME.fullmatch(member)]
        return [f"create {named.name} list:set size {max(8, len(rows))}", *(f"add {named.name} {row}" for row in rows)]
    six = six and named.kind.startswith("hash:") and named.kind != "hash:mac"
    rows = [*_elements(named, six)]
    return [f"create {named.name} {named.kind}{_options(named, six)}", *(f"add {named.name} {row}" for row in rows)]


def _options(named: NamedSet, six: bool) -> str:
    if named.kind.startswith("bitmap:"):
        numbers = [atom for each in named.elements for atom in each[:1] if isinstance(atom, Interval)]
        low, high = min((each.low for each in numbers), default=0), max((each.high for each in numbers), default=0)
        if named.kind == "bitmap:port":
            return " range 0-65535"
        if high - low > 65535:
            raise ValueError("it spans more than 65536 addresses")
        return f" range {IPv4Address(low)}-{IPv4Address(high)}"
    return f"{' family inet6' if six else ''} maxelem {max(65536, 2 * len(named.elements))}"


def _elements(named: NamedSet, six: bool) -> Iterator[str]:
    for element in named.elements:
        for words in _words(named.fields, element, six):
            if not all(PLAIN.fullmatch(part) for part in words):
                raise ValueError("an element is no plain word")
            yield ",".join(words)


def _words(fields: tuple[str, ...], element: Element, six: bool) -> Iterator[tuple[str, ...]]:
    """The parts of an element; protocol and port are one. A range of IPv6 addresses is several networks."""
    parts: list[list[str]] = []
    protocol = ""
    for field, atom in zip(fields, element, strict=True):
        if field == "proto":
            protocol = f"{_protocol(atom)}:"
            continue
        words = _networks6(atom) if six and field in ("ip", "net") else [_word(field, atom)]
        parts.append([f"{protocol if field == 'port' else ''}{word}" for word in words])
    return product(*parts)


def _protocol(atom: Atom) -> str:
    if not isinstance(atom, Interval) or atom.low not in PROTOCOLS:
        raise ValueError("a protocol has no name here")
    return PROTOCOLS[atom.low]


def _word(field: str, atom: Atom) -> str:
    if not isinstance(atom, Interval):
        return atom.pattern
    if field == "mac":
        return atom.low.to_bytes(6, "big").hex(":")
    write: Callable[[int], str] = {"ip": _ipv4, "net": _ipv4, "mark": hex}.get(field, str)
    low, high = write(atom.low), write(atom.high)
    return low if low == high else f"{low}-{high}"


def _ipv4(value: int) -> str:
    return str(IPv4Address(value))


def _networks6(atom: Atom) -> list[str]:
    """A range of IPv6 as networks, which is all that ipset takes."""
    if not isinstance(atom, Interval):
        return [atom.pattern]
    found = summarize_address_range(IPv6Address(atom.low), IPv6Address(atom.high))
    return [str(each.network_address) if each.prefixlen == 128 else str(each) for each in found]
