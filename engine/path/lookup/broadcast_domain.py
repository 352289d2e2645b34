"""The link-layer neighbourhood of a device: who hears what it sends, through bridges, cables and stacked devices.

A breadth-first flood over the snapshot, as a broadcast frame would spread, with its VLAN tag. Address resolution asks
it who answers; a bridge asks it behind which port a station lives when its forwarding table does not say.
"""

from __future__ import annotations

from collections import deque

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import BridgePort, Link
from engine.path.lookup.bridge_vlans import Refused, Vlan, admitted, released
from engine.path.lookup.device_topology import (
    BONDS,
    IPVLANS,
    MACVLANS,
    STACKED,
    Wiring,
    active_port,
    answers_itself,
    bond_of,
    listens_to,
    remotes,
    told_elsewhere,
)
from engine.records import dataclass, replace

#: Kinds whose frames stay inside what a snapshot shows, where it shows what they stand on. Any other leads out of view.
SEEN_KINDS = frozenset({"veth", "bridge", "loopback", "vxlan"}) | STACKED | BONDS

#: A port without options.
PLAIN = BridgePort()


@dataclass(frozen=True, slots=True)
class Crossing:
    """A bridge that passes the frame on: the port that it comes in by, and the one that it leaves by."""

    netns: str
    bridge: Link
    entry: Link
    exit: Link


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A vxlan that the frame goes through: from a device to a remote address (None: nowhere), and the device behind
    that."""

    netns: str
    link: Link
    remote: IPAddress | None
    far_netns: str
    far_link: Link


@dataclass(frozen=True, slots=True)
class L2Host:
    """A device with an IP stack behind it that hears the frame. `port` is the first bridge port on the way
    (an index in the starting namespace), None when the frame did not leave by a bridge. `crossed` are the bridges that
    passed it on, `tunnels` the vxlans that it went through, in order. `entry` is the port of the station's own bridge
    that it came up by, where it has one."""

    netns: str
    link: Link
    port: int | None
    crossed: tuple[Crossing, ...] = ()
    entry: int | None = None
    tunnels: tuple[Tunnel, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """Who hears a broadcast, and is heard by its sender; and whether it also reaches devices beyond the snapshot.
    `proxies` are vxlan devices, by namespace, that answer questions for an address themselves, `machines` the other
    hosts that it reaches by a join."""

    stations: tuple[L2Host, ...]
    leaves_view: bool
    proxies: tuple[tuple[str, Link], ...] = ()
    machines: frozenset[str] = frozenset()

    def owner(self, mac: str) -> L2Host | None:
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
    if source is None:
        return True
    port, other = target.port or PLAIN, source.port or PLAIN
    if source.index == target.index and not port.hairpin:
        return False
    return not (port.isolated and other.isolated)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a frame has come so far: its tag, the first bridge port, the bridges that passed it on, the port by which it
    went up to a bridge's own stack, the tunnels."""

    tag: Vlan = None
    first: int | None = None
    crossed: tuple[Crossing, ...] = ()
    entry: int | None = None
    tunnels: tuple[Tunnel, ...] = ()


def floods(port: Link, version: int | None) -> bool:
    """Whether a bridge passes what it floods on to a port: ARP (4) is for everybody, a question of IPv6 for a group
    (br_flood)."""
    options = port.port or PLAIN
    return version is None or (options.broadcast_flood if version == 4 else options.multicast_flood)


