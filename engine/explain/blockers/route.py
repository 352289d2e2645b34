"""Blockers of routing: no way there, no way back, a route that refuses, forwarding that is off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

from engine.explain.blocker import Blocker, Remedy
from engine.explain.failure import Failure
from engine.explain.policycraft import STANDARD, past_rule
from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.plan import AddRoute, Change, DeletePolicyRule, DeleteRoute, SetSysctl
from engine.model.ref import Ref, RefKind
from engine.model.route import NextHop, Route
from engine.model.trace import Outcome
from engine.path.decision import route_ref
from engine.path.fib import Fib, FlowKey, Found


def no_route(failure: Failure) -> list[Blocker]:
    """NO_ROUTE: a default route by a neighbour that forwards, or that knows the destination."""
    ref = failure.step.ref
    if ref is None:
        return []
    if ref.kind is RefKind.POLICY_RULE:
        return refused_route(failure)
    netns, wanted = failure.netns, failure.packet.dst
    remedies = tuple(
        Remedy(f"route {_network_word(network)} of {netns.id} by {gateway}", (AddRoute(netns.id, route),))
        for network, gateway, route in ways(failure, netns, wanted)
    )
    code = "RET_NO_ROUTE_BACK" if failure.backwards else "SRC_NO_ROUTE"
    purpose = "back to the client" if failure.backwards else "there"
    sentence = f"{netns.id} has no route to {wanted}: it can't send {purpose}"
    main = [route.text for route in netns.routes if route.table == 254 and route.family.value == _family(wanted)]
    evidence = tuple(f"it has: {text}" for text in main[:4]) or ("its main table is empty",)
    return [Blocker(code, sentence, ref, remedies, _owner(failure, netns), evidence)]


def thrown(failure: Failure) -> list[Blocker]:
    """NO_ROUTE: a route of type throw ends the lookup in its table, where another route would have led on."""
    netns, wanted = failure.netns, failure.packet.dst
    code = "RET_NO_ROUTE_BACK" if failure.backwards else "SRC_NO_ROUTE"
    found = []
    for route in netns.routes:
        if route.kind == "throw" and wanted in route.destination and _led_on(netns, route, wanted):
            at = route_ref(netns, route)
            remedy = Remedy(f"delete {at.name}", (DeleteRoute(netns.id, route),))
            sentence = f"{at.name} in {netns.id} sends packets to {wanted} on to other tables, and none has a route"
            found.append(Blocker(code, sentence, at, (remedy,), evidence=(f"the packet: {failure.packet}",)))
    return found


def _led_on(netns: Netns, without: Route, wanted: IPAddress) -> bool:
    """Whether packets would have a way if one route were gone."""
    rest = replace(netns, routes=tuple(route for route in netns.routes if route != without))
    return isinstance(Fib(rest).lookup(FlowKey(wanted)), Found)


def refused_route(failure: Failure) -> list[Blocker]:
    """A route or policy rule of type unreachable, prohibit or blackhole: it goes."""
    ref = failure.step.ref
    if ref is None:
        return []
    change = removal_of(failure.netns, ref)
    remedies = (*_past(failure, ref), *((Remedy(f"delete {ref.name}", (change,)),) if change else ()))
    kind = {Outcome.ROUTE_BLACKHOLE: "BLACKHOLE", Outcome.ROUTE_PROHIBIT: "PROHIBIT"}.get(
        failure.outcome, "UNREACHABLE"
    )
    code = f"{'RET' if failure.backwards else 'SRC'}_ROUTE_{kind}"
    sentence = f"{ref.name} in {ref.netns} refuses packets to {failure.packet.dst}: {ref.text}"
    return [Blocker(code, sentence, ref, remedies)]


def _past(failure: Failure, ref: Ref) -> Iterator[Remedy]:
    """Past the policy rule that led to a refusing table, or that refuses itself."""
    netns = failure.netns
    for rule in netns.rules:
        led = ref.kind is RefKind.ROUTE and rule.table == ref.key[0] and rule.action == "table"
        itself = ref.kind is RefKind.POLICY_RULE and (rule.family, rule.priority) == ref.key[:2]
        if (led or itself) and rule.priority not in STANDARD:
            yield from past_rule(failure, failure.packet, netns, rule)
            return


def not_taken_in(failure: Failure) -> list[Blocker]:
    """NOT_FORWARDED: a transparent proxy's rule took the packet, and routing sends it on all the same."""
    ref = failure.step.ref
    if ref is None or ref.kind is not RefKind.ROUTE:
        return []
    sentence = f"in {failure.netns.id} {failure.step.text}: a policy rule for the mark has to lead to a local route"
    return [Blocker("HOST_TPROXY_NOT_ROUTED", sentence, ref)]


