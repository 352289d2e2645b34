"""Outlets: the devices by which frames leave a host, with who inside hears what comes in by them.

A frame that comes in by an outlet is flooded inwards as any is (`broadcast_domain`), so an address behind a bridge, a
VLAN device or a macvlan is found at the outlet that leads to it. A host's bridge for containers leads out by nothing,
so what is behind it has no outlet. A device that is down is one as well: its cable is still there.
"""

from __future__ import annotations

from collections.abc import Iterator

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
class Outlet:
    """A device by which frames of one VLAN (None: without a tag) leave a host."""

    machine: str
    netns: str
    link: Link
    vlan: int | None
    inside: tuple[Inside, ...]


def outlets(snapshot: Snapshot) -> Iterator[Outlet]:
    """Every outlet of every host."""
    wiring, engines = Wiring(snapshot), _engine_bridges(snapshot)
    for netns in snapshot.namespaces:
        for link in netns.links:
            if not _leads_out(netns, link, engines):
                continue
            for vlan in (None, *_vlans(netns)):
                stations = heard_inside(wiring, netns, replace(link, up=True), vlan).stations
                inside = tuple(_inside(snapshot.by_id[each.netns], each.link) for each in stations)
                if inside:
                    yield Outlet(netns.machine, netns.id, link, vlan, inside)


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
