"""Routing decisions: for packets made here, for packets that arrive, and the check of their source.

Sources: net/ipv4/route.c (ip_route_output_key_hash_rcu, ip_route_input_slow), fib_frontend.c
(fib_validate_source), ip-sysctl.rst. A decision is a value; `walk` turns it into steps and stages.
"""

from __future__ import annotations

from ipaddress import ip_network

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import PROTOCOL_NUMBERS, Packet
from engine.model.ref import Ref, RefKind
from engine.model.route import NextHop, PolicyRule, Route, table_name
from engine.model.trace import Assumption, Outcome
from engine.path.fields.route import DSCP
from engine.path.ip.source_validation import either, martian, validate_source
from engine.path.ip.special_addresses import KINDS
from engine.path.ip.tables import look_up
from engine.path.journey import Journey
from engine.path.lookup.addresses import only_device, source_for
from engine.path.lookup.fib import FlowKey, Found
from engine.path.lookup.route_decision import REFUSALS, RULE_REFUSALS, Refusal, RouteDecision, route_ref, rule_ref
from engine.path.lookup.source_address6 import source_address6
from engine.path.lookup.vrf import vrf_of


def flow_key(journey: Journey, packet: Packet, *, iif: str, oif: int | None = None) -> FlowKey:
    """The key that a packet is looked up by. A VRF as the only device means its table (l3mdev_update_flow)."""
    source = None if packet.src.is_unspecified else packet.src
    link = journey.netns.links_by_index.get(oif or 0)
    return FlowKey(
        packet.dst,
        source,
        iif,
        None if link is not None and link.kind == "vrf" else oif,
        journey.context.mark,
        (packet.tos or 0) & DSCP,
        PROTOCOL_NUMBERS[packet.protocol],
        packet.sport,
        packet.dport,
        journey.context.uid,
        vrf_of(journey.netns, iif, oif),
    )


def route_in_domain(journey: Journey, packet: Packet, domain: Link) -> RouteDecision | Refusal:
    """The way of a packet that was sent to a VRF device, by that one's table (vrf_process_v4_outbound)."""
    found = look_up(journey, flow_key(journey, packet, iif="lo", oif=domain.index))
    if not isinstance(found, Found):
        return _no_route(journey, packet, found)
    if found.route.kind in ("local", "anycast"):
        return _inwards(journey, found, domain, packet)
    return _refused(journey.netns, found.route) or _onwards(journey, found, packet)


def route_output(journey: Journey, packet: Packet) -> RouteDecision | Refusal:
    """The way of a packet that this namespace makes. An unspecified source is not chosen yet."""
    netns = journey.netns
    link_local = packet.dst.version == 6 and packet.dst.is_link_local
    if link_local and journey.connecting and journey.bound is None:
        ref = Ref(RefKind.ADDRESS, netns.id, (str(packet.dst),), str(packet.dst), str(packet.dst))
        text = f"{packet.dst} is a link-local address: the client must name its device"
        return Refusal(Outcome.MARTIAN, ref, text)
    device = netns.links_by_name.get(journey.context.socket_device)
    only = journey.bound if link_local else device.index if device is not None else None
    found = look_up(journey, flow_key(journey, packet, iif="lo", oif=only))
    if not isinstance(found, Found):
        return _on_link(journey, packet, device) or _no_route(journey, packet, found)
    refusal = _refused(netns, found.route)
    if refusal:
        return _on_link(journey, packet, device) or refusal
    if found.route.kind == "broadcast" and journey.connecting:
        return Refusal(Outcome.NOT_FOR_US, route_ref(netns, found.route), "a broadcast address takes no connections")
    if found.route.kind in ("local", "anycast"):
        loopback = netns.links_by_name.get("lo")
        if loopback is None:
            return Refusal(Outcome.LINK_DOWN, route_ref(netns, found.route), "there is no loopback device")
        return _inwards(journey, found, loopback, packet)
    way = _onwards(journey, found, packet)
    return (isinstance(way, RouteDecision) and _loopback_leaves(journey, packet, way.link)) or way


def _on_link(journey: Journey, packet: Packet, link: Link | None) -> RouteDecision | None:
    """A socket of a device has everybody on its link where no route leads by that device (ip_route_output_key_hash_rcu,
    "assume that the destination is on link"). Neither IPv6 nor a VRF has such a thing."""
    if link is None or packet.dst.version == 6 or vrf_of(journey.netns, "", link.index) is not None:
        return None
    source = source_for(journey.netns, link, None, 4, "link")
    text = f"{packet.dst} dev {link.name} (no route; the socket is bound to {link.name})"
    route = Route(ip_network(packet.dst), nexthops=(NextHop(link.index),), scope="link")
    return RouteDecision(False, link, packet.dst, source, journey.link_ref(link), text, route)


