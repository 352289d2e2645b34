"""Routing decisions: for packets made here, for packets that arrive, and the check of their source.

Sources: net/ipv4/route.c (ip_route_output_key_hash_rcu, ip_route_input_slow), fib_frontend.c
(fib_validate_source), ip-sysctl.rst. A decision is a value; `walk` turns it into steps and stages.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import PROTOCOL_NUMBERS, Packet
from engine.model.ref import Ref, RefKind
from engine.model.route import NextHop, PolicyRule, Route, table_name
from engine.model.trace import Assumption, Outcome
from engine.path.addresses import source_for
from engine.path.fib import FlowKey, Found
from engine.path.journey import Journey
from engine.path.source6 import source_address6

#: What a route type, or a policy rule's action, ends a packet with.
REFUSALS: dict[str, Outcome] = {
    "unreachable": Outcome.ROUTE_UNREACHABLE,
    "prohibit": Outcome.ROUTE_PROHIBIT,
    "blackhole": Outcome.ROUTE_BLACKHOLE,
}


#: A rule's `unreachable` means that there is no such network (fib_rules.c gives ENETUNREACH for it).
RULE_REFUSALS: dict[str, Outcome] = {**REFUSALS, "unreachable": Outcome.NO_ROUTE}


@dataclass(frozen=True, slots=True)
class Way:
    """A routing decision that leads on: into this namespace (`local`) or out by `link` towards `towards`.

    `source` is the address that the route prefers for packets made here.
    """

    local: bool
    link: Link
    towards: IPAddress
    source: IPAddress | None
    ref: Ref
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A routing decision that ends the packet: how, and what decided it."""

    outcome: Outcome
    ref: Ref
    text: str


def route_ref(netns: Netns, route: Route) -> Ref:
    """A pointer to a route."""
    key = (route.table, str(route.destination), route.metric)
    name = f"route {route.destination} (table {table_name(route.table)})"
    return Ref(RefKind.ROUTE, netns.id, key, name, route.text or str(route.destination))


def rule_ref(netns: Netns, rule: PolicyRule) -> Ref:
    """A pointer to a routing policy rule."""
    return Ref(RefKind.POLICY_RULE, netns.id, (rule.family, rule.priority), f"ip rule {rule.priority}", rule.text)


def flow_key(journey: Journey, packet: Packet, *, iif: str, oif: int | None = None) -> FlowKey:
    """The key that a packet is looked up by."""
    source = None if packet.src.is_unspecified else packet.src
    return FlowKey(
        packet.dst,
        source,
        iif,
        oif,
        journey.context.mark,
        0,
        PROTOCOL_NUMBERS[packet.protocol],
        packet.sport,
        packet.dport,
        journey.context.uid,
    )


def route_output(journey: Journey, packet: Packet) -> Way | Refusal:
    """The way of a packet that this namespace makes. An unspecified source is not chosen yet."""
    netns = journey.netns
    link_local = packet.dst.version == 6 and packet.dst.is_link_local
    if link_local and journey.connecting and journey.bound is None:
        ref = Ref(RefKind.ADDRESS, netns.id, (str(packet.dst),), str(packet.dst), str(packet.dst))
        text = f"{packet.dst} is a link-local address: a client must say on which device it is"
        return Refusal(Outcome.MARTIAN, ref, text)
    oif = journey.bound if link_local else None
    found = journey.world.fib(netns).lookup(flow_key(journey, packet, iif="lo", oif=oif))
    if not isinstance(found, Found):
        return _no_route(journey, packet, found)
    refusal = _refused(netns, found.route)
    if refusal:
        return refusal
    if found.route.kind == "broadcast" and journey.connecting:
        return Refusal(Outcome.NOT_FOR_US, route_ref(netns, found.route), "a broadcast address takes no connections")
    if found.route.kind == "local":
        loopback = netns.links_by_name.get("lo")
        if loopback is None:
            return Refusal(Outcome.LINK_DOWN, route_ref(netns, found.route), "there is no loopback device")
        return _inwards(journey, found, loopback, packet)
    way = _onwards(journey, found, packet)
    return (isinstance(way, Way) and _loopback_leaves(journey, packet, way.link)) or way


def _loopback_leaves(journey: Journey, packet: Packet, link: Link) -> Refusal | None:
    """A loopback source may leave only by a device that may carry such packets (__mkroute_output)."""
    if packet.src.version == 6 or not packet.src.is_loopback or link.kind == "loopback":
        return None
    if _either(journey.netns, link, "route_localnet"):
        return None
    name = f"net.ipv4.conf.{link.name}.route_localnet"
    text = f"the source {packet.src} is a loopback address, which {link.name} must not carry ({name} = 0)"
    return Refusal(Outcome.MARTIAN, journey.sysctl_ref(name), text)


