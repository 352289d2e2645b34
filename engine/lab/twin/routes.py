"""Routes of a twin: those that the kernel does not make by itself, and those that it makes and the snapshot lacks.

A namespace gets routes with its addresses (net/ipv4/fib_frontend.c, fib_add_ifaddr; net/ipv6/addrconf.c). These are
known, so that only the difference is told; the additions come first, since one may need what is deleted after.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.change.words import route_words
from engine.lab.twin.left_out import Omissions
from engine.lab.twin.route_order import in_order
from engine.model.host import Netns
from engine.model.link import Address, Link
from engine.model.route import NextHop, Route
from engine.records import replace

#: Flags of an address that nobody uses: it is being asked for, or another host has it.
UNUSABLE = frozenset(("tentative", "dadfailed"))
LOCAL, MAIN = 255, 254
ALL_ONES = 0xFFFFFFFF
#: The metric of routes that IPv6 makes (IP6_RT_PRIO_ADDRCONF), and from which length on a network has no anycast one.
METRIC6, NO_ANYCAST = 256, 127
MULTICAST6 = ip_network("ff00::/8")
ROUTE_KINDS = frozenset(
    ("unicast", "local", "broadcast", "anycast", "multicast", "unreachable", "blackhole", "prohibit", "throw")
)


def routes(netns: Netns, made: dict[int, Link], out: Omissions) -> Iterator[tuple[bool, list[str]]]:
    """What `ip route` is told, and whether it is of IPv6."""
    automatic = {_key(route): route for route in automatic_routes(netns, made)}
    there = {_key(route) for route in netns.routes}
    wanted = [route for route in netns.routes if _key(route) not in automatic]
    for route in in_order(wanted, [*automatic.values(), *wanted]):
        words = _words(netns, route, made, out)
        if words is not None:
            yield route.destination.version == 6, ["route", "append", *words]
    for key, route in automatic.items():
        if key not in there:
            words = _words(netns, route, made, out)
            if words is not None:
                yield route.destination.version == 6, ["route", "del", *words]


def _key(route: Route) -> tuple[object, ...]:
    """What tells two routes apart, for the kernel."""
    ways = frozenset((hop.link, hop.gateway) for hop in route.nexthops)
    return route.table, route.kind, route.destination, route.metric, route.tos, route.source, route.nexthop, ways


def _words(netns: Netns, route: Route, made: dict[int, Link], out: Omissions) -> list[str] | None:
    """A route's own words; None for one that cannot be told."""

    def device(index: int) -> str:
        if index not in made:
            raise ValueError("its device is not built")
        return made[index].name

    try:
        if route.kind not in ROUTE_KINDS:
            raise ValueError(f"no such type of route is built: {route.kind}")
        if any(hop.encap for hop in route.nexthops):
            raise ValueError("it wraps packets up")
        words = [*route_words(route, device)]
    except ValueError as error:
        out.leave(netns.id, f"route {route.text or route.destination}", str(error), "packets for it go elsewhere")
        return None
    if words and words[0] == "default":
        words[0] = "0.0.0.0/0" if route.destination.version == 4 else "::/0"
    return words


def hop_words(hop: NextHop, made: dict[int, Link]) -> list[str] | None:
    """A way out in the words of ip-nexthop(8); None where its device is not built."""
    words = []
    if hop.gateway is not None:
        words = ["via", *(["inet6"] if hop.gateway.version == 6 else ["inet"]), str(hop.gateway)]
    if hop.link is not None:
        if hop.link not in made:
            return None
        words += ["dev", made[hop.link].name]
    return [*words, "onlink"] if "onlink" in hop.flags else words


def automatic_routes(netns: Netns, made: dict[int, Link]) -> Iterator[Route]:
    """The routes that come with the links and addresses of a namespace."""
    for address in netns.addresses:
        link = made.get(address.link)
        if link is not None and not address.flags & UNUSABLE:
            yield from _of_ipv4(address, link) if address.address.version == 4 else _of_ipv6(netns, address, link)
    for link in made.values():
        off = netns.sysctls.get(f"net.ipv6.conf.{link.name}.disable_ipv6", 1)
        if link.up and not off and link.kind != "loopback":
            yield _route(MULTICAST6, LOCAL, "multicast", link.index, METRIC6)


def _of_ipv4(address: Address, link: Link) -> Iterator[Route]:
    own, index = address.address, link.index
    yield _route(ip_network(str(own)), LOCAL, "local", index)
    network = ip_network(f"{address.peer or own}/{address.prefixlen}", strict=False)
    if not link.up:
        if link.kind == "loopback":  # it was up once
            yield _route(network, LOCAL, "local", index)
        return
    if address.broadcast is not None and int(address.broadcast) != ALL_ONES:
        yield _route(ip_network(str(address.broadcast)), LOCAL, "broadcast", index)
    alone = network.network_address == own and address.prefixlen == 32
    if int(network.network_address) == 0 or "secondary" in address.flags or alone:
        return
    if "noprefixroute" not in address.flags:
        loop = link.kind == "loopback"
        yield _route(network, LOCAL if loop else MAIN, "local" if loop else "unicast", index)
    if address.prefixlen < 31:
        yield _route(ip_network(str(network.broadcast_address)), LOCAL, "broadcast", index)


def _of_ipv6(netns: Netns, address: Address, link: Link) -> Iterator[Route]:
    own, index = address.address, link.index
    yield _route(ip_network(str(own)), LOCAL, "local", index)
    network = ip_network(f"{address.peer or own}/{address.prefixlen}", strict=False)
    by_itself = link.kind == "loopback" and own.is_loopback  # init_loopback gives it no network
    if link.up and "noprefixroute" not in address.flags and not by_itself:
        yield _route(network, MAIN, "unicast", index, METRIC6)
        if address.peer is not None:
            yield _route(ip_network(str(own)), MAIN, "unicast", index, METRIC6)
    forwards = netns.sysctls.get(f"net.ipv6.conf.{link.name}.forwarding")
    if forwards and link.up and address.prefixlen < NO_ANYCAST and link.kind != "loopback":
        first = ip_network(f"{own}/{address.prefixlen}", strict=False).network_address
        yield _route(ip_network(str(first)), LOCAL, "anycast", index)


def _route(network: object, table: int, kind: str, link: int, metric: int = 0) -> Route:
    route = Route(network, table, kind, metric, nexthops=(NextHop(link),))  # type: ignore[arg-type]
    return replace(route, scope={"local": "host", "unicast": "global"}.get(kind, "link"))
