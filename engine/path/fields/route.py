"""The fields that the routing tables answer: what an address is, where it leads, and the way that the packet has.

1. `fib … type` asks what an address is (`addresses.address_type`); a mark counts in IPv6 only, where its way is looked
   for. `fib … oif` and `oifname` ask by which device the address is reached: no address of one's own, and nothing that
   is refused, is reached by any. A device that is named does not choose another route, it is compared with the one that
   was found. What came in by loopback is not looked for. A source is looked for as the packet would go back.
2. `rt` asks the way that the packet has, which it does not have in PREROUTING, but where it came by loopback.

Sources: net/ipv4/netfilter/nft_fib_ipv4.c, net/ipv6/netfilter/nft_fib_ipv6.c, net/netfilter/nft_rt.c, nft_meta.c,
net/ipv4/netfilter/ipt_rpfilter.c, ip6t_rpfilter.c.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import PROTOCOL_NUMBERS, Packet
from engine.model.route import Route
from engine.model.trace import Context
from engine.path.lookup.addresses import address_type, only_device
from engine.path.lookup.fib import LOOPBACK, Fib, FlowKey, Found
from engine.path.lookup.values import UNKNOWN, Read, Unknown
from engine.path.lookup.view import View
from engine.path.lookup.vrf import leads_by, vrf_of

#: What routes and policy rules may ask for of the byte of DSCP and ECN (INET_DSCP_MASK).
DSCP = 0xFC
#: Types of routes that lead to a device (nft_fib4_eval).
LEADING = frozenset({"unicast", "broadcast", "multicast"})
#: The headers of IP and TCP without options, by IP version.
HEADERS = {4: 40, 6: 60}
#: No packet is larger (IP_MAX_MTU, IP6_MAX_MTU).
LARGEST = {4: 0xFFFF, 6: 0xFFFF + 40}
#: What is taken for the size of segments where the path has no room for any (TCP_MSS_DEFAULT).
DEFAULT_MSS = 536


def mtu_towards(netns: Netns, towards: IPAddress, route: Route, link: Link | None) -> int:
    """The MTU of the way to an address: the one that was learned for it, else the route's, else the device's."""
    most = LARGEST[towards.version]
    learned = (each.mtu for each in netns.exceptions if each.destination == towards and each.mtu)
    return min(next(learned, None) or route.mtu or (link.mtu if link is not None else most), most)


def fitting(netns: Netns, fib: Fib, packet: Packet, context: Context) -> int:
    """The size of segments that fits into the ways on and back (get_tcpmss)."""
    mtus = []
    for address, device, mark in ((packet.dst, context.oif, context.mark), (packet.src, "", 0)):
        found = fib.lookup(FlowKey(address, mark=mark))
        if isinstance(found, Found):
            hop = next((hop.link for hop in found.nexthops), None)
            # One's own addresses are reached by the loopback device (ip6_rt_get_dev_rcu).
            name = LOOPBACK if found.route.kind == "local" else device
            link = netns.links_by_name.get(name) or netns.links_by_index.get(hop or 0)
            mtus.append(mtu_towards(netns, address, found.route, link))
    smallest, header = min(mtus, default=LARGEST[packet.dst.version]), HEADERS[packet.dst.version]
    return smallest - header if header < smallest <= LARGEST[4] else DEFAULT_MSS


def _ends(view: View, end: str) -> tuple[IPAddress, IPAddress]:
    """The address that is asked about, and the other one."""
    ends = view.packet.dst, view.packet.src
    return ends if end == "daddr" else ends[::-1]


def _device(view: View, which: str) -> Link | None:
    name = {"iif": view.context.iif, "oif": view.context.oif}.get(which)
    return view.netns.links_by_name.get(name) if name else None


def _type(end: str, marked: str, device: str) -> Read:
    def value(view: View) -> str:
        address, other = _ends(view, end)
        way = FlowKey(address, other, mark=view.context.mark if marked else 0)
        return address_type(view.netns, view.fib, address, _device(view, device), way)

    return value


def _reached_by(view: View, end: str, marked: str, device: str, local: bool) -> tuple[int, ...] | Unknown:
    """The devices, by index, that an address is reached by: one, or one of several that a hash chooses from. With
    `local` (`--accept-local`) addresses of one's own count."""
    came_by = _device(view, "iif")
    if came_by is not None and came_by.kind == "loopback" and view.hook in ("prerouting", "input"):
        return (came_by.index,)
    address, other = _ends(view, end)
    back = device and end == "saddr" and view.hook == "forward"
    only = only_device(address, came_by) if address.version == 6 and came_by is not None else None
    key = FlowKey(
        address,
        None if other.is_multicast or other.is_unspecified else other,
        view.context.oif if back else LOOPBACK,
        only,
        view.context.mark if marked else 0,
        (view.packet.tos or 0) & DSCP,
        PROTOCOL_NUMBERS[view.packet.protocol],
        uid=0,
        vrf=vrf_of(view.netns, came_by.name, None) if device and came_by is not None else None,
    )
    found = view.fib.lookup(key)
    if not isinstance(found, Found) or not (found.route.kind in LEADING or (local and found.route.kind == "local")):
        return ()
    devices = tuple(dict.fromkeys(hop.link or 0 for hop in found.nexthops))
    if not device or (local and found.route.kind == "local" and address.version == 6):
        return devices
    back_by = came_by is not None and any(leads_by(view.netns, index, came_by) for index in devices)
    if address.version == 6 and len(devices) > 1 and back_by:
        return UNKNOWN  # of IPv6 the one that the hash chooses is compared
    return (came_by.index,) if came_by is not None and back_by else ()