def not_forwarded(failure: Failure) -> list[Blocker]:
    """NOT_FORWARDED: the switch of the namespace, or of the device that the packet came in by."""
    ref = failure.step.ref
    if ref is None:
        return []
    name = str(ref.key[0])
    netns = failure.netns
    if failure.returned:
        sentence = f"{failure.packet} was sent back to {netns.id}, which it came from: nobody on the way knows better"
        return [Blocker("ROUTE_SENT_BACK", sentence, ref)]
    if ref.kind is not RefKind.SYSCTL:
        return []
    leaf = sum(link.kind != "loopback" for link in netns.links) == 1
    cost = 2 if leaf else 1  # with one device it is no router: whoever sent the packet there is rather wrong
    remedy = Remedy(f"turn forwarding on in {netns.id}", (SetSysctl(netns.id, name, 1),), cost=cost)
    whole = name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
    code = "HOST_IP_FORWARD_OFF" if whole else "HOST_DEVICE_FORWARDING_OFF"
    sentence = f"{netns.id} does not forward packets: {name} is 0, and {failure.packet} is not for itself"
    return [Blocker(code, sentence, ref, (remedy,))]


def ways(failure: Failure, netns: Netns, wanted: IPAddress) -> list[tuple[IPNetwork, IPAddress, Route]]:
    """Routes that could be added: by whoever sent the question, else by a neighbour that forwards."""
    network = ip_network("0.0.0.0/0" if wanted.version == 4 else "::/0")
    has_default = any(r.table == 254 and r.destination == network for r in netns.routes)
    destination = ip_network(str(wanted)) if has_default else network
    found = []
    for link, gateway in gateways(failure, netns, wanted):
        route = Route(destination, nexthops=(NextHop(link.index, gateway),), text=f"{destination} via {gateway}")
        found.append((destination, gateway, route))
    return found


def gateways(failure: Failure, netns: Netns, wanted: IPAddress) -> list[tuple[Link, IPAddress]]:
    """Neighbours in the namespace's own subnets that can take packets for `wanted`: whoever has it, then engines'
    gateways, then others.

    Where the failing packet has been before, it does not go again.
    """
    been = {hop.netns for hop in failure.trace.hops} if wanted == failure.packet.dst else set()
    declared = {
        gateway
        for container in failure.world.snapshot.containers_in(netns.id)
        for attachment in container.attachments
        for gateway in (attachment.gateway, attachment.gateway6)
    }
    found: list[tuple[bool, bool, Link, IPAddress]] = []
    for link in netns.links:
        if not link.works or link.kind == "loopback":
            continue
        for station in failure.world.segment(netns, link).stations:
            there = failure.world.netns(station.netns)
            if there.id in been and wanted not in there.addresses_by_value:
                continue
            if not _can_take(failure.world.fib(there), there, wanted):
                continue
            for address in there.addresses:
                if address.address.version != wanted.version:
                    continue
                if address.link == station.link.index and _on_link(netns, link, address.address):
                    order = address.address != wanted, address.address not in declared
                    found.append((*order, link, address.address))
    found.sort(key=lambda entry: entry[:2])
    return [(link, gateway) for _, _, link, gateway in found[:3]]


def _can_take(fib: Fib, there: Netns, wanted: IPAddress) -> bool:
    """Whether a namespace has the address, or forwards and knows a way to it."""
    if wanted in there.addresses_by_value:
        return True
    forwards = there.sysctl("net.ipv4.ip_forward" if wanted.version == 4 else "net.ipv6.conf.all.forwarding")
    return bool(forwards) and isinstance(fib.lookup(FlowKey(wanted)), Found)


def _on_link(netns: Netns, link: Link, address: IPAddress) -> bool:
    own = (a for a in netns.addresses if a.link == link.index and a.scope != "link" and a.address != address)
    return any(each.covers(address) for each in own)


def removal_of(netns: Netns, ref: Ref) -> Change | None:
    """The change that removes the route or policy rule that a pointer points at."""
    if ref.kind is RefKind.POLICY_RULE:
        rule = next((r for r in netns.rules if (r.family, r.priority) == (ref.key[0], ref.key[1])), None)
        return DeletePolicyRule(netns.id, rule) if rule else None
    for route in netns.routes:
        if (route.table, str(route.destination), route.metric) == ref.key:
            return DeleteRoute(netns.id, route)
    return None


def _owner(failure: Failure, netns: Netns) -> str:
    containers = failure.world.snapshot.containers_in(netns.id)
    return containers[0].engine if containers else "admin"


def _network_word(network: object) -> str:
    return "default" if str(network) in ("0.0.0.0/0", "::/0") else str(network)


def _family(address: IPAddress) -> str:
    return "inet" if address.version == 4 else "inet6"
