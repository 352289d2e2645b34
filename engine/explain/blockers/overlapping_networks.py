"""Blockers of networks that overlap: an address is looked for on a link whose subnet holds it, and is somewhere else.

Who has the address is seen, or it is the client that asked. What mends it is a route for that one address in every
namespace that looks for it on the wrong link; the network itself keeps its addresses until its owner gives it others.
"""

from __future__ import annotations

from ipaddress import ip_network

from engine.change.route import AddRoute
from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure
from engine.explain.fixes.routes import gateways
from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.ref import Ref
from engine.model.route import NextHop, Route
from engine.path.lookup.broadcast_domain import ports_of
from engine.path.lookup.fib import FlowKey, Found
from engine.path.lookup.route_decision import route_ref

#: So many namespaces on the way are given a route.
MOST_ROUTERS = 4


def overlap(failure: Failure, netns: Netns, turn: Found) -> Blocker | None:
    """A routing decision that looks for the packet's destination on a link that it is not on; None for any other."""
    wanted = failure.packet.dst
    link = _looked_for_on(failure, netns, turn, wanted)
    if link is None:
        return None
    ways = _homewards(failure, netns, wanted)
    if not ways:
        return None
    at, own = _network_at(failure, ways, wanted) or (route_ref(netns, turn.route), (netns, link))
    names = " and ".join(dict.fromkeys(each.netns for each in ways))
    subnet = next((a for a in own[0].addresses if a.link == own[1].index and a.covers(wanted)), None)
    if subnet is None:
        return None
    sentence = (
        f"{wanted} is inside {ip_network(str(subnet), strict=False)} on {own[1].name} in {own[0].id}, but not there: "
        f"{'replies to the client' if failure.backwards else 'packets to it'} are lost on that link"
    )
    crowded = next((each for way in ways if (each := renumbered(failure.world.netns(way.netns), wanted))), "")
    remedy = Remedy(f"{crowded}add a route to the real {wanted} in {names}", tuple(ways))
    return Blocker("SRC_SUBNET_OVERLAP", sentence, at, (remedy,), evidence=(f"then: {failure.step.text}",))


def renumbered(netns: Netns, address: IPAddress) -> str:
    """What ends an overlap for good, before what helps until then: another subnet for the containers' network that the
    address is in; empty where it is in none. Docker's own bridge has `bip`, its other networks come from
    `default-address-pools` (dockerd(8), daemon.json)."""
    links = (netns.links_by_index.get(own.link) for own in netns.addresses if own.covers(address))
    bridges = [link.name for link in links if link is not None and link.kind == "bridge"]
    if len(bridges) != 1:
        return ""
    (name,) = bridges
    where = "the network's `subnet`"
    if name == "docker0":
        where = "`bip` in daemon.json"
    elif name.startswith("br-"):
        where = "`default-address-pools` in daemon.json, or the network's `subnet`"
    return f"give {name} a subnet that is in use nowhere else ({where}); until then: "


def _looked_for_on(failure: Failure, netns: Netns, turn: Found, wanted: IPAddress) -> Link | None:
    """The link of an on-link route to a network of the namespace's own, where others are, but not the address."""
    if turn.route.kind != "unicast":
        return None
    hop = turn.nexthops[0]
    link = netns.links_by_index.get(hop.link or 0)
    if turn.route.protocol != "kernel" or hop.gateway is not None or link is None or not link.works:
        return None
    if wanted not in turn.route.destination or (link.kind == "bridge" and not ports_of(netns, link)):
        return None
    stations = failure.world.segment(netns, link).stations
    there = any(wanted in failure.world.netns(each.netns).addresses_by_value for each in stations)
    return None if there else link


def _homewards(failure: Failure, netns: Netns, wanted: IPAddress) -> list[AddRoute]:
    """Routes for one address, from a namespace on, until somebody has it or knows another way; none where it leads to
    nobody, as an address does that a rule gave the packet."""
    ways: list[AddRoute] = []
    been: set[str] = set()
    while len(been) < MOST_ROUTERS and wanted not in netns.addresses_by_value:
        found = failure.world.fib(netns).lookup(FlowKey(wanted))
        if not isinstance(found, Found) or _looked_for_on(failure, netns, found, wanted) is None:
            break
        been.add(netns.id)
        step = _next(failure, netns, wanted, been)
        if step is None:
            return []
        route, following = step
        ways.append(AddRoute(netns.id, route))
        if following is None:
            break
        netns = following
    return ways


def _next(failure: Failure, netns: Netns, wanted: IPAddress, been: set[str]) -> tuple[Route, Netns | None] | None:
    """The route that leads on from a namespace, and the namespace that it leads to, where that is seen."""
    source, to = failure.question.source, ip_network(wanted)
    if source.outside and netns.id == source.netns and wanted == source.address:
        link = netns.links_by_name[source.device or ""]
        return _route(to, link, NextHop(link.index, _gateway_by(netns, link))), None
    for hop in gateways(failure, netns, wanted):
        link = netns.links_by_index[hop.link or 0]
        for station in failure.world.segment(netns, link).stations:
            there = failure.world.netns(station.netns)
            if hop.gateway in there.addresses_by_value and there.id not in been:
                return _route(to, link, hop if hop.gateway != wanted else NextHop(link.index)), there
    return None


def _gateway_by(netns: Netns, link: Link) -> IPAddress | None:
    """The gateway that a route of the namespace uses behind a device."""
    hops = (hop for route in netns.routes for hop in route.nexthops if hop.link == link.index)
    return next((hop.gateway for hop in hops if hop.gateway is not None), None)


def _route(to: object, link: Link, hop: NextHop) -> Route:
    destination = ip_network(str(to))
    by = f" via {hop.gateway}" if hop.gateway is not None else ""
    scope = "link" if hop.gateway is None and destination.version == 4 else "global"
    return Route(destination, scope=scope, nexthops=(hop,), text=f"{destination}{by} dev {link.name}")


def _network_at(failure: Failure, ways: list[AddRoute], wanted: IPAddress) -> tuple[Ref, tuple[Netns, Link]] | None:
    """The on-link route of the router among them: the network is its, and the ends only follow."""
    for change in ways:
        netns = failure.world.netns(change.netns)
        found = failure.world.fib(netns).lookup(FlowKey(wanted))
        link = _looked_for_on(failure, netns, found, wanted) if isinstance(found, Found) else None
        if link is not None and link.kind == "bridge" and isinstance(found, Found):
            return route_ref(netns, found.route), (netns, link)
    return None