def _loopback_leaves(journey: Journey, packet: Packet, link: Link) -> Refusal | None:
    """A loopback source may leave only by a device that may carry such packets (__mkroute_output)."""
    if packet.src.version == 6 or not packet.src.is_loopback or link.kind == "loopback":
        return None
    if either(journey.netns, link, "route_localnet"):
        return None
    name = f"net.ipv4.conf.{link.name}.route_localnet"
    text = f"the source {packet.src} is a loopback address, which {link.name} does not carry ({name} = 0)"
    return Refusal(Outcome.MARTIAN, journey.sysctl_ref(name), text)


def route_bridged(journey: Journey, packet: Packet, bridge: Link) -> RouteDecision | Refusal:
    """The way of a packet whose destination was translated while a bridge passes it on (br_nf_pre_routing_finish).

    IPv6 asks for forwarding where the packet is forwarded (ip6_forward), which one that stays in the bridge is not.
    """
    way = route_input(journey, packet, bridge)
    if not isinstance(way, Refusal) or way.outcome is not Outcome.NOT_FORWARDED or packet.dst.version == 4:
        return way
    again = route_input(journey, packet, bridge, passing=True)
    stays = isinstance(again, RouteDecision) and not again.local and again.link.index == bridge.index
    return again if stays else way


def route_input(journey: Journey, packet: Packet, device: Link, *, passing: bool = False) -> RouteDecision | Refusal:
    """The way of a packet that arrived on `device`: in, on, or nowhere. One that is `passing` needs no forwarding.

    IPv4 asks whether it may forward before it looks what the route says (ip_route_input_slow), IPv6 only of a route
    that leads on (ip6_forward): without one the sender is told, forwarding or not (ip6_pkt_drop).
    """
    netns = journey.netns
    out_of_place = martian(journey, packet, device)
    if out_of_place:
        return out_of_place
    found = look_up(journey, flow_key(journey, packet, iif=device.name, oif=only_device(packet.dst, device)))
    off = None if passing or _discards(netns, found) else _not_forwarding(journey, packet, device)
    first = off if packet.dst.version == 4 else None
    if not isinstance(found, Found):
        return first or _no_route(journey, packet, found)
    if found.route.kind in ("local", *KINDS):
        bad_source = validate_source(journey, packet, device)
        loopback = netns.links_by_name.get("lo", device)
        return bad_source or _inwards(journey, found, loopback, packet)
    refusal = first or _refused(netns, found.route) or off or validate_source(journey, packet, device)
    return refusal or _onwards(journey, found, packet)


def _inwards(journey: Journey, found: Found, loopback: Link, packet: Packet) -> RouteDecision:
    route = found.route
    own = source_address6(journey.netns, None, packet.dst) if route.kind == "anycast" else packet.dst
    source = route.preferred_source or own
    what = "an address" if route.kind == "local" else f"a{'n' * (route.kind == 'anycast')} {route.kind} address"
    text = f"{packet.dst} is {what} of this namespace"
    return RouteDecision(True, loopback, packet.dst, source, route_ref(journey.netns, route), text, route)


def _onwards(journey: Journey, found: Found, packet: Packet) -> RouteDecision | Refusal:
    netns, route = journey.netns, found.route
    ref = route_ref(netns, route)
    if not found.nexthops:
        return Refusal(Outcome.UNKNOWN, ref, "the route's next hop is not in the snapshot")
    hop = _choose_hop(journey, packet, found)
    link = netns.links_by_index.get(hop.link or 0)
    if link is None:
        return Refusal(Outcome.UNKNOWN, ref, "the route's device is not in the snapshot")
    source = route.preferred_source or _source(journey, link, hop, packet, route)
    gateway = None if _is_oneself(journey, hop, ref, link) else hop.gateway
    via = f" via {gateway}" if gateway else ""
    text = f"{packet.dst}{via} dev {link.name} ({_by(found)})"
    return RouteDecision(False, link, gateway or packet.dst, source, ref, text, route)


def _is_oneself(journey: Journey, hop: NextHop, ref: Ref, link: Link) -> bool:
    """Whether the gateway was an address of this namespace when the route was made: then the destination is taken to
    be on the link (fib_check_nh_v4_gw, rt_set_nexthop). Which was first can't be seen, but on the loopback device,
    where there is no other."""
    netns, gateway = journey.netns, hop.gateway
    if link.kind == "loopback" and gateway is not None and gateway.version == 4:
        return True
    if gateway is None or gateway.version == 6 or gateway not in netns.addresses_by_value:
        return False
    sentence = f"the snapshot does not show whether {netns.id} got the address {gateway} before the route via it"
    about = Assumption("ASSUME_GATEWAY_IS_ONESELF", sentence, ref)
    journey.assume(about)
    return journey.choices.pick_once((netns.id, gateway), 2, about) == 1


