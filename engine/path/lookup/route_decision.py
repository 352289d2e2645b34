"""Routing decisions as values: a way on, or a refusal, each with a pointer to what decided it."""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.ref import Ref, RefKind
from engine.model.route import PolicyRule, Route, table_name
from engine.model.trace import Outcome
from engine.records import dataclass

#: What a route type, or a policy rule's action, ends a packet with.
REFUSALS: dict[str, Outcome] = {
    "unreachable": Outcome.ROUTE_UNREACHABLE,
    "prohibit": Outcome.ROUTE_PROHIBIT,
    "blackhole": Outcome.ROUTE_BLACKHOLE,
}
#: A rule's `unreachable` means that there is no such network (fib_rules.c gives ENETUNREACH for it).
RULE_REFUSALS: dict[str, Outcome] = {**REFUSALS, "unreachable": Outcome.NO_ROUTE}


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """A routing decision that leads on: into this namespace (`local`) or out by `link` towards `towards`.

    `source` is the address that the route prefers for packets made here.
    """

    local: bool
    link: Link
    towards: IPAddress
    source: IPAddress | None
    ref: Ref
    text: str
    route: Route

    @property
    def gateway(self) -> IPAddress | None:
        """The gateway that the route names, None where the destination is on the link, or one's own."""
        named = any(hop.gateway == self.towards for hop in self.route.nexthops)
        return self.towards if named and not self.local else None


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
