"""Blockers of a wrong turn: a route or policy rule that takes the packet (or its answer) away from its way.

Each routing decision on the way is asked again. A policy rule of the admin's that decided it could go; so could a
route, where another one would then take its place, and a gateway that is not the right one could be changed. What
leads many others is kept where something narrower helps: a VPN's rule and routes, and the default route of who has two
uplinks.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.change.policy_rule import DeletePolicyRule
from engine.change.route import AddRoute, DeleteRoute
from engine.explain.blocker import WIDE, Blocker, Remedy
from engine.explain.blockers.overlapping_networks import overlap
from engine.explain.evidence.owners import owner_of
from engine.explain.failure import Failure
from engine.explain.fixes.policy_rules import STANDARD, past_rule
from engine.explain.fixes.routes import gateways, network_word
from engine.model.host import Netns
from engine.model.packet import PROTOCOL_NUMBERS, Packet
from engine.model.route import Route
from engine.model.trace import Step, StepKind
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
    route = turn.route
    everybodys = turn.rule.priority not in STANDARD and not route.destination.prefixlen
    cost = WIDE if everybodys or route.protocol == "kernel" else 1
    wanted = failure.packet.dst
    delete = DeleteRoute(netns.id, route)
    hop, word = turn.nexthops[0], network_word(route.destination)
    device = netns.links_by_index[hop.link or 0].name
    if _another(failure, netns, route):
        yield Remedy(f"delete route {word} dev {device} in {netns.id}", (delete,), cost=cost)
    for way in gateways(failure, netns, wanted) if route.protocol != "kernel" else ():
        if way.gateway != wanted and (way.link, way.gateway) != (hop.link, hop.gateway):
            better = replace(route, nexthops=(way,), scope="global", preferred_source=None, text="")
            old = hop.gateway or device
            title = f"add route {word} via {way.gateway} in {netns.id}, instead of {old}"
            if way.link != hop.link and not route.destination.prefixlen:
                alone = replace(better, destination=ip_network(wanted))
                yield Remedy(
                    f"add route {alone.destination} via {way.gateway} in {netns.id}", (AddRoute(netns.id, alone),)
                )
                yield Remedy(title, (delete, AddRoute(netns.id, better)), cost=WIDE)
            else:
                yield Remedy(title, (delete, AddRoute(netns.id, better)), cost=cost)


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
