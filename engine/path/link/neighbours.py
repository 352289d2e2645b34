"""Address resolution: which MAC address a packet is sent to, or that nobody answers.

Filters see the questions and their answers: `discovery` takes them through.

Source: net/ipv4/arp.c (arp_process: a host answers for an address that is local to it and whose asker it
could answer by the device that the question came in by), ip-sysctl.rst (arp_ignore, proxy_arp).
"""

from __future__ import annotations

from ipaddress import IPv6Address

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link, Neighbour
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Step
from engine.path.ip.source_validation import either, validate_source
from engine.path.ip.special_addresses import shared
from engine.path.journey import Journey, Setting
from engine.path.link.discovery import SOLICITATION, kept_away
from engine.path.link.fdb_learning import learn_from_answer
from engine.path.link.macvlan import kept_apart
from engine.path.lookup.addresses import is_local, source_for
from engine.path.lookup.bridge_vlans import filters
from engine.path.lookup.broadcast_domain import L2Host, Segment, Tunnel, bridge_of
from engine.path.lookup.device_topology import wired
from engine.path.lookup.fib import FlowKey, Found
from engine.path.lookup.flow import Tracks
from engine.path.lookup.route_decision import Refusal
from engine.path.lookup.source_address6 import ready, source_address6
from engine.records import dataclass

#: How a host asks for a MAC address, by IP version.
ASKS = {4: "ARP request", 6: "neighbour solicitation"}
#: Any link-local destination: what a device's link-local address is chosen for.
LINK_LOCAL = IPv6Address("fe80::")
#: Entries with these states carry an address that the kernel sends to (include/net/neighbour.h, NUD_VALID).
VALID = frozenset({"permanent", "noarp", "reachable", "probe", "stale", "delay"})
#: Those by which a vxlan answers for others (NUD_CONNECTED).
CONNECTED = frozenset({"permanent", "noarp", "reachable"})
#: Those that only an administrator changes.
FIXED = frozenset({"permanent", "noarp"})


@dataclass(frozen=True, slots=True)
class Resolved:
    """The outcome. `mac` None with `leaves_view` means: somebody that the snapshot does not show may answer. `tunnels`
    are those that question and answer have to get through."""

    mac: str | None
    text: str
    ref: Ref
    leaves_view: bool = False
    several: tuple[str, ...] = ()
    tunnels: tuple[Tunnel, ...] = ()
    #: The request or reply that a filter drops.
    dropped: Packet | None = None


def resolve(journey: Journey, link: Link, towards: IPAddress) -> Resolved:
    """Resolves the next hop on a device."""
    netns = journey.netns
    ref = neighbour_ref(netns, link, towards)
    entry = usable_entry(netns, link, towards)
    if entry is not None:
        return Resolved(entry.mac, f"{towards} is at {entry.mac} ({entry.state} neighbour entry)", ref)
    if link.noarp:  # arp_constructor, ndisc_constructor
        return Resolved(
            link.mac, f"{link.name} sends no ARP requests (NOARP), and frames go to its own MAC address", ref
        )
    bridge = bridge_of(netns, link)
    if bridge is not None:  # what comes in by a port is the bridge's, answers among it (br_handle_frame)
        text = f"{link.name} is a port of {bridge.name}, which receives the ARP replies instead"
        return Resolved(None, text, ref)
    heard = journey.setting.heard.get((netns.id, link.index, towards))
    if heard is not None:
        return Resolved(heard, f"{towards} is at {heard} (learned from its {ASKS[towards.version]})", ref)
    if towards.version == 6 and _asker(journey, link, towards) is None:
        return Resolved(None, f"{link.name} has no source address to solicit {towards}", ref)  # ndisc_send_ns
    segment = journey.world.segment(netns, link, version=towards.version)
    answers = [station for station in segment.stations if _answers(journey, link, station, towards)]
    if answers:
        return _answered(journey, link, towards, answers)
    proxied = _by_vxlan(journey, segment, towards)
    if proxied is not None:
        return proxied
    apart = kept_apart(journey.world, netns, link, towards)
    if apart:
        return Resolved(None, apart, ref)
    if segment.leaves_view and not _is_known(journey, segment, towards):
        return Resolved(None, f"{towards} is outside of the snapshot", ref, leaves_view=True)
    return Resolved(None, f"no neighbour on {link.name} answers for {towards}{_nearly(journey, segment, towards)}", ref)


