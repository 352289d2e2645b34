"""Blockers of routing: no way there, no way back, a route that refuses, forwarding that is off."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change import applied
from engine.change.policy_rule import DeletePolicyRule
from engine.change.route import DeleteRoute
from engine.change.sysctl import SetSysctl
from engine.change.words import MAIN_TABLE
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.links.link import up
from engine.explain.failure import Failure
from engine.explain.fixes.networks import joined_networks
from engine.explain.fixes.policy_rules import STANDARD, past_rule
from engine.explain.fixes.routes import narrow_masks, up_to_output, ways, wider_masks
from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.plan import Change
from engine.model.ref import Ref, RefKind
from engine.model.route import Route
from engine.model.trace import Outcome, StepKind
from engine.path.lookup.fib import Fib, FlowKey, Found
from engine.path.lookup.route_decision import route_ref
from engine.records import replace


def no_route(failure: Failure) -> list[Blocker]:
    """NO_ROUTE: a default route by a neighbour that forwards, or that knows the destination."""
    ref = failure.step.ref
    if ref is None:
        return []
    if ref.kind is RefKind.POLICY_RULE:
        return refused_route(failure)
    netns, wanted = failure.netns, failure.packet.dst
    remedies = (
        *joined_networks(failure),
        *wider_masks(failure, netns, wanted),
        *ways(failure, netns, wanted),
        *up_to_output(failure, netns, wanted),
    )
    code = "RET_NO_ROUTE_BACK" if failure.backwards else "SRC_NO_ROUTE"
    back = "back to the client " if failure.backwards else "to "
    sentence = f"{netns.id} has no route {back}{wanted}"
    main = [route.text for route in netns.routes if route.table == MAIN_TABLE and route.family.value == _family(wanted)]
    evidence = tuple(f"it has: {text}" for text in main[:4]) or ("its main table is empty",)
    nowhere = (failure.step.text,) if failure.step.kind is StepKind.NOTE else ()
    narrow = tuple(
        f"{own} of {netns.links_by_index[own.link].name} has too long a prefix: its neighbours use {wide}"
        for own, wide in narrow_masks(failure, netns, wanted)
    )
    return [Blocker(code, sentence, ref, remedies, _owner(failure, netns), (*nowhere, *narrow, *evidence))]


def routes_lost(failure: Failure) -> list[Blocker]:
    """NO_ROUTE: a device of the namespace is down, and its routes went with it: both come back."""
    netns, wanted = failure.netns, failure.packet.dst
    found = []
    for link in netns.links:
        if link.up or all(own.link != link.index or own.address.version != wanted.version for own in netns.addresses):
            continue
        blocker = up(netns, link)
        (first,) = blocker.remedies
        world = failure.world.derive(applied(failure.world.snapshot, first.changes))
        again = replace(failure, world=world)
        then = (*wider_masks(again, again.netns, wanted), *ways(again, again.netns, wanted))
        both = (Remedy(f"{first.title}, and {each.title}", (*first.changes, *each.changes)) for each in then)
        found.append(replace(blocker, remedies=tuple(both)))
    return found


def thrown(failure: Failure) -> list[Blocker]:
    """NO_ROUTE: a route of type throw ends the lookup in its table, where another route would have led on."""
    netns, wanted = failure.netns, failure.packet.dst
    code = "RET_NO_ROUTE_BACK" if failure.backwards else "SRC_NO_ROUTE"
    found = []
    for route in netns.routes:
        if route.kind == "throw" and wanted in route.destination and _led_on(netns, route, wanted):
            at = route_ref(netns, route)
            remedy = Remedy(f"delete {at.words}", (DeleteRoute(netns.id, route),))
            sentence = (
                f"{at.words} in {netns.id} sends packets to {wanted} to other tables, and none of them has a route"
            )
            found.append(Blocker(code, sentence, at, (remedy,), evidence=(f"packet: {failure.packet}",)))
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
    remedies = (*_past(failure, ref), *((Remedy(f"delete {ref.words}", (change,)),) if change else ()))
    kind = {Outcome.ROUTE_BLACKHOLE: "BLACKHOLE", Outcome.ROUTE_PROHIBIT: "PROHIBIT"}.get(
        failure.outcome, "UNREACHABLE"
    )
    code = f"{'RET' if failure.backwards else 'SRC'}_ROUTE_{kind}"
    sentence = f"{ref.words} in {ref.netns} rejects packets to {failure.packet.dst}: {ref.text}"
    return [Blocker(code, sentence, ref, remedies)]


def by_loopback(failure: Failure) -> list[Blocker]:
    """LOOP: a route leads out by the loopback device, which brings the packet back: it goes."""
    device = failure.netns.links_by_name.get(failure.step.context.iif)
    routes = [step.ref for step in failure.trace.hops[-1].steps if step.kind is StepKind.ROUTE and step.ref is not None]
    if device is None or device.kind != "loopback" or not routes:
        return []
    at = routes[-1]
    sentence = f"{at.words} in {at.netns} sends {failure.packet} out of {device.name}, which returns it: {at.text}"
    change = removal_of(failure.netns, at)
    return [Blocker("ROUTE_LOOP", sentence, at, (Remedy(f"delete {at.words}", (change,)),) if change else ())]


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
    sentence = f"in {failure.netns.id} {failure.step.text}: the mark needs a policy rule to a table with a local route"
    return [Blocker("HOST_TPROXY_NOT_ROUTED", sentence, ref)]


def not_forwarded(failure: Failure) -> list[Blocker]:
    """NOT_FORWARDED: the switch of the namespace, or of the device that the packet came in by."""
    ref = failure.step.ref
    if ref is None:
        return []
    name = str(ref.key[0])
    netns = failure.netns
    if failure.returned:
        sentence = f"the next router sends {failure.packet} back to {netns.id}: it has no better route"
        return [Blocker("ROUTE_SENT_BACK", sentence, ref)]
    if ref.kind is not RefKind.SYSCTL:
        return []
    leaf = sum(link.kind != "loopback" for link in netns.links) == 1
    cost = 2 if leaf else 1  # with one device it is no router: whoever sent the packet there is rather wrong
    remedy = Remedy(f"enable forwarding in {netns.id}", (SetSysctl(netns.id, name, 1),), cost=cost)
    whole = name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
    code = "HOST_IP_FORWARD_OFF" if whole else "HOST_DEVICE_FORWARDING_OFF"
    sentence = f"forwarding is off in {netns.id} ({name} = 0), and {failure.packet} is not for one of its addresses"
    lost = leaf and all(failure.packet.dst not in each.addresses_by_value for each in failure.around)
    sentence += ", nor for any other in the snapshot" if lost else ""
    return [Blocker(code, sentence, ref, (remedy,))]


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
    containers = failure.home.containers_in(netns.id)
    return containers[0].engine if containers else "admin"


def _family(address: IPAddress) -> str:
    return "inet" if address.version == 4 else "inet6"
