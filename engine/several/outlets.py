"""Outlets: the devices by which frames leave a host, with who inside hears what comes in by them.

A frame that comes in by an outlet is flooded inwards as any is (`broadcast_domain`), so an address behind a bridge, a
VLAN device or a macvlan is found at the outlet that leads to it. A host's bridge for containers leads out by nothing,
so what is behind it has no outlet. A device that is down is one as well: its cable is still there.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link, Neighbour
from engine.path.lookup.broadcast_domain import bridge_of, heard_inside, opaque
from engine.path.lookup.device_topology import Wiring, addressed
from engine.records import dataclass, replace

#: Kinds that lead out, but onto no segment that another host's device could be on.
_NO_SEGMENT = frozenset({"dummy", "ifb", "nlmon", "vxlan", "geneve", "bareudp"})


@dataclass(frozen=True, slots=True)
class Inside:
    """A device within a host that is on the outlet's segment, with the addresses and neighbours of its namespace."""

    netns: str
    link: Link
    addresses: tuple[Address, ...]
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A device by which frames leave: its namespace, and the MAC addresses that its bridge has seen come in by it."""

    netns: str
    link: Link
    seen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outlet:
    """How frames of one VLAN (None: without a tag) leave a host: by one device, or by several ports of a bridge."""

    machine: str
    vlan: int | None
    inside: tuple[Inside, ...]
    ways: tuple[Way, ...]

    def way_to(self, macs: Collection[str]) -> Way:
        """The device that leads to one of the MAC addresses: the port that has seen it, else a network card."""
        known = next((way for way in self.ways if not way.seen.isdisjoint(macs)), None)
        return known or min(self.ways, key=lambda way: way.link.kind in ("tun", "veth"))


def outlets(snapshot: Snapshot) -> list[Outlet]:
    """Every outlet of every host."""
    wiring, engines = Wiring(snapshot), _engine_bridges(snapshot)
    found: dict[tuple[object, ...], Outlet] = {}
    for netns in snapshot.namespaces:
        for link in netns.links:
            for vlan in (None, *_vlans(netns)) if _leads_out(netns, link, engines) else ():
                stations = heard_inside(wiring, netns, replace(link, up=True), vlan).stations
                way = Way(netns.id, link, _seen_by(netns, link))
                key = (netns.machine, vlan, frozenset((each.netns, each.link.index) for each in stations))
                if key in found:
                    found[key] = replace(found[key], ways=(*found[key].ways, way))
                elif stations:
                    inside = tuple(_inside(snapshot.by_id[each.netns], each.link) for each in stations)
                    found[key] = Outlet(netns.machine, vlan, inside, (way,))
    return list(found.values())


def _seen_by(netns: Netns, port: Link) -> frozenset[str]:
    return frozenset(entry.mac for entry in netns.fdb if entry.link == port.index and not entry.local)


def _leads_out(netns: Netns, link: Link, engines: set[tuple[str, str]]) -> bool:
    if not opaque(link) or not addressed(link) or link.kind in _NO_SEGMENT:
        return False
    bridge = bridge_of(netns, link)
    return bridge is None or link.kind != "veth" or (netns.machine, bridge.name) not in engines


def _engine_bridges(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Bridges of container engines: a veth pair that leads from one to where nothing was seen is a container's."""
    return {(network.machine, network.bridge) for network in snapshot.networks if network.bridge}


def _vlans(netns: Netns) -> list[int]:
    """The tags that devices of the namespace take."""
    numbers = {link.detail.get("id", "") for link in netns.links if link.kind == "vlan"}
    return sorted(int(number) for number in numbers if number.isdecimal())


def _inside(netns: Netns, link: Link) -> Inside:
    addresses = tuple(each for each in netns.addresses if each.link == link.index)
    neighbours = tuple(each for each in netns.neighbours if each.link == link.index and not each.proxy)
    return Inside(netns.id, link, addresses, neighbours)