class _Flood:
    """A frame for everybody, spreading: a question for a neighbour of an IP version, or of none any other."""

    def __init__(self, wiring: Wiring, sender: Link, version: int | None) -> None:
        self.wiring, self.sender, self.version = wiring, sender, version
        self.stations: list[L2Host] = []
        self.proxies: list[tuple[str, Link]] = []
        self.machines: set[str] = set()
        self.leaves = False
        self._seen: set[tuple[str, int, Vlan, bool]] = set()
        self._queue: deque[tuple[Netns, Link, _Way, bool]] = deque()

    def send(self, netns: Netns, link: Link, way: _Way) -> None:
        """The frame leaves by a device."""
        self._queue.append((netns, link, way, True))

    def hear(self, netns: Netns, link: Link, way: _Way) -> None:
        """The frame comes in by a device."""
        self._queue.append((netns, link, way, False))

    def run(self) -> Segment:
        """Lets the frame spread until everybody has heard it."""
        while self._queue:
            netns, link, way, sends = self._queue.popleft()
            key = (netns.id, link.index, way.tag, sends)
            if link.up and key not in self._seen:
                self._seen.add(key)
                (self._sent if sends else self._heard)(netns, link, way)
        stations = tuple(each for each in self.stations if listens_to(self.sender, each.link.mac))
        return Segment(stations, self.leaves, tuple(self.proxies), frozenset(self.machines))

    def _sent(self, netns: Netns, link: Link, way: _Way) -> None:
        if link.kind == "bridge":
            vlan = admitted(netns, link, link, way.tag)
            if not isinstance(vlan, Refused):
                self.spread(netns, link, None, replace(way, tag=vlan))
        elif link.kind in STACKED:
            self._down(netns, link, way)
        elif link.kind in BONDS:
            port = active_port(netns, link)
            self.leaves |= port is None
            if port is not None:
                self.send(netns, port, way)
        elif link.kind == "vxlan":
            self._into_vxlan(netns, link, way)
        elif link.kind != "veth" or link.peer is None or link.peer.netns is None:
            self.leaves |= link.kind != "loopback"
            for place in self.wiring.beside(netns, link):
                self.machines.add(place[0].machine)
                self.hear(*place, way)
        else:
            there = self.wiring.snapshot.by_id[link.peer.netns]
            arrived = there.links_by_index.get(link.peer.index)
            if arrived is not None:
                self.hear(there, arrived, way)

    def _into_vxlan(self, netns: Netns, link: Link, way: _Way) -> None:
        """Through the tunnel to each of its other ends; of questions, a vxlan that answers them passes none on."""
        if self.version is not None and answers_itself(link):
            self.proxies.append((netns.id, link))
            self.leaves |= told_elsewhere(netns, link, "l3miss")
            return
        far = [(remote, self.wiring.vteps(netns, link, remote)) for remote in remotes(netns, link, None)]
        self.leaves |= any(end is None for _, end in far) or (not far and told_elsewhere(netns, link))
        for remote, end in far:
            if end is not None:
                tunnel = Tunnel(netns.id, link, remote, end[0].id, end[1])
                self.hear(*end, replace(way, tunnels=(*way.tunnels, tunnel)))

    def _down(self, netns: Netns, link: Link, way: _Way) -> None:
        """From a stacked device to its siblings and its lower device. That one's own stack does not hear it."""
        if not link.works:
            return
        lower = self.wiring.below(netns, link)
        for place in self.wiring.siblings(netns, link):
            self.hear(*place, way)
        if lower is None or (link.kind == "vlan" and way.tag is not None):
            self.leaves = True
            return
        number = link.detail.get("id", "")
        tagged = link.kind == "vlan" and number.isdecimal()
        self.send(*lower, replace(way, tag=int(number)) if tagged else way)

    def _heard(self, netns: Netns, link: Link, way: _Way) -> None:
        bond = bond_of(netns, link)
        if bond is not None:
            self.hear(netns, bond, way)
            return
        for there, above in self.wiring.above(netns, link):
            if above.kind == "vlan" and way.tag is not None and above.detail.get("id") == str(way.tag):
                self.hear(there, above, replace(way, tag=None))
                return
            if above.kind in MACVLANS | IPVLANS and listens_to(above, self.sender.mac):
                self.hear(there, above, way)
        bridge = bridge_of(netns, link)
        if bridge is None:
            if way.tag is None:
                self.stations.append(L2Host(netns.id, link, way.first, way.crossed, way.entry, way.tunnels))
        elif bridge.up and forwards(link):
            vlan = admitted(netns, bridge, link, way.tag)
            if not isinstance(vlan, Refused):
                inwards = released(netns, bridge, bridge, vlan)
                if not isinstance(inwards, Refused):
                    self.hear(netns, bridge, replace(way, tag=inwards, entry=link.index))
                self.spread(netns, bridge, link, replace(way, tag=vlan))

    def spread(self, netns: Netns, bridge: Link, source: Link | None, way: _Way) -> None:
        """A bridge passes the frame of a VLAN on to its ports."""
        for port in ports_of(netns, bridge):
            tag = released(netns, bridge, port, way.tag)
            if not may_pass(source, port) or isinstance(tag, Refused):
                continue
            if source is not None and not floods(port, self.version):
                continue
            if source is not None:
                crossed = (*way.crossed, Crossing(netns.id, bridge, source, port))
                self.send(netns, port, _Way(tag, way.first, crossed, tunnels=way.tunnels))
            else:
                first = port.index if way.first is None else way.first
                self.send(netns, port, _Way(tag, first, way.crossed, tunnels=way.tunnels))


def segment_of(wiring: Wiring, netns: Netns, link: Link, inside: Vlan = None, version: int | None = None) -> Segment:
    """Floods a frame out of `link`: a question for a neighbour of that IP version, which ports may not be told. For a
    bridge with VLANs, `inside` is the one that the frame is in."""
    flood = _Flood(wiring, link, version)
    if link.kind == "bridge" and inside is not None:
        flood.spread(netns, link, None, _Way(inside))
    else:
        flood.send(netns, link, _Way())
    return flood.run()


def heard_inside(wiring: Wiring, netns: Netns, link: Link, vlan: Vlan = None) -> Segment:
    """Who hears a frame for everybody that comes in by `link`, with a VLAN's tag or without."""
    flood = _Flood(wiring, link, None)
    flood.hear(netns, link, _Way(vlan))
    return flood.run()


def bridge_of(netns: Netns, link: Link) -> Link | None:
    """The bridge that a link is a port of."""
    master = netns.links_by_index.get(link.master) if link.master is not None else None
    return master if master is not None and master.kind == "bridge" else None


def calls_iptables(netns: Netns, bridge: Link, version: int) -> bool:
    """Whether bridged packets pass the IP hooks: the namespace's setting, or the bridge's own."""
    return calls(netns, bridge, "iptables" if version == 4 else "ip6tables")


def calls(netns: Netns, bridge: Link, name: str) -> bool:
    """The same for one of iptables, ip6tables, arptables."""
    setting = f"net.bridge.bridge-nf-call-{name}"
    if setting not in netns.sysctls:
        return False
    return bool(netns.sysctl(setting)) or bridge.detail.get(f"nf_call_{name}") == "1"
