"""Flows that a namespace tracked when the snapshot was taken, indexed for packets that come by.

A packet that carries the tuple of one of them belongs to it: its translation was chosen with the flow's first packet.
A flow that began before there were nat chains may meet them still, to no effect (net/netfilter/nf_nat_core.c,
nf_nat_setup_info leaves a confirmed flow as it is). A question's own packet comes from a new port (`client_port`)
unless the question names one, so it begins a new flow; flows from the same address to the same port (`towards`) tell
what a client meets that keeps its port.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from engine.model.address import IPAddress, end_of
from engine.model.host import Netns
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.traffic import ConntrackEntry, Tuple4

#: Where clients' ports begin and end unless a host says otherwise (net.ipv4.ip_local_port_range).
EPHEMERAL = (32768, 60999)
#: States of a connection that is over: a SYN with its tuple begins a new one (nf_conntrack_proto_tcp.c).
OVER = frozenset({"TIME_WAIT", "CLOSE"})

Key = tuple[int, Protocol, Tuple4]
Way = tuple[Protocol, IPAddress, IPAddress, int | None]


class Flows:
    """The tracked flows of one namespace. A packet only finds those of its own zones."""

    def __init__(self, netns: Netns) -> None:
        live = [entry for entry in netns.conntrack if "dying" not in entry.status]
        self._by_tuple: dict[Key, ConntrackEntry] = {}
        self._towards: dict[Way, list[ConntrackEntry]] = {}
        self._ports: set[tuple[Protocol, int | None]] = set()
        for entry in live:
            flow = entry.original
            for each in (flow, entry.reply):
                self._by_tuple[entry.zone, entry.protocol, each] = entry
                self._ports |= {(entry.protocol, each.sport), (entry.protocol, each.dport)}
            if entry.zone == 0:
                self._towards.setdefault((entry.protocol, flow.src, flow.dst, flow.dport), []).append(entry)

    def find(self, protocol: Protocol, flow: Tuple4, zones: tuple[int, int] = (0, 0)) -> ConntrackEntry | None:
        """The flow that a packet with this tuple, in these zones, belongs to in either direction."""
        known = (self._by_tuple.get((zone, protocol, flow)) for zone in dict.fromkeys(zones))
        return next((entry for entry in known if entry is not None), None)

    def towards(self, protocol: Protocol, flow: Tuple4) -> Iterable[ConntrackEntry]:
        """The flows from the same address to the same address and port, whatever port they come from."""
        return self._towards.get((protocol, flow.src, flow.dst, flow.dport), ())

    def uses(self, protocol: Protocol, port: int) -> bool:
        """Whether a flow has that port at either end."""
        return (protocol, port) in self._ports


def client_port(tables: list[Flows], protocol: Protocol, first: int, skip: int = 0) -> int:
    """An ephemeral port that no flow has, from `first` on, after `skip` others; `first` where all are taken."""
    low, high = EPHEMERAL
    ports = (port for each in (range(first, high + 1), range(low, first)) for port in each)
    free = (port for port in ports if not any(table.uses(protocol, port) for table in tables))
    return next(islice(free, skip, None), first)


def entry_ref(netns: str, entry: ConntrackEntry) -> Ref:
    """A pointer to a tracked flow."""
    flow = entry.original
    key = (str(entry.protocol), str(flow.src), flow.sport or 0, str(flow.dst), flow.dport or 0, entry.zone)
    return Ref(RefKind.CONNTRACK, netns, key, entry_name(entry), entry_text(entry))


def flow_name(protocol: Protocol, flow: Tuple4) -> str:
    """A flow in short: protocol, from where, to where."""
    return f"{protocol} {end_of(flow.src, flow.sport)} → {end_of(flow.dst, flow.dport)}"


def entry_name(entry: ConntrackEntry) -> str:
    """A tracked flow in short, as its first packet looked."""
    return flow_name(entry.protocol, entry.original)


def entry_text(entry: ConntrackEntry) -> str:
    """A flow with what it is translated to and how it stands."""
    words = [entry_name(entry)]
    if "dnat" in entry.status:
        words.append(f"translated to {target_of(entry)}")
    if "snat" in entry.status:
        words.append(f"as {end_of(entry.reply.dst, entry.reply.dport)}")
    words += [word for word in (entry.state, "answered" if "seen-reply" in entry.status else "unanswered") if word]
    return ", ".join([*words, f"expires in {entry.timeout} s" if entry.timeout else "about to expire"])


def target_of(entry: ConntrackEntry) -> str:
    """Where a flow's packets end up: the source of its replies."""
    return end_of(entry.reply.src, entry.reply.sport)