def _is_known(journey: Journey, segment: Segment, towards: IPAddress) -> bool:
    """Whether the address is one of another host on the segment: then no stranger answers in its place."""
    others = (each for each in journey.world.snapshot.namespaces if each.machine in segment.machines)
    return bool(segment.machines) and any(towards in each.addresses_by_value for each in others)


def _by_vxlan(journey: Journey, segment: Segment, towards: IPAddress) -> Resolved | None:
    """A vxlan that answers for what its own entries say (vxlan_core.c, arp_reduce and neigh_reduce)."""
    for place, vxlan in segment.proxies:
        netns = journey.world.netns(place)
        entry = _entry(netns, vxlan, towards)
        if entry is not None and entry.mac and entry.state in CONNECTED:
            text = f"{towards} is at {entry.mac} ({vxlan.name} in {place} answers for it)"
            return Resolved(entry.mac, text, neighbour_ref(netns, vxlan, towards))
    return None


def _answered(journey: Journey, link: Link, towards: IPAddress, answers: list[L2Host]) -> Resolved:
    """What comes of the answers: they may be in another VLAN, go astray, or be dropped on their way."""
    ref = neighbour_ref(journey.netns, link, towards)
    back = [station for station in answers if _comes_back(journey, link, station)]
    if not back:
        text = f"{answers[0].netns} answers for {towards}, but in a VLAN that does not lead back to {link.name}"
        return Resolved(None, text, ref)
    answers = back
    if towards.version == 6:
        astray = [_astray(journey, link, station, towards) for station in answers]
        if all(astray):
            return next(found for found in astray if found)
        answers = [station for station, found in zip(answers, astray, strict=True) if not found]
    heard_by = [station for station in answers if not _kept_away(journey, link, station, towards)]
    if not heard_by:
        return _filtered(journey, link, answers[0], towards)
    _make_known(journey, link, towards, heard_by)
    macs = tuple(dict.fromkeys(station.link.mac for station in heard_by))
    text = f"{towards} is at {macs[0]} ({heard_by[0].netns}:{heard_by[0].link.name} answers)"
    return Resolved(macs[0], text, ref, several=macs[1:], tunnels=heard_by[0].tunnels)


def usable_entry(netns: Netns, link: Link, address: IPAddress) -> Neighbour | None:
    """The neighbour entry by which the kernel sends without asking; the one that NOARP makes by itself is none."""
    entry = _entry(netns, link, address)
    if entry is None or entry.state not in VALID or not entry.mac:
        return None
    return None if link.noarp and (entry.state, entry.mac) == ("noarp", link.mac) else entry


def _comes_back(journey: Journey, link: Link, station: L2Host) -> bool:
    """Whether the answer of a station reaches the device that sent the question: a bridge that filters may have it in
    another VLAN, which that device's port is no member of, or carries with a tag that no device takes."""
    world, here, there = journey.world, journey.netns, journey.world.netns(station.netns)
    ports = [(here, here.links_by_index.get(station.port or 0)), (there, there.links_by_index.get(station.entry or 0))]
    bridges = [(netns, bridge_of(netns, port)) for netns, port in ports if port is not None]
    bridges += [(world.netns(each.netns), each.bridge) for each in station.crossed]
    if not any(bridge is not None and filters(netns, bridge) for netns, bridge in bridges):
        return True
    back = world.segment(there, station.link)
    return any((each.netns, each.link.index) == (here.id, link.index) for each in back.stations)


