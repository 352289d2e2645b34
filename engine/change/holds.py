"""Whether what a change claims of a host holds in a snapshot: one function for each kind of change. Pure.

A change claims that something is there and as it says; what else is there does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.change.building import CreateBridge, CreateNetns, CreateVeth, Shape
from engine.change.plan import AddAddress, AddRoute, Change, SetLink, SetPort, SetSysctl
from engine.model.host import Netns, Snapshot
from engine.model.route import Route


def holds(change: Change, snapshot: Snapshot) -> bool:
    """Whether there is nothing to do for a change that builds something."""
    return HOLDS[type(change)](change, snapshot)


def _has_netns(change: CreateNetns, snapshot: Snapshot) -> bool:
    return change.name in snapshot.by_id


def _has_bridge(change: CreateBridge, snapshot: Snapshot) -> bool:
    netns = snapshot.by_id.get(change.netns)
    link = netns.links_by_name.get(change.name) if netns else None
    return link is not None and link.kind == "bridge" and (link.up or not change.up)


def _has_veth(change: CreateVeth, snapshot: Snapshot) -> bool:
    near, far = snapshot.by_id.get(change.netns), snapshot.by_id.get(change.peer_netns)
    if near is None or far is None:
        return False
    one, other = near.links_by_name.get(change.name), far.links_by_name.get(change.peer_name)
    if one is None or other is None or not (one.up and (other.up or not change.up)):
        return False
    master = near.links_by_index.get(one.master) if one.master is not None else None
    paired = one.peer is None or (one.peer.netns in (None, far.id) and one.peer.index == other.index)
    return paired and (master.name if master else None) == change.master


def _is_set(change: SetLink, snapshot: Snapshot) -> bool:
    netns = snapshot.by_id.get(change.netns)
    link = netns.links_by_name.get(change.link) if netns else None
    return link is not None and link.up == change.up


def _has_claimed_address(change: AddAddress, snapshot: Snapshot) -> bool:
    netns = snapshot.by_id.get(change.netns)
    return netns is not None and has_address(netns, change.link, str(change.address))


def has_address(netns: Netns, link: str, address: str) -> bool:
    """Whether a link has an address, in words."""
    found = netns.links_by_name.get(link)
    return found is not None and any(one.link == found.index and str(one) == address for one in netns.addresses)


def _has_claimed_route(change: AddRoute, snapshot: Snapshot) -> bool:
    netns = snapshot.by_id.get(change.netns)
    return netns is not None and has_route(netns, change.route)


def has_route(netns: Netns, route: Route) -> bool:
    """A route is the same when it leads the same way; IPv6 routes have a metric where none was asked for."""
    gateways = [hop.gateway for hop in route.nexthops]
    return any(
        (one.destination, one.kind, one.table) == (route.destination, route.kind, route.table)
        and route.metric in (one.metric, 0)
        and [hop.gateway for hop in one.nexthops] == gateways
        for one in netns.routes
    )


def _has_sysctl(change: SetSysctl, snapshot: Snapshot) -> bool:
    """A setting that a snapshot does not have cannot be compared, and is taken for what was written."""
    netns = snapshot.by_id.get(change.netns)
    return netns is not None and netns.sysctls.get(change.name, change.value) == change.value


def _has_port(change: SetPort, snapshot: Snapshot) -> bool:
    netns = snapshot.by_id.get(change.netns)
    link = netns.links_by_name.get(change.link) if netns else None
    return link is not None and link.port is not None and bool(getattr(link.port, change.field)) == bool(change.value)


def _has_shape(_change: Shape, _snapshot: Snapshot) -> bool:
    """A snapshot does not show queueing disciplines: one is set when its link or its words are new."""
    return True


HOLDS: Mapping[type[Any], Callable[[Any, Snapshot], bool]] = {
    CreateNetns: _has_netns,
    CreateBridge: _has_bridge,
    CreateVeth: _has_veth,
    SetLink: _is_set,
    AddAddress: _has_claimed_address,
    AddRoute: _has_claimed_route,
    SetSysctl: _has_sysctl,
    SetPort: _has_port,
    Shape: _has_shape,
}
