"""Blockers of a wrong turn: a route or policy rule that takes the packet (or its answer) away from its way.

Each routing decision on the way is asked again. A policy rule of the admin's that decided it could go; so could a
route, where another one would then take its place, and a gateway that is not the right one could be changed. What
leads many others is kept where something narrower helps: a VPN's rule and routes, and the default route of who has two
uplinks.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.change.link import DeleteBridge
from engine.change.policy_rule import DeletePolicyRule
from engine.change.route import AddRoute, DeleteRoute
from engine.explain.blocker import WIDE, Blocker, Remedy
from engine.explain.blockers.overlapping_networks import overlap, renumbered
from engine.explain.evidence.owners import owner_of
from engine.explain.failure import Failure
from engine.explain.fixes.policy_rules import MOST_OF_ALL, STANDARD, TUNNELS, as_it_came, past_rule
from engine.explain.fixes.routes import gateways, network_word
from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import PROTOCOL_NUMBERS, Packet
from engine.model.route import NextHop, Route
from engine.model.trace import Step, StepKind
from engine.path.lookup.broadcast_domain import ports_of
from engine.path.lookup.fib import Fib, FlowKey, Found
from engine.path.lookup.route_decision import route_ref, rule_ref
from engine.records import replace

#: What an exit node's user has.
EXIT_NODE = "`tailscale set --exit-node-allow-lan-access` exempts the local networks (not checked)"
#: What the user of another machine's routes has.
ACCEPTED = "`tailscale set --accept-routes=false` ignores the routes that other machines advertise (not checked)"


def detours(failure: Failure) -> list[Blocker]:
    """Wrong turns, the last one first: it is nearest to where the packet ended."""
    code = "RET_ASYMMETRIC_GATEWAY" if failure.backwards else "SRC_ROUTE_SHADOWED"
    found = []
    for netns, step, turn in _turns(failure):
        elsewhere = overlap(failure, netns, turn)
        if elsewhere is not None:
            found.append(elsewhere)
            continue
        remedies = tuple(_remedies(failure, step.packet, netns, turn))
        if not remedies:
            continue
        custom = turn.rule.priority not in STANDARD
        at = rule_ref(netns, turn.rule) if custom else route_ref(netns, turn.route)
        what = "the reply " if failure.backwards else ""
        by, sends = (f"policy rule {turn.rule.priority} and route", "send") if custom else ("route", "sends")
        way = turn.route.text or turn.route.destination
        sentence = f"in {netns.id}, {by} {way} {sends} {what}{step.packet} the wrong way"
        came_by = failure.question.source.device
        if failure.backwards and came_by is not None and netns.id == failure.question.source.netns:
            sentence += f": the client came in by {came_by}"
        evidence = (f"then: {failure.step.text}", *((f"route: {turn.route.text}",) if custom else ()))
        owner = owner_of(at, netns.firewall)
        if owner == "tailscale":
            evidence += (ACCEPTED if turn.route.destination.prefixlen else EXIT_NODE,)
        found.append(Blocker(code, sentence, at, remedies, owner, evidence))
    found.reverse()
    return found


def _turns(failure: Failure) -> Iterator[tuple[Netns, Step, Found]]:
    """The routing decisions of the failing packet that sent it on."""
    for hop in failure.trace.hops:
        netns = failure.world.netns(hop.netns)
        for step in hop.steps:
            if step.kind is not StepKind.ROUTE:
                continue
            found = failure.world.fib(netns).lookup(_key(step))
            if isinstance(found, Found) and found.route.kind == "unicast":
                yield netns, step, found


def _key(step: Step) -> FlowKey:
    packet, context = step.packet, step.context
    return FlowKey(
        packet.dst,
        None if packet.src.is_unspecified else packet.src,
        context.iif or "lo",
        None,
        context.mark,
        0,
        PROTOCOL_NUMBERS[packet.protocol],
        packet.sport,
        packet.dport,
        context.uid,
    )


def _remedies(failure: Failure, packet: Packet, netns: Netns, turn: Found) -> Iterator[Remedy]:
    if turn.rule.priority not in STANDARD:
        yield from past_rule(failure, packet, netns, turn.rule)
        change = DeletePolicyRule(netns.id, turn.rule)
        yield Remedy(f"delete policy rule {turn.rule.priority} in {netns.id}", (change,), cost=WIDE)
    yield from as_it_came(failure, packet, netns, turn)
    yield from _past_route(failure, netns, turn)


def _past_route(failure: Failure, netns: Netns, turn: Found) -> Iterator[Remedy]:
    """Past a route: one for the destination's network alone where the route is everybody's, as a VPN's and the default
    one are, but by a bridge's port, which routes nothing; without the route, where another one takes its place; with
    the right gateway in it."""
    route, wanted = turn.route, failure.packet.dst
    hop, word = turn.nexthops[0], network_word(route.destination)
    link = netns.links_by_index[hop.link or 0]
    wide = route.destination.prefixlen <= MOST_OF_ALL
    everybodys = wide and (turn.rule.priority not in STANDARD or link.kind in TUNNELS or route.destination.prefixlen)
    cost = WIDE if everybodys or route.protocol == "kernel" else 1
    delete = DeleteRoute(netns.id, route)
    ways = gateways(failure, netns, wanted) if route.protocol != "kernel" else []
    ways = [way for way in ways if way.gateway != wanted and (way.link, way.gateway) != (hop.link, hop.gateway)]
    for way in ways if wide and link.master is None else ():
        if way.link != hop.link:
            own = _network_of(failure, wanted)
            own = ip_network(wanted) if own in {each.destination for each in netns.routes} else own
            alone = replace(_instead(route, way), destination=own)
            yield Remedy(f"add route {own} via {way.gateway} in {netns.id}", (AddRoute(netns.id, alone),))
    if _left_over(netns, link, wanted):
        title = f"delete bridge {link.name} in {netns.id}, without a port: another bridge has its subnet"
        yield Remedy(title, (DeleteBridge(netns.id, link.name),), meant=True)
    if _another(failure, netns, route):
        overlaps = renumbered(netns, wanted) if not wide and route.destination.num_addresses > 1 else ""
        yield Remedy(f"{overlaps}delete route {word} dev {link.name} in {netns.id}", (delete,), cost=cost)
    for way in ways:
        title = f"add route {word} via {way.gateway} in {netns.id}, instead of {hop.gateway or link.name}"
        weight = WIDE if wide and way.link != hop.link and link.master is None else cost
        yield Remedy(title, (delete, AddRoute(netns.id, _instead(route, way))), cost=weight)


def _left_over(netns: Netns, link: Link, wanted: IPAddress) -> bool:
    """Whether a bridge is what an engine forgot: without a port, beside another bridge that has the address in its
    subnet as well."""
    if link.kind != "bridge" or ports_of(netns, link):
        return False
    others = (netns.links_by_index.get(own.link) for own in netns.addresses if own.covers(wanted))
    return any(each is not None and each.kind == "bridge" and each is not link for each in others)


def _instead(route: Route, way: NextHop) -> Route:
    return replace(route, nexthops=(way,), scope="global", preferred_source=None, text="")


def _network_of(failure: Failure, wanted: IPAddress) -> IPNetwork:
    """The network that an address is in, as who routes for it has it; the address alone where nobody does."""
    own = (each for netns in failure.around for each in netns.addresses if each.scope == "global")
    known = [ip_network(str(each), strict=False) for each in own if each.covers(wanted)]
    return max(known, key=lambda network: network.prefixlen, default=ip_network(wanted))


def _another(failure: Failure, netns: Netns, route: Route) -> bool:
    """Whether packets would still have a way without the route.

    The route of one of the namespace's own subnets only goes for another route to it, or for a gateway that can help:
    none can where nobody has the address.
    """
    rest = Fib(replace(netns, routes=tuple(each for each in netns.routes if each != route)))
    found = rest.lookup(FlowKey(failure.packet.dst))
    if not isinstance(found, Found):
        return False
    if route.protocol != "kernel" or found.route.destination.prefixlen > 0:
        return True
    if not any(failure.packet.dst in each.addresses_by_value for each in failure.around):
        return False
    helpful = {(way.link, way.gateway) for way in gateways(failure, netns, failure.packet.dst)}
    return any((hop.link, hop.gateway) in helpful for hop in found.nexthops)