def route_input(journey: Journey, packet: Packet, device: Link) -> Way | Refusal:
    """The way of a packet that arrived on `device`: in, on, or nowhere."""
    netns = journey.netns
    martian = _martian(journey, packet, device)
    if martian:
        return martian
    found = journey.world.fib(netns).lookup(flow_key(journey, packet, iif=device.name, oif=_strict(packet, device)))
    if not isinstance(found, Found):
        return _not_forwarding(journey, packet, device) or _no_route(journey, packet, found)
    if found.route.kind == "local":
        bad_source = validate_source(journey, packet, device)
        loopback = netns.links_by_name.get("lo", device)
        return bad_source or _inwards(journey, found, loopback, packet)
    if found.route.kind == "broadcast":
        return Refusal(Outcome.NOT_FOR_US, route_ref(netns, found.route), "a broadcast address takes no connections")
    off = _not_forwarding(journey, packet, device)
    if off:
        return off
    refusal = _refused(netns, found.route)
    if refusal:
        return refusal
    bad_source = validate_source(journey, packet, device)
    if bad_source:
        return bad_source
    return _onwards(journey, found, packet)


def _strict(packet: Packet, device: Link) -> int | None:
    """The only device that an IPv6 destination can be behind: a link-local one's, and ::1's (rt6_need_strict)."""
    narrow = packet.dst.version == 6 and (packet.dst.is_link_local or packet.dst.is_loopback)
    return device.index if narrow else None


def loopback_from_outside(journey: Journey, packet: Packet, device: Link) -> Refusal | None:
    """IPv6 drops ::1 from a wire before any rule sees it, and no setting changes that (ip6_rcv_core)."""
    if packet.dst.version == 4 or device.kind == "loopback":
        return None
    for which, address in (("source", packet.src), ("destination", packet.dst)):
        if address.is_loopback:
            text = f"the {which} {address} is a loopback address, which no device may carry"
            return Refusal(Outcome.MARTIAN, journey.link_ref(device), text)
    return None


def stays_on_link(journey: Journey, packet: Packet, device: Link, out: Link) -> Refusal | None:
    """No router of IPv6 passes a link-local source on to another link (ip6_forward)."""
    if packet.src.version == 4 or not packet.src.is_link_local or device.index == out.index:
        return None
    text = f"the source {packet.src} is a link-local address, which stays on the link of {device.name}"
    return Refusal(Outcome.MARTIAN, journey.link_ref(device), text)


def validate_source(journey: Journey, packet: Packet, device: Link) -> Refusal | None:
    """The reverse path filter and the check for one's own address as a source (fib_validate_source)."""
    if packet.src.version == 6:
        return None
    netns = journey.netns
    mode = max(_conf(netns, "all", "rp_filter"), _conf(netns, device.name, "rp_filter"))
    accept_local = _either(netns, device, "accept_local")
    fib = journey.world.fib(netns)
    custom = any(rule.priority not in (0, 32766, 32767) for rule in fib.rules(packet.family))
    if not mode and not custom:
        if not accept_local and packet.src in netns.addresses_by_value:
            return _own_source(journey, packet)
        return None
    mark = journey.context.mark if _either(netns, device, "src_valid_mark") else 0
    back = FlowKey(packet.src, packet.dst, "lo", None, mark)
    found = fib.lookup(back)
    has_address = any(a.link == device.index and a.address.version == 4 for a in netns.addresses)
    name = _mode_name(netns, device, "rp_filter")
    if not isinstance(found, Found) or found.route.kind in REFUSALS:
        if not mode:
            return None
        return Refusal(Outcome.RP_FILTER, journey.sysctl_ref(name), f"no route back to {packet.src} (rp_filter={mode})")
    if found.route.kind != "unicast" and not (found.route.kind == "local" and accept_local):
        return _own_source(journey, packet)
    if any(hop.link == device.index for hop in found.nexthops):
        return None
    if mode == 1 or (mode and not has_address):
        text = f"{packet.src} is routed by {_devices(netns, found)}, not by {device.name} (rp_filter=1)"
        return Refusal(Outcome.RP_FILTER, journey.sysctl_ref(name), text)
    return None


