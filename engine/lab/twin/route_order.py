"""In which order routes can be added: the kernel looks for a gateway among the routes that are there, and wants it on a
device's own network (net/ipv4/fib_semantics.c, fib_check_nh; net/ipv6/route.c, ip6_route_check_nh)."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.address import IPAddress
from engine.model.route import Route


def in_order(wanted: Iterable[Route], there: Iterable[Route]) -> list[Route]:
    """The routes so that none hides the network of a later one's gateway. `there` are all routes, these among them."""
    rows = list(wanted)
    direct = [route for route in rows if not _gateways(route)]
    by_gateway = [route for route in rows if _gateways(route)]
    using: dict[IPAddress, list[Route]] = {}
    for route in by_gateway:
        for gateway in _gateways(route):
            using.setdefault(gateway, []).append(route)
    networks = [route for route in there if route.kind == "unicast" and not _gateways(route)]
    reach = {gateway: _best(networks, gateway) for gateway in using}
    ranks: dict[int, int] = {}

    def rank(route: Route, seen: frozenset[int]) -> int:
        """How many routes have to come first, one after the other."""
        if id(route) in seen:  # two that hide each other's gateways: in whichever order, one is refused
            return 0
        if id(route) not in ranks:
            hidden = [gateway for gateway in using if _hides(route, gateway, reach[gateway])]
            before = [each for gateway in hidden for each in using[gateway] if each is not route]
            ranks[id(route)] = 1 + max((rank(each, seen | {id(route)}) for each in before), default=0)
        return ranks[id(route)]

    return direct + sorted(by_gateway, key=lambda route: rank(route, frozenset()))


def _gateways(route: Route) -> list[IPAddress]:
    return [hop.gateway for hop in route.nexthops if hop.gateway is not None]


#: The length of a route's prefix, and its metric turned around: the larger one wins.
Precedence = tuple[int, int]


def _precedence(route: Route) -> Precedence:
    return route.destination.prefixlen, -route.metric


def _best(routes: Iterable[Route], address: IPAddress) -> Precedence:
    return max((_precedence(route) for route in routes if address in route.destination), default=(-1, 0))


def _hides(route: Route, gateway: IPAddress, reach: Precedence) -> bool:
    """Whether a route comes before the network that a gateway is on."""
    return gateway in route.destination and _precedence(route) > reach
