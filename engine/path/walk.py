"""The walk: a loop over stages, from where a packet starts to where it ends.

The stages follow net/ipv4/ip_input.c, ip_forward.c and ip_output.c; the link layer is in `switching`. What
happens at the end of a delivered packet is the caller's (`Journey.endpoint`): a question looks for a
listener, a reply for the client that waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.model.firewall import RejectKind
from engine.model.link import Link
from engine.model.packet import ECHO_PROTOCOLS
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.budget import WALK
from engine.path.ip.ipv6_scope import loopback_from_outside, stays_on_link
from engine.path.ip.routing import route_input, route_output
from engine.path.journey import CannotTell, Journey, Out
from engine.path.link import ipvlan, vrf_passage
from engine.path.link.ipsec import coming_in, going_out, leaving
from engine.path.link.switching import arrive, bridged, emit, on_wire
from engine.path.link.vxlan import asked, through
from engine.path.lookup.route_decision import Refusal, RouteDecision
from engine.path.lookup.source_address6 import source_address6
from engine.path.lookup.vrf import VRF, domain_of
from engine.path.netfilter.hooks import run_hook
from engine.path.netfilter.mss import announce
from engine.path.stages import (
    Arrive,
    Asking,
    Bridged,
    Emit,
    Forward,
    IntoVrf,
    LocalIn,
    LocalOut,
    Next,
    OnWire,
    RoutedBelow,
    Stack,
    Stage,
    Tunnelled,
)
from engine.path.unmodelled import mention_flowtables
from engine.records import replace

#: A packet has at most 255 hops of a handful of stages; more stages than this can't be.
MOST_STAGES = 4096
#: The TTL of packets that are made where no sysctl says another (include/uapi/linux/ip.h, IPDEFTTL).
DEFAULT_TTL = 64


def walk(journey: Journey, stage: Stage) -> Trace:
    """Takes the packet from `stage` to its end. Raises OutOfBudget where a search has used up its share."""
    journey.world.budget.spend(WALK)
    try:
        return _walked(journey, stage)
    except CannotTell:
        return journey.end(Outcome.UNKNOWN)


def _walked(journey: Journey, stage: Stage) -> Trace:
    seen: dict[object, int] = {}
    following: Next = stage
    for _ in range(MOST_STAGES):
        if isinstance(following, Trace):
            return following
        if isinstance(following, Stack) and not journey.circling and _goes_round(journey, following, seen):
            journey.step(StepKind.NOTE, "routing loop: the unchanged packet was here before")
            return journey.end(Outcome.LOOP)
        following = HANDLERS[type(following)](journey, following)
    return journey.end(Outcome.LOOP)


def _goes_round(journey: Journey, stage: Stack, seen: dict[object, int]) -> bool:
    """Whether the packet was here before, unchanged, and goes round for ever. Where a round costs it some of its time
    to live, it is taken to the last one at once. A router that translates may give it another port in each."""
    alike, left = replace(journey.packet, ttl=0, sport=None, number=None), journey.packet.ttl
    place = (journey.netns.id, stage.link.index, alike, journey.context.mark)
    if place not in seen:
        seen[place] = left
        return False
    spent = seen[place] - left
    if spent > 0:
        journey.packet = replace(journey.packet, ttl=1 + (left - 1) % spent)
        journey.circling = True
    return spent <= 0


def _local_out(journey: Journey, stage: LocalOut) -> Next:
    del stage
    way = _set_out(journey)
    if isinstance(way, Refusal):
        return _refuse(journey, way)
    if journey.packet.src.is_unspecified:
        journey.step(StepKind.ROUTE, f"no source address on {way.link.name}", way.ref)
        return journey.end(Outcome.NO_SOURCE_ADDRESS)
    announce(journey, way)
    if journey.packet.dst.version == 4:  # ip4_dst_hoplimit; what a socket or a tunnel asks for is not known
        journey.packet = replace(journey.packet, ttl=journey.netns.sysctl("net.ipv4.ip_default_ttl", DEFAULT_TTL))
    journey.step(StepKind.ROUTE, way.text, way.ref)
    journey.see(iif="", oif=way.link.name, gateway=way.gateway)
    ways = [way]

    def reroute(journey: Journey) -> Trace | None:
        again = route_output(journey, journey.packet)
        if isinstance(again, Refusal):
            return _refuse(journey, again)
        if again.ref != ways[-1].ref:
            journey.step(StepKind.ROUTE, f"routed again: {again.text}", again.ref)
        ways.append(again)
        journey.see(gateway=again.gateway)
        return going_out(journey, again.link)

    ended = going_out(journey, way.link) or vrf_passage.goes_out(journey, way.link)
    ended = ended or run_hook(journey, "output", reroute=reroute)
    return ended or _discard(journey, ways[-1]) or _postroute(journey, ways[-1], made=True)


def _set_out(journey: Journey) -> RouteDecision | Refusal:
    """The way of a packet that is made here, with the source address that it gets where it has none.

    IPv4's connect() looks up again once it has a source, which policy rules may ask for (ip_route_connect). IPv6 only
    does where it found nothing without one, and then the source is chosen without a device (ip6_dst_lookup_tail); but
    a socket for echoes keeps no way from its connect(), and looks up with the source for each (ping_v6_sendmsg).
    """
    way = route_output(journey, journey.packet)
    if not journey.packet.src.is_unspecified:
        return way
    six = journey.packet.dst.version == 6
    if isinstance(way, Refusal):
        source = source_address6(journey.netns, None, journey.packet.dst) if six else None
        again = source is not None
    else:
        source, again = way.source, journey.connecting and (not six or journey.packet.protocol in ECHO_PROTOCOLS)
    if source is not None:
        journey.choose_source(source)
    return route_output(journey, journey.packet) if again else way


def _stack(journey: Journey, stage: Stack) -> Next:
    device = stage.link
    journey.see(iif=device.name, oif="", gateway=None, physout="")
    martian = loopback_from_outside(journey, journey.packet, device)
    if martian:
        return _refuse(journey, martian)
    if stage.prerouted:
        journey.skb.assigned = None  # ip_rcv_core() drops the socket that a bridge's hook call assigned too early
    else:
        target = journey.packet.dst
        ended = run_hook(journey, "prerouting")
        if ended:
            return ended
        if stage.sent is not None and journey.packet.dst == target:
            return _come_round(stage.sent)
    owner = ipvlan.heard_for(journey, device)
    if owner is not None:
        return ipvlan.handed_up(journey, device, owner)
    domain = domain_of(journey.netns, device)
    ended = vrf_passage.comes_in(journey, domain) if domain is not None else None
    if ended:
        return ended
    way = route_input(journey, journey.packet, domain or device)
    if isinstance(way, Refusal):
        return _refuse(journey, way)
    journey.step(StepKind.ROUTE, way.text, way.ref)
    return LocalIn(device) if way.local else _discard(journey, way) or Forward(domain or device, way)


def _discard(journey: Journey, way: RouteDecision) -> Trace | None:
    """IPv6 takes no packet out by the loopback device: such a route is a refusing one (ip6_route_info_create)."""
    if way.local or way.link.kind != "loopback" or journey.packet.dst.version == 4:
        return None
    journey.step(StepKind.NOTE, f"a route via {way.link.name} leads nowhere", way.ref)
    return journey.end(Outcome.NO_ROUTE)


def _come_round(sent: Emit) -> Next:
    """The loopback device brings a packet back with the route that it left by. What was made here is taken in, whoever
    it is for (__mkroute_output, RTCF_LOCAL); what was passed on is passed on once more."""
    way = sent.way
    return LocalIn(way.link) if way.local or sent.made else Forward(way.link, way)


def _forward(journey: Journey, stage: Forward) -> Next:
    way = stage.way
    if journey.skb.assigned is not None:
        proxy = journey.skb.assigned.listener
        text = f"TPROXY passed the packet to {proxy}, but no policy rule routes its mark to this host"
        journey.step(StepKind.NOTE, text, way.ref)  # the lookup succeeds; ip_forward() frees what has a socket
        return journey.end(Outcome.NOT_FORWARDED)
    journey.see(oif=way.link.name, gateway=way.gateway)
    kept = coming_in(journey, "fwd")
    if kept:
        return kept
    if journey.packet.ttl <= 1:
        rounds = "routing loop: the packet circles until its " if journey.circling else ""
        journey.step(StepKind.NOTE, f"{rounds}TTL expires")
        return journey.end(Outcome.LOOP if journey.circling else Outcome.TTL_EXPIRED)
    bound = stays_on_link(journey, journey.packet, stage.device, way.link)
    if bound:
        journey.step(StepKind.NOTE, bound.text, bound.ref)
        return journey.end(bound.outcome, RejectKind.HOST_UNREACHABLE)
    journey.packet = replace(journey.packet, ttl=journey.packet.ttl - 1)
    _say_forwarding(journey, stage.device)
    mention_flowtables(journey, stage.device, way.link)
    return going_out(journey, way.link) or run_hook(journey, "forward") or _postroute(journey, way)


def _say_forwarding(journey: Journey, device: Link) -> None:
    name = "net.ipv6.conf.all.forwarding" if journey.packet.dst.version == 6 else "net.ipv4.ip_forward"
    journey.step(StepKind.SYSCTL, f"forwarding is on for {device.name}", journey.sysctl_ref(name))


def _postroute(journey: Journey, way: RouteDecision, *, made: bool = False) -> Next:
    journey.skb.out = Out(way.link, way.towards)
    journey.see(oif=way.link.name)
    ended = run_hook(journey, "postrouting") or leaving(journey, way.link)
    return ended or (IntoVrf(way.link, made) if way.link.kind == VRF else Emit(way, made))


def _into_vrf(journey: Journey, stage: IntoVrf) -> Next:
    way = vrf_passage.sent_into(journey, stage.domain)
    if isinstance(way, Trace):
        return way
    return Stack(stage.domain, sent=Emit(way, stage.made)) if way.local else _postroute(journey, way, made=stage.made)


def _routed_below(journey: Journey, stage: RoutedBelow) -> Next:
    way = ipvlan.sent_for(journey, stage)
    return way if isinstance(way, Trace) else _postroute(journey, way, made=True)


def _local_in(journey: Journey, stage: LocalIn) -> Next:
    journey.see(oif="")
    return run_hook(journey, "input") or coming_in(journey, "in") or journey.endpoint(journey, stage.device)


def _refuse(journey: Journey, refusal: Refusal) -> Trace:
    journey.step(StepKind.ROUTE, refusal.text, refusal.ref)
    return journey.end(refusal.outcome)


HANDLERS: dict[type[Stage], Callable[[Journey, Any], Next]] = {
    LocalOut: _local_out,
    Emit: emit,
    OnWire: on_wire,
    Arrive: arrive,
    Bridged: bridged,
    Asking: lambda journey, stage: asked(journey, stage, walk),
    Tunnelled: lambda journey, stage: through(journey, stage, walk),
    Stack: _stack,
    Forward: _forward,
    IntoVrf: _into_vrf,
    RoutedBelow: _routed_below,
    LocalIn: _local_in,
}