def _inwards(journey: Journey, found: Found, loopback: Link, packet: Packet) -> Way:
    route = found.route
    source = route.preferred_source or packet.dst
    text = f"{packet.dst} is an address of this namespace"
    return Way(True, loopback, packet.dst, source, route_ref(journey.netns, route), text)


def _onwards(journey: Journey, found: Found, packet: Packet) -> Way | Refusal:
    netns, route = journey.netns, found.route
    ref = route_ref(netns, route)
    hop = _choose_hop(journey, found)
    link = netns.links_by_index.get(hop.link or 0)
    if link is None:
        return Refusal(Outcome.UNKNOWN, ref, "the route's device is not in the picture")
    source = route.preferred_source or _source(netns, link, hop, packet, route)
    via = f" via {hop.gateway}" if hop.gateway else ""
    text = f"{packet.dst}{via} dev {link.name} ({_by(found)})"
    return Way(False, link, hop.gateway or packet.dst, source, ref, text)


def _source(netns: Netns, link: Link, hop: NextHop, packet: Packet, route: Route) -> IPAddress | None:
    if packet.dst.version == 6:
        return source_address6(netns, link, packet.dst)
    return source_for(netns, link, hop.gateway, 4, _source_scope(route))


def _by(found: Found) -> str:
    table = table_name(found.route.table)
    if found.rule.priority in (0, 32766, 32767):
        return f"route {found.route.destination}, table {table}"
    return f"route {found.route.destination}, table {table} by rule {found.rule.priority}"


def _source_scope(route: Route) -> str:
    return "link" if route.scope == "link" else "global"


def _choose_hop(journey: Journey, found: Found) -> NextHop:
    if len(found.nexthops) == 1:
        return found.nexthops[0]
    about = Assumption(
        "ASSUME_MULTIPATH",
        f"the route {found.route.destination} has {len(found.nexthops)} next hops; the kernel's hash chooses",
        route_ref(journey.netns, found.route),
    )
    return found.nexthops[journey.pick(len(found.nexthops), about)]


def _no_route(journey: Journey, packet: Packet, rule: PolicyRule | None) -> Refusal:
    netns = journey.netns
    if rule is not None:
        outcome = RULE_REFUSALS[rule.action]
        return Refusal(outcome, rule_ref(netns, rule), f"policy rule: {rule.text}")
    ref = Ref(RefKind.ROUTE, netns.id, (), "routing table", f"no route to {packet.dst}")
    return Refusal(Outcome.NO_ROUTE, ref, f"no route to {packet.dst}")


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
    text = f"the packet is not for this namespace, and forwarding is off ({name} = 0)"
    return Refusal(Outcome.NOT_FORWARDED, journey.sysctl_ref(name), text)


def _martian(journey: Journey, packet: Packet, device: Link) -> Refusal | None:
    netns = journey.netns
    if packet.src.is_multicast or (isinstance(packet.src, IPv4Address) and int(packet.src) == 0xFFFFFFFF):
        ref = journey.link_ref(device)
        return Refusal(Outcome.MARTIAN, ref, f"{packet.src} can't be a source")
    if not isinstance(packet.dst, IPv4Address):
        return None
    for which, address in (("destination", packet.dst), ("source", packet.src)):
        if address.is_loopback and not _either(netns, device, "route_localnet"):
            name = f"net.ipv4.conf.{device.name}.route_localnet"
            text = f"the {which} {address} is a loopback address, which {device.name} must not carry ({name} = 0)"
            return Refusal(Outcome.MARTIAN, journey.sysctl_ref(name), text)
    return None


def _own_source(journey: Journey, packet: Packet) -> Refusal:
    ref = Ref(RefKind.ADDRESS, journey.netns.id, (str(packet.src),), str(packet.src), str(packet.src))
    text = f"the source {packet.src} is an address of this namespace itself"
    return Refusal(Outcome.MARTIAN, ref, text)


def _devices(netns: Netns, found: Found) -> str:
    links = (netns.links_by_index.get(hop.link or 0) for hop in found.nexthops)
    return ", ".join(link.name for link in links if link) or "no device"


def _conf(netns: Netns, device: str, name: str) -> int:
    return netns.sysctl(f"net.ipv4.conf.{device}.{name}")


def _either(netns: Netns, device: Link, name: str) -> bool:
    return bool(_conf(netns, "all", name) or _conf(netns, device.name, name))


def _mode_name(netns: Netns, device: Link, name: str) -> str:
    larger = "all" if _conf(netns, "all", name) > _conf(netns, device.name, name) else device.name
    return f"net.ipv4.conf.{larger}.{name}"
