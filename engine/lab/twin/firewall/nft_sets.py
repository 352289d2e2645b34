"""Named sets and maps of nft as it declares them, from what they hold. Source: nft(8), SETS and MAPS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address

from engine.lab.twin.firewall.safe_rules import CONTROL, NFT_NAME
from engine.model.firewall import Atom, Element, Interval, MapElement, Name, NamedSet, NatValue, RuleVerdict, Table

#: Types of keys, by nft's names for them; of a `typeof`, by the field.
TYPES = frozenset(
    (
        *("ipv4_addr", "ipv6_addr", "ether_addr", "ether_type", "inet_proto", "inet_service", "mark", "ifname"),
        *("ct_state", "ct_dir", "ct_status", "icmp_type", "icmp_code", "icmpv6_type", "icmpv6_code", "fib_addrtype"),
        *("pkt_type", "nf_proto", "uid", "gid", "dscp", "devgroup", "iface_index", "arp_op"),
    )
)
FIELD = re.compile(r"[a-z0-9_]+( [a-z0-9_]+){1,3}")
FLAGS = ("constant", "interval", "timeout", "dynamic")
#: What a rule does with the value of a map that it looks up, and the type that such a value has.
_USES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bvmap @"), "verdict"),
    (re.compile(r"\b(meta|ct) mark set .*\bmap @"), "mark"),
)


def declared(table: Table, named: NamedSet) -> str | None:
    """A set or map in one line, with what it holds; None where that cannot be told."""
    keys = _keys(named)
    if keys is None or not NFT_NAME.fullmatch(named.name):
        return None
    values = value_type(table, named) if named.is_map else ""
    if values is None:
        return None
    ranges = _ranges((*named.elements, *(each.key for each in named.entries)))
    flags = [flag for flag in FLAGS if flag in named.flags or (flag == "interval" and ranges)]
    try:
        rows = [_entry(named.fields, each) for each in named.entries] if named.is_map else []
        rows += [_element(named.fields, each) for each in named.elements]
    except ValueError:
        return None
    words = [f"{keys}{f' : {values}' if values else ''};"]
    words += [f"flags {','.join(flags)};"] if flags else []
    words += [f"elements = {{ {', '.join(rows)} }};"] if rows else []
    return f"{'map' if named.is_map else 'set'} {named.name} {{ {' '.join(words)} }}"


def _keys(named: NamedSet) -> str | None:
    if named.fields and all(each in TYPES for each in named.fields):
        return f"type {' . '.join(named.fields)}"
    if named.fields and all(FIELD.fullmatch(each) for each in named.fields):
        return f"typeof {' . '.join(named.fields)}"
    return None


def value_type(table: Table, named: NamedSet) -> str | None:
    """The type of a map's values, from one of them, or of an empty map from a rule that looks it up."""
    for entry in named.entries[:1]:
        value = entry.value
        if isinstance(value, RuleVerdict):
            return "verdict"
        if isinstance(value, NatValue):
            return _nat_type(value)
        return "mark"
    text = next((rule.text for chain in table.chains for rule in chain.rules if f"@{named.name}" in rule.text), "")
    if "dnat" in text or "snat" in text:
        return "ipv6_addr" if "ip6 to" in text or table.family == "ip6" else "ipv4_addr"
    return next((kind for use, kind in _USES if use.search(text)), None)


def _nat_type(value: NatValue) -> str:
    kinds = [f"ipv{value.low.version}_addr"] if value.low is not None else []
    kinds += ["inet_service"] if value.port_low is not None else []
    return " . ".join(kinds)


def _entry(kinds: tuple[str, ...], entry: MapElement) -> str:
    key = _element(kinds, entry.key) if entry.key else "*"
    return f"{key} : {_value(entry.value)}"


def _value(value: RuleVerdict | NatValue | int) -> str:
    if isinstance(value, RuleVerdict):
        if value.chain is not None and not NFT_NAME.fullmatch(value.chain):
            raise ValueError("no plain name of a chain")
        return str(value)
    if isinstance(value, int):
        return hex(value)
    ends = [_range(str(value.low), str(value.high or value.low))] if value.low is not None else []
    ends += [_range(str(value.port_low), str(value.port_high or value.port_low))] if value.port_low is not None else []
    return " . ".join(ends)


def _element(kinds: tuple[str, ...], element: Element) -> str:
    return " . ".join(_atom(kind, atom) for kind, atom in zip(kinds, element, strict=True))


def _mac(value: int) -> str:
    return value.to_bytes(6, "big").hex(":")


def _plain(value: int) -> str:
    return str(value)


#: How a number of a type is written; others are numbers.
_WRITTEN: Mapping[str, Callable[[int], str]] = {
    "ipv4_addr": lambda value: str(IPv4Address(value)),
    "ipv6_addr": lambda value: str(IPv6Address(value)),
    "ether_addr": _mac,
    "mark": hex,
}
_ENDINGS: Iterable[tuple[str, str]] = (
    ("ip saddr", "ipv4_addr"),
    ("ip daddr", "ipv4_addr"),
    ("ip6 saddr", "ipv6_addr"),
    ("ip6 daddr", "ipv6_addr"),
    ("ether saddr", "ether_addr"),
    ("ether daddr", "ether_addr"),
)


def _atom(kind: str, atom: Atom) -> str:
    if isinstance(atom, Name):
        if CONTROL.search(atom.pattern) or '"' in atom.pattern or "\\" in atom.pattern:
            raise ValueError("no plain word")
        named = kind in ("ifname", "meta iifname", "meta oifname")
        if not named and not re.fullmatch(r"[a-z0-9-]+", atom.pattern):
            raise ValueError("no plain word")
        return f'"{atom.pattern}"' if named else atom.pattern
    write = _WRITTEN.get(dict(_ENDINGS).get(kind, kind), _plain)
    return _range(write(atom.low), write(atom.high))


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}-{high}"


def _ranges(elements: Iterable[Element]) -> bool:
    """Whether an element stands for more than one value."""
    return any(isinstance(atom, Interval) and atom.low != atom.high for each in elements for atom in each)
