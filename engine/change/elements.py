"""An element of a set in the words of nft(8) and ipset(8). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from engine.model.firewall import Atom, Interval, NamedSet
from engine.model.packet import PROTOCOL_NUMBERS

_PROTOCOLS = {number: str(protocol) for protocol, number in PROTOCOL_NUMBERS.items()}


def nft_words(named: NamedSet, element: tuple[Atom, ...]) -> str | None:
    """The element of a set of nftables; None where a part has a type that is not written here."""
    parts = [_part(kind, atom) for kind, atom in zip(named.fields, element, strict=True)]
    return None if None in parts else " . ".join(part or "" for part in parts)


def ipset_words(named: NamedSet, element: tuple[Atom, ...], version: int) -> str | None:
    """The element of an ipset of an IP version; None for one of parts that are not written here, or for a set with
    exceptions, whose elements are not told as they are."""
    if "nomatch" in named.flags:
        return None
    address = f"ipv{version}_addr"
    kinds = [address if kind in ("ip", "net") else kind for kind in named.fields]
    parts = [_part(kind, atom) for kind, atom in zip(kinds, element, strict=True)]
    if None in parts:
        return None
    ends = [":" if kind == "proto" else "," for kind in kinds]
    return "".join(f"{part}{end}" for part, end in zip(parts, ends, strict=True))[:-1]


def _part(kind: str, atom: Atom) -> str | None:
    write = WRITTEN.get(kind)
    return write(atom.low, atom.high) if write is not None and isinstance(atom, Interval) else None


def _addresses(of: type[IPv4Address] | type[IPv6Address]) -> Callable[[int, int], str]:
    def write(low: int, high: int) -> str:
        first, last = of(low), of(high)
        networks = list(summarize_address_range(first, last))
        return str(first) if low == high else str(networks[0]) if len(networks) == 1 else f"{first}-{last}"

    return write


def _numbers(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _protocol(low: int, high: int) -> str | None:
    return _PROTOCOLS.get(low, str(low)) if low == high else None


WRITTEN: Mapping[str, Callable[[int, int], str | None]] = {
    "ipv4_addr": _addresses(IPv4Address),
    "ipv6_addr": _addresses(IPv6Address),
    "inet_service": _numbers,
    "inet_proto": _protocol,
    "port": _numbers,
    "proto": _protocol,
}