def _source(journey: Journey, link: Link, hop: NextHop, packet: Packet, route: Route) -> IPAddress | None:
    if packet.dst.version == 4:
        return source_for(journey.netns, link, hop.gateway, 4, "link" if route.scope == "link" else "global")
    if route.nexthop is not None and len(route.nexthops) > 1:
        # Of a group of nexthop objects the first one's device gives the address, whichever is taken (fib6_info_nh_dev).
        link = journey.netns.links_by_index.get(route.nexthops[0].link or 0, link)
    chosen = source_address6(journey.netns, link, packet.dst)
    if packet.src.is_unspecified and any("temporary" in address.flags for address in journey.netns.addresses):
        sentence = f"{journey.netns.id} sends from {chosen}, not from one of its temporary addresses (use_tempaddr)"
        journey.assume(Assumption("ASSUME_SOURCE_ADDRESS", sentence, journey.link_ref(link)))
    return chosen


def _by(found: Found) -> str:
    table = table_name(found.route.table)
    if found.rule.priority in (0, 32766, 32767):
        return f"route {found.route.destination}, table {table}"
    return f"route {found.route.destination}, table {table} by rule {found.rule.priority}"


def _choose_hop(journey: Journey, packet: Packet, found: Found) -> NextHop:
    """One of several next hops. IPv4's hash is the same for the same addresses (fib_multipath_hash), or ports where
    `fib_multipath_hash_policy` says so; IPv6's has a flow label in it that a client changes when it is not heard."""
    if len(found.nexthops) == 1:
        return found.nexthops[0]
    about = Assumption(
        "ASSUME_MULTIPATH",
        f"the route {found.route.destination} has {len(found.nexthops)} next hops; the kernel's hash chooses",
        route_ref(journey.netns, found.route),
    )
    many = len(found.nexthops)
    if packet.dst.version == 6:
        return found.nexthops[journey.pick(many, about)]
    ports = (packet.sport, packet.dport) if journey.netns.sysctl("net.ipv4.fib_multipath_hash_policy") else ()
    return found.nexthops[journey.pick_once((about.ref, many, packet.src, packet.dst, ports), many, about)]


def _no_route(journey: Journey, packet: Packet, rule: PolicyRule | None) -> Refusal:
    netns = journey.netns
    if rule is not None:
        outcome = RULE_REFUSALS.get(rule.action, Outcome.UNKNOWN)
        return Refusal(outcome, rule_ref(netns, rule), f"policy rule: {rule.text}")
    ref = Ref(RefKind.ROUTE, netns.id, (), "routing table", f"no route to {packet.dst}")
    return Refusal(Outcome.NO_ROUTE, ref, f"no route to {packet.dst}")


def _discards(netns: Netns, found: Found | PolicyRule | None) -> bool:
    """Whether a route of IPv6 leads out by the loopback device: it refuses, whether packets are forwarded or not."""
    if not isinstance(found, Found) or found.route.destination.version == 4:
        return False
    links = (netns.links_by_index.get(hop.link or 0) for hop in found.nexthops)
    return any(link is not None and link.kind == "loopback" for link in links)


def _refused(netns: Netns, route: Route) -> Refusal | None:
    if route.kind not in REFUSALS:
        return None
    return Refusal(REFUSALS[route.kind], route_ref(netns, route), f"route: {route.kind} {route.destination}")


def _not_forwarding(journey: Journey, packet: Packet, device: Link) -> Refusal | None:
    """IPv4 asks the device that the packet came in by, IPv6 the namespace (ip-sysctl.rst, forwarding)."""
    netns = journey.netns
    if packet.dst.version == 6:
        name = "net.ipv6.conf.all.forwarding"
        on = netns.sysctl(name) or netns.sysctl(f"net.ipv6.conf.{device.name}.force_forwarding")
    else:
        name = f"net.ipv4.conf.{device.name}.forwarding"
        on = netns.sysctl(name, netns.sysctl("net.ipv4.ip_forward"))
        if not on and not netns.sysctl("net.ipv4.ip_forward"):
            name = "net.ipv4.ip_forward"
    if on:
        return None
    text = f"forwarding is off ({name} = 0), and the packet is not for an address of this namespace"
    return Refusal(Outcome.NOT_FORWARDED, journey.sysctl_ref(name), text)
