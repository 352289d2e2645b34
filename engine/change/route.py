"""Routes. Devices of their next hops are indexes in the namespace. Source: ip-route(8)."""

from __future__ import annotations

from engine.change.words import ip, route_words
from engine.model.host import Netns, Snapshot
from engine.model.plan import Change
from engine.model.route import Route
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class AddRoute(Change):
    """Adds a route."""

    netns: str
    route: Route

    def argv(self, where: Where) -> Argvs:
        """`ip route add`."""
        return _command(where, self.netns, "add", self.route)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The route stands after those that are there."""
        netns = snapshot.by_id[self.netns]
        return snapshot.with_netns(replace(netns, routes=(*netns.routes, self.route)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Removes it."""
        return DeleteRoute(self.netns, self.route)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether a route leads the same way."""
        netns = snapshot.by_id.get(self.netns)
        return netns is not None and has_route(netns, self.route)


@dataclass(frozen=True, slots=True)
class DeleteRoute(Change):
    """Removes a route."""

    netns: str
    route: Route

    def argv(self, where: Where) -> Argvs:
        """`ip route del`."""
        return _command(where, self.netns, "del", self.route)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The routes without it."""
        netns = snapshot.by_id[self.netns]
        return snapshot.with_netns(replace(netns, routes=tuple(each for each in netns.routes if each != self.route)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Adds it again."""
        return AddRoute(self.netns, self.route)


def _command(where: Where, netns: str, verb: str, route: Route) -> Argvs:
    words = route_words(route, lambda index: where.device(netns, index), exact=verb == "del")
    family = ("-6",) if route.destination.version == 6 else ()
    return (ip(where, netns, *family, "route", verb, *words),)


def has_route(netns: Netns, route: Route) -> bool:
    """Whether a route leads the same way; IPv6 routes have a metric where none was asked for."""
    gateways = [hop.gateway for hop in route.nexthops]
    return any(
        (one.destination, one.kind, one.table) == (route.destination, route.kind, route.table)
        and route.metric in (one.metric, 0)
        and [hop.gateway for hop in one.nexthops] == gateways
        for one in netns.routes
    )
