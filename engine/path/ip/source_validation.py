"""Whether a namespace believes a packet's source: the reverse path filter, martians, one's own address from outside.

Sources: net/ipv4/fib_frontend.c (fib_validate_source), route.c (ip_route_input_slow), ip-sysctl.rst. Where `all` and a
device both have a setting, the larger counts (rp_filter) or either does (the switches).
"""

from __future__ import annotations

from ipaddress import IPv4Address

from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import Packet
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome
from engine.path.fields.table import NO_SOCKET
from engine.path.ip.tables import look_up
from engine.path.journey import Journey
from engine.path.lookup.fib import FlowKey, Found
from engine.path.lookup.route_decision import REFUSALS, Refusal
from engine.path.lookup.vrf import leads_by, vrf_of


def validate_source(journey: Journey, packet: Packet, device: Link) -> Refusal | None:
    """The reverse path filter and the check for one's own address as a source (fib_validate_source). Where the filter
    is off the tables are asked only if rules or local routes of an administrator may say else than the addresses do."""
    if packet.src.version == 6:
        return None
    netns = journey.netns
    mode = max(_conf(netns, "all", "rp_filter"), _conf(netns, device.name, "rp_filter"))
    accept_local = either(netns, device, "accept_local")
    fib = journey.world.fib(netns)
    if not mode and accept_local:
        return None
    if not mode and not fib.custom4:
        return _own_source(journey, packet) if packet.src in netns.addresses_by_value else None
    mark = journey.context.mark if either(netns, device, "src_valid_mark") else 0
    back = FlowKey(packet.src, packet.dst, "lo", None, mark, uid=NO_SOCKET, vrf=vrf_of(netns, device.name, None))
    found = look_up(journey, back)
    has_address = any(a.link == device.index and a.address.version == 4 for a in netns.addresses)
    name = _mode_name(netns, device, "rp_filter")
    if not isinstance(found, Found) or found.route.kind in REFUSALS:
        if not mode:
            return None
        return Refusal(Outcome.RP_FILTER, journey.sysctl_ref(name), f"no route back to {packet.src} (rp_filter={mode})")
    if found.route.kind != "unicast" and not (found.route.kind == "local" and accept_local):
        return _own_source(journey, packet)
    if any(leads_by(netns, hop.link, device) for hop in found.nexthops):
        return None
    if mode == 1 or (mode and not has_address):
        text = f"the route back to {packet.src} is via {_devices(netns, found)}, not {device.name} (rp_filter=1)"
        return Refusal(Outcome.RP_FILTER, journey.sysctl_ref(name), text)
    return None


def martian(journey: Journey, packet: Packet, device: Link) -> Refusal | None:
    """An address that can't be on this device: a multicast source, or loopback where `route_localnet` is off."""
    netns = journey.netns
    if packet.src.is_multicast or (isinstance(packet.src, IPv4Address) and int(packet.src) == 0xFFFFFFFF):
        ref = journey.link_ref(device)
        return Refusal(Outcome.MARTIAN, ref, f"{packet.src} is not a valid source")
    if not isinstance(packet.dst, IPv4Address):
        return None
    for which, address in (("destination", packet.dst), ("source", packet.src)):
        if address.is_loopback and not either(netns, device, "route_localnet"):
            name = f"net.ipv4.conf.{device.name}.route_localnet"
            text = f"the {which} {address} is a loopback address, which {device.name} does not carry ({name} = 0)"
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


def either(netns: Netns, device: Link, name: str) -> bool:
    """A switch that is on when `all` or the device has it on."""
    return bool(_conf(netns, "all", name) or _conf(netns, device.name, name))


def _mode_name(netns: Netns, device: Link, name: str) -> str:
    larger = "all" if _conf(netns, "all", name) > _conf(netns, device.name, name) else device.name
    return f"net.ipv4.conf.{larger}.{name}"