def _exists(end: str, marked: str, device: str, *, local: bool = False) -> Read:
    def value(view: View) -> str | Unknown:
        found = _reached_by(view, end, marked, device, local)
        return found if isinstance(found, Unknown) else "exists" if found else "missing"

    return value


def _name(end: str, marked: str, device: str) -> Read:
    def value(view: View) -> str | Unknown:
        found = _reached_by(view, end, marked, device, local=False)
        if isinstance(found, Unknown) or len(found) > 1:
            return UNKNOWN
        link = view.netns.links_by_index.get(found[0]) if found else None
        return link.name if link is not None else ""

    return value


def _has_way(view: View) -> bool:
    return view.hook in ("input", "forward", "output", "postrouting") or from_loopback(view)


def from_loopback(view: View) -> bool:
    """Whether the packet comes back by the loopback device, with the route that it left by."""
    came_by = _device(view, "iif")
    return view.hook == "prerouting" and came_by is not None and came_by.kind == "loopback"


def _next_hop(version: int) -> Read:
    """The next hop's address: the gateway's of that IP version, else the destination (rt_nexthop, rt6_nexthop)."""

    def value(view: View) -> int | None:
        if view.packet.dst.version != version or not _has_way(view):
            return None
        gateway = view.context.gateway
        return int(gateway if gateway is not None and gateway.version == version else view.packet.dst)

    return value


def _realm(view: View) -> int | Unknown | None:
    """The realm of the way. Which one it is where a route or rule has one is not followed; IPv6 has none."""
    if not _has_way(view):
        return None
    by_route = any(hop.realm for route in view.netns.routes for hop in route.nexthops)
    realms = by_route or any(rule.realm for rule in view.netns.rules)
    return UNKNOWN if realms and view.packet.dst.version == 4 else 0


def _segment(view: View) -> int:
    return fitting(view.netns, view.fib, view.packet, view.context)


def _named(make: Callable[[str, str, str], Read], result: str, devices: tuple[str, ...]) -> dict[str, Read]:
    """A field for each end, with and without the mark, by each device."""
    found = {}
    for end, marked, device in product(("saddr", "daddr"), ("", "mark"), devices):
        selectors = " . ".join(filter(None, (end, marked, device)))
        found[f"fib {selectors} {result}"] = make(end, marked, device)
    return found


FIELDS: dict[str, Read] = {
    **_named(_type, "type", ("", "iif", "oif")),
    **_named(_exists, "oif", ("", "iif")),
    **_named(_name, "oifname", ("", "iif")),
    **_named(lambda *which: _exists(*which, local=True), "oif or local", ("", "iif")),
    "rt ip nexthop": _next_hop(4),
    "rt ip6 nexthop": _next_hop(6),
    "rt classid": _realm,
    "meta rtclassid": _realm,
    "rt mtu": _segment,
}
