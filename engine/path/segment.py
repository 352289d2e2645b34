"""The link-layer neighbourhood of a device: who hears what it sends, through bridges and veth pairs.

A breadth-first flood over the snapshot, as a broadcast frame would spread. Address resolution asks it who
answers; a bridge asks it behind which port a station lives when its forwarding table does not say.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from engine.model.host import Netns, Snapshot
from engine.model.link import BridgePort, Link

#: Kinds whose frames stay inside what a snapshot shows. Anything else leads out of view.
SEEN_KINDS = frozenset({"veth", "bridge", "loopback"})


@dataclass(frozen=True, slots=True)
class Station:
    """A device with an IP stack behind it that hears the frame. `port` is the first bridge port on the way
    (an index in the starting namespace), None when the frame did not leave by a bridge."""

    netns: str
    link: Link
    port: int | None


@dataclass(frozen=True, slots=True)
class Segment:
    """Who hears a broadcast, and whether it also reaches devices beyond the snapshot."""

    stations: tuple[Station, ...]
    leaves_view: bool

    def owner(self, mac: str) -> Station | None:
        """The station with that MAC address."""
        return next((station for station in self.stations if station.link.mac == mac), None)


def opaque(link: Link) -> bool:
    """Whether what happens beyond the device is out of view."""
    if link.kind == "veth":
        return link.peer is None or link.peer.netns is None
    return link.kind not in SEEN_KINDS


def ports_of(netns: Netns, bridge: Link) -> tuple[Link, ...]:
    """The bridge's ports."""
    return netns.ports_by_master.get(bridge.index, ())


def forwards(link: Link) -> bool:
    """Whether a bridge port passes frames: up, with carrier, in state forwarding."""
    return link.works and (link.port is None or link.port.state == "forwarding")


def may_pass(source: Link | None, target: Link) -> bool:
    """Whether a bridge passes a frame from one port to another (br_forward.c, should_deliver)."""
    if not forwards(target):
        return False
    port, other = target.port or BridgePort(), (source.port if source else None) or BridgePort()
    if source is not None and source.index == target.index and not port.hairpin:
        return False
    return not (source is not None and port.isolated and other.isolated)


def segment_of(snapshot: Snapshot, netns: Netns, link: Link) -> Segment:
    """Floods a broadcast frame out of `link`."""
    stations: list[Station] = []
    leaves = False
    seen: set[tuple[str, int]] = set()
    queue: deque[tuple[Netns, Link, int | None]] = deque()
    if link.kind == "bridge":
        queue.extend((netns, port, port.index) for port in ports_of(netns, link) if may_pass(None, port))
    else:
        queue.append((netns, link, None))
    while queue:
        at, out, first = queue.popleft()
        if not out.up or (at.id, out.index) in seen:
            continue
        seen.add((at.id, out.index))
        if opaque(out):
            leaves = True
            continue
        if out.peer is None or out.peer.netns is None:
            continue
        there = snapshot.by_id[out.peer.netns]
        arrived = there.links_by_index.get(out.peer.index)
        if arrived is None or not arrived.up:
            continue
        bridge = bridge_of(there, arrived)
        if bridge is None:
            stations.append(Station(there.id, arrived, first))
        elif bridge.up and forwards(arrived):
            stations.append(Station(there.id, bridge, first))
            queue.extend((there, port, first) for port in ports_of(there, bridge) if may_pass(arrived, port))
    return Segment(tuple(stations), leaves)


def bridge_of(netns: Netns, link: Link) -> Link | None:
    """The bridge that a link is a port of."""
    master = netns.links_by_index.get(link.master) if link.master is not None else None
    return master if master is not None and master.kind == "bridge" else None


def calls_iptables(netns: Netns, bridge: Link, version: int) -> bool:
    """Whether bridged packets pass the IP hooks: the namespace's setting, or the bridge's own."""
    name = "iptables" if version == 4 else "ip6tables"
    setting = f"net.bridge.bridge-nf-call-{name}"
    if setting not in netns.sysctls:
        return False
    return bool(netns.sysctl(setting)) or bridge.detail.get(f"nf_call_{name}") == "1"