def _kept_away(journey: Journey, link: Link, station: L2Host, towards: IPAddress) -> Step | None:
    asker = _asker(journey, link, towards)
    return None if asker is None else kept_away(journey, link, station, towards, asker)


def _astray(journey: Journey, link: Link, station: L2Host, towards: IPAddress) -> Resolved | None:
    """An answer that goes to another MAC address: it is a packet to the asker's address, for which the station has an
    entry that the question does not change (ndisc_recv_ns, neigh_update). ARP answers whoever asked."""
    there, asker = journey.world.netns(station.netns), _asker(journey, link, towards)
    entry = _entry(there, station.link, asker) if asker is not None else None
    if entry is None or entry.state not in FIXED or entry.mac in (None, link.mac):
        return None
    ref = neighbour_ref(there, station.link, entry.address)
    text = f"{station.netns} answers for {towards} to {entry.mac} ({entry.state} neighbour entry), not to {link.mac}"
    return Resolved(None, text, ref)


def neighbour_ref(netns: Netns, link: Link, address: IPAddress) -> Ref:
    """A pointer to a neighbour."""
    name = f"{address} dev {link.name}"
    return Ref(RefKind.NEIGHBOUR, netns.id, (link.index, str(address)), name, str(address))


def _filtered(journey: Journey, link: Link, station: L2Host, towards: IPAddress) -> Resolved:
    """A filter drops the question or its answer: the rule or policy is what ends the packet."""
    step = _kept_away(journey, link, station, towards)
    assert step is not None
    assert step.ref is not None
    asks = step.packet.icmp_type == SOLICITATION or step.packet.dst == towards
    said, how = "request for" if asks else "reply from", "ARP" if towards.version == 4 else "neighbour discovery"
    text = f"{step.ref.words} in {step.ref.netns} drops the {said} {towards} ({how}): {step.text}"
    return Resolved(None, text, step.ref, dropped=step.packet)


def _make_known(journey: Journey, link: Link, towards: IPAddress, answers: list[L2Host]) -> None:
    """Who answers a request knows its sender from then on (arp_process calls neigh_event_ns)."""
    asker = _asker(journey, link, towards)
    if asker is not None:
        for station in answers:
            learn_from_answer(journey, link, station)
            journey.setting.heard[station.netns, station.link.index, asker] = link.mac


def _entry(netns: Netns, link: Link, towards: IPAddress) -> Neighbour | None:
    for entry in netns.neighbours:
        if entry.link == link.index and entry.address == towards and not entry.proxy:
            return entry
    return None


def _answers(journey: Journey, link: Link, station: L2Host, towards: IPAddress) -> bool:
    """Whether that station answers a request for `towards` that came in by its device."""
    world = journey.world
    there = world.netns(station.netns)
    if station.link.noarp:
        return False
    route = shared(there, towards) if towards.version == 6 else None
    if route is not None:
        return any(hop.link == station.link.index for hop in route.nexthops)
    if not is_local(there, world.fib(there), towards):
        return _proxies(journey, there, station.link, towards)
    if towards.version == 6:
        return any(a.address == towards and a.link == station.link.index and ready(a) for a in there.addresses)
    ignore = max(there.sysctl(f"net.ipv4.conf.{name}.arp_ignore") for name in ("all", station.link.name))
    if _ignored(journey, link, station, towards, ignore):
        return False
    if refusal_to_answer(journey, link, station, towards) is not None:
        return False
    return not either(there, station.link, "arp_filter") or _leads_back(journey, link, station, towards)


def _leads_back(journey: Journey, link: Link, station: L2Host, towards: IPAddress) -> bool:
    """Whether the answer would leave by the device that the question came in by (arp_filter)."""
    asker = _asker(journey, link, towards)
    if asker is None:
        return True
    there = journey.world.netns(station.netns)
    found = journey.world.fib(there).lookup(FlowKey(asker, towards))
    return isinstance(found, Found) and any(hop.link == station.link.index for hop in found.nexthops)


