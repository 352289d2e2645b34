"""Whom a rule is aimed at: the conditions that a packet met on the way to it, judged. Pure."""

from __future__ import annotations

from ipaddress import ip_network

from engine.model.address import IPNetwork
from engine.model.firewall import Interval, Match
from engine.model.packet import Packet

Conditions = tuple[Match, ...]

PORTS = frozenset({"tcp dport", "udp dport", "sctp dport", "th dport", "ct original proto-dst"})
SOURCES = frozenset({"ip saddr", "ip6 saddr", "ct original ip saddr", "ct original ip6 saddr"})
#: Conditions that say nothing about who asks for what: a rule with these alone is for everybody.
NEUTRAL = frozenset(
    {"ct state", "ct status", "ct direction", "meta l4proto", "ip protocol", "ip6 nexthdr", "meta nfproto"}
    | {"meta protocol", "fib daddr type", "meta oifname", "meta oif", "tcp flags", "meta pkttype"}
)
#: A range of ports that is wider than this is about ports in general.
WIDEST = 4096


def aimed(conditions: Conditions, packet: Packet) -> bool:
    """Whether the conditions name the packet's port or its source, and not ports or sources in general."""
    return at_port(conditions, packet) or at_source(conditions)


def at_port(conditions: Conditions, packet: Packet) -> bool:
    """Whether a condition names the packet's port."""
    return any(_plain(match) & PORTS and _narrow(match, packet.dport or 0) for match in conditions)


def at_source(conditions: Conditions) -> bool:
    """Whether a condition names the packet's source, by itself or by a set that holds it."""
    return any(_plain(match) & SOURCES for match in conditions)


def _plain(match: Match) -> frozenset[str]:
    """The fields that a condition asks for, none where it asks for all but something."""
    return frozenset() if match.negate else frozenset(field.name for field in match.fields)


def _narrow(match: Match, port: int) -> bool:
    ranges = [atom for element in match.elements for atom in element if isinstance(atom, Interval)]
    holding = [each for each in ranges if each.low <= port <= each.high]
    return match.lookup is not None or not holding or any(each.high - each.low <= WIDEST for each in holding)


def exempting(conditions: Conditions) -> bool:
    """Whether a rule that lets packets go chooses whom or what."""
    return any(field.name not in NEUTRAL for match in conditions for field in match.fields)


def source_of(conditions: Conditions, packet: Packet) -> IPNetwork | None:
    """The network that a condition names as the packet's source; None where it is none, or a named set's."""
    value, kind = int(packet.src), type(packet.src)
    for match in conditions:
        for element in match.elements if len(match.fields) == 1 and _plain(match) & SOURCES else ():
            atom = element[0]
            if isinstance(atom, Interval) and atom.low <= value <= atom.high:
                bits = (atom.high - atom.low).bit_length()
                whole = atom.high - atom.low == (1 << bits) - 1 and not atom.low & ((1 << bits) - 1)
                return ip_network((kind(atom.low), packet.src.max_prefixlen - bits)) if whole else None
    return None
