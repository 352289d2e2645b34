"""Connection tracking of the question's own flow: one `Track` for each namespace that it crosses.

The kernel keeps a tuple for each direction. NAT changes what the *reply* tuple looks like; every later
packet is rewritten so that it fits the inverse of the other direction's tuple (net/netfilter/nf_nat_core.c,
nf_nat_manip_pkt). That one rule gives NAT for the original direction and un-NAT for replies.
"""

from __future__ import annotations

from engine.model.packet import ECHO, Packet, Protocol
from engine.model.traffic import ConntrackEntry, Tuple4
from engine.path.lookup.tcp_state import NONE
from engine.records import dataclass, field, replace


def tuple_of(packet: Packet) -> Tuple4:
    """The packet's addresses and ports; an echo and its answer have one number for both."""
    if packet.protocol in ECHO:
        return Tuple4(packet.src, packet.dst, packet.number, packet.number)
    return Tuple4(packet.src, packet.dst, packet.sport, packet.dport)


def inverse(flow: Tuple4) -> Tuple4:
    """The tuple of a packet that answers one with this tuple."""
    return Tuple4(flow.dst, flow.src, flow.dport, flow.sport)


@dataclass(slots=True)
class Track:
    """A tracked flow in one namespace.

    `initialized` has "dst" and "src" once the nat chains of that manipulation were consulted: they are
    asked once in a flow's life, whether they translate or not. `zones` are those of the first packet's direction and of
    the replies' (net/netfilter/nf_conntrack_core.c, nf_ct_zone_id). `state` is TCP's (`tcp`); `sent` says that data of
    who began the flow was seen, None where it does not matter: numbers of flows that began midway are not checked.
    `proxied` marks a flow that a SYNPROXY began.
    """

    protocol: Protocol
    original: Tuple4
    reply: Tuple4
    status: frozenset[str] = frozenset()
    mark: int = 0
    initialized: set[str] = field(default_factory=set)
    replied: bool = False
    zones: tuple[int, int] = (0, 0)
    entry: ConntrackEntry | None = None
    state: str = NONE
    sent: bool | None = None
    proxied: bool = False
    labels: int = 0

    def is_reply(self, flow: Tuple4) -> bool:
        """Whether a packet with this tuple goes in the reply direction."""
        return flow == self.reply and flow != self.original

    def has(self, flow: Tuple4, zones: tuple[int | None, int]) -> bool:
        """Whether the tuple is that of a direction, in the zone that is given for that direction (nf_ct_key_equal)."""
        both = zip((self.original, self.reply), self.zones, zones, strict=True)
        return any(flow == own and zone == asked for own, zone, asked in both)

    def target(self, reply_direction: bool) -> Tuple4:
        """What a packet of that direction looks like when it is completely translated."""
        return inverse(self.original if reply_direction else self.reply)

    def translates(self, manip: str, reply_direction: bool) -> bool:
        """Whether packets of that direction are rewritten at a hook of that manipulation."""
        undone = {"dst": "snat", "src": "dnat"}
        done = {"dst": "dnat", "src": "snat"}
        return (undone if reply_direction else done)[manip] in self.status


@dataclass(slots=True)
class Tracks:
    """The conntrack tables of all namespaces, as far as this conversation filled or found them. `gone` has the flows
    from before that it had a namespace forget."""

    by_netns: dict[str, list[Track]] = field(default_factory=dict)
    gone: set[tuple[str, ConntrackEntry]] = field(default_factory=set)

    def find(self, netns: str, protocol: Protocol, flow: Tuple4, zones: tuple[int, int] = (0, 0)) -> Track | None:
        """The flow that a packet with this tuple, in these zones, belongs to in either direction."""
        for track in self.by_netns.get(netns, ()):
            if track.protocol == protocol and track.has(flow, zones):
                return track
        return None

    def add(self, netns: str, track: Track) -> None:
        """Puts a new flow into a namespace's table."""
        self.by_netns.setdefault(netns, []).append(track)

    def forget(self, netns: str, track: Track) -> None:
        """Takes a flow out of a namespace's table. A packet that has it keeps it."""
        self.by_netns[netns] = [each for each in self.by_netns.get(netns, ()) if each is not track]
        if track.entry is not None:
            self.gone.add((netns, track.entry))

    def any_confirmed(self) -> bool:
        """Whether a flow of this conversation got into a table."""
        return any("confirmed" in track.status for tracks in self.by_netns.values() for track in tracks)

    def forget_unconfirmed(self) -> None:
        """Drops the flows whose first packet was lost before they got into a table."""
        for netns, tracks in self.by_netns.items():
            self.by_netns[netns] = [track for track in tracks if track.entry or "confirmed" in track.status]


def new_track(packet: Packet, zones: tuple[int, int] = (0, 0)) -> Track:
    """The track of a flow's first packet."""
    flow = tuple_of(packet)
    return Track(packet.protocol, flow, inverse(flow), zones=zones)


def track_of(entry: ConntrackEntry) -> Track:
    """The track of a flow that exists already: its translation is settled, also where it began before any was."""
    replied = "seen-reply" in entry.status
    done = {manip for manip, word in (("dst", "dnat-done"), ("src", "snat-done")) if word in entry.status}
    zones = (entry.zone, entry.zone)
    known = Track(entry.protocol, entry.original, entry.reply, entry.status, entry.mark, done, replied, zones, entry)
    known.state, known.labels = entry.state, entry.labels
    return known


def rewrite(packet: Packet, target: Tuple4, manip: str) -> Packet:
    """The packet with its source or its destination as `target` has it."""
    if packet.protocol in ECHO:
        packet = replace(packet, number=target.sport)
        return replace(packet, dst=target.dst) if manip == "dst" else replace(packet, src=target.src)
    if manip == "dst":
        return replace(packet, dst=target.dst, dport=target.dport)
    return replace(packet, src=target.src, sport=target.sport)