def _ignored(journey: Journey, link: Link, station: L2Host, towards: IPAddress, mode: int) -> bool:
    """Whether arp_ignore keeps a station from answering for an address of its own (net/ipv4/arp.c, arp_ignore)."""
    there = journey.world.netns(station.netns)
    own = [address for address in there.addresses if address.address == towards]
    here = [address for address in own if address.link == station.link.index]
    if mode == 1:
        return not here
    if mode == 2:
        asker = _asker(journey, link, towards)
        return not any(asker is None or address.covers(asker) for address in here)
    if mode == 3:
        return all(address.scope == "host" for address in own)
    return mode == 8


def refusal_to_answer(journey: Journey, link: Link, station: L2Host, towards: IPAddress) -> Refusal | None:
    """Why a station does not believe who asks, as its reverse path filter sees it; None when it does."""
    asker = _asker(journey, link, towards)
    if asker is None:
        return None
    request = Packet(asker, towards, Protocol.UDP)
    scratch = Journey(Setting(journey.world, Tracks(), journey.choices), station.netns, request)
    return validate_source(scratch, request, station.link)


def _asker(journey: Journey, link: Link, towards: IPAddress) -> IPAddress | None:
    """The sender address of the request: the packet's own source where it is local here (arp_solicit)."""
    source = journey.packet.src
    if towards.version == 6:  # ndisc_solicit takes the packet's source only where it is the device's own
        own = any(a.address == source and a.link == link.index and ready(a) for a in journey.netns.addresses)
        return source if own else source_address6(journey.netns, link, LINK_LOCAL)
    if source in journey.netns.addresses_by_value:
        return source
    return source_for(journey.netns, link, towards, towards.version, "link")


def _proxies(journey: Journey, there: Netns, link: Link, towards: IPAddress) -> bool:
    """A router answers for what it routes by another device: proxy_arp for all of it, else by proxy entries; with
    proxy_arp_pvlan for what is behind the same device, whose stations do not hear each other (arp_fwd_pvlan).

    IPv6 knows only entries, whatever the routes; proxy_ndp says whether they count (ndisc.c, ndisc_recv_ns).
    """
    version = towards.version
    conf, switch = f"net.ipv{version}.conf", f"proxy_{'arp' if version == 4 else 'ndp'}"
    on = bool(there.sysctl(f"{conf}.all.{switch}") or there.sysctl(f"{conf}.{link.name}.{switch}"))
    listed = any(n.proxy and n.address == towards and n.link == link.index for n in there.neighbours)
    within = version == 4 and bool(there.sysctl(f"{conf}.{link.name}.proxy_arp_pvlan"))
    if not (on or listed or within):
        return False
    whole = "net.ipv4.ip_forward" if version == 4 else "net.ipv6.conf.all.forwarding"
    if not there.sysctl(f"{conf}.{link.name}.forwarding", there.sysctl(whole)):
        return False
    if version == 6:
        return on and listed
    found = journey.world.fib(there).lookup(FlowKey(towards))
    if not isinstance(found, Found) or found.route.kind != "unicast":
        return False
    behind = {hop.link for hop in found.nexthops}
    return (on or listed) if link.index not in behind else within and behind == {link.index}


def _nearly(journey: Journey, segment: Segment, towards: IPAddress) -> str:
    """Names the namespace that has the address, when it is there but can't be heard."""
    heard = {station.netns for station in segment.stations}
    near = wired(journey.world.snapshot, (journey.netns.id,))
    for netns in (each for each in journey.world.snapshot.namespaces if each.id in near):
        if towards in netns.addresses_by_value and netns.id != journey.netns.id:
            return f" ({netns.id} has it, but {'does not answer' if netns.id in heard else 'does not get the request'})"
    return ""
