"""Routing tables: policy rules, then the longest prefix, then metric (net/ipv4/fib_rules.c, fib_trie.c)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.model.address import Family, IPAddress, IPNetwork, family_of
from engine.model.host import Netns
from engine.model.route import NextHop, PolicyRule, Route

#: What a kernel without any configured rule uses (fib_default_rules_init).
DEFAULT_RULES: dict[Family, tuple[PolicyRule, ...]] = {
    family: tuple(
        PolicyRule(family, priority, table=table, text=f"{priority}: from all lookup {name}")
        for priority, table, name in tables
    )
    for family, tables in {
        Family.INET: ((0, 255, "local"), (32766, 254, "main"), (32767, 253, "default")),
        Family.INET6: ((0, 255, "local"), (32766, 254, "main")),
    }.items()
}

LOOPBACK = "lo"
LOCAL_TABLE = 255


@dataclass(frozen=True, slots=True)
class FlowKey:
    """What a lookup asks by. `iif` is "lo" for packets made here; a None source is not chosen yet."""

    destination: IPAddress
    source: IPAddress | None = None
    iif: str = LOOPBACK
    oif: int | None = None
    mark: int = 0
    tos: int = 0
    protocol: int | None = None
    sport: int | None = None
    dport: int | None = None
    uid: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A lookup's result: the route, the next hops that are usable, and the rule that led there.

    For types without next hops (unreachable, prohibit, blackhole) `nexthops` is empty.
    """

    route: Route
    nexthops: tuple[NextHop, ...]
    rule: PolicyRule


Entries = list[tuple[int, dict[int, list[Route]]]]


class Fib:
    """The routing tables of one namespace, indexed by table, prefix length and network."""

    def __init__(self, netns: Netns) -> None:
        self._netns = netns
        self._wide: tuple[IPNetwork, ...] | None = None
        self._made: dict[tuple[Family, int], Entries] | None = None

    @property
    def _tables(self) -> dict[tuple[Family, int], Entries]:
        """The index. Most namespaces of a large host are never asked for a route, so it is made by the first who is."""
        if self._made is None:
            self._made = _indexed(self._netns.routes)
        return self._made

    def beyond_addresses(self, address: IPAddress) -> bool:
        """Whether the local table may know an address that no device has (127.0.0.0/8, AnyIP)."""
        if self._wide is None:
            own = self._netns.addresses_by_value
            local = (route for route in self._netns.routes if route.table == LOCAL_TABLE and route.kind == "local")
            self._wide = tuple(r.destination for r in local if r.destination.network_address not in own)
        return any(address in network for network in self._wide)

    def rules(self, family: Family) -> tuple[PolicyRule, ...]:
        """The policy rules of a family by priority."""
        own = tuple(rule for rule in self._netns.rules if rule.family is family)
        return tuple(sorted(own, key=lambda rule: rule.priority)) or DEFAULT_RULES[family]

    def lookup(self, key: FlowKey) -> Found | PolicyRule | None:
        """The route for a packet; a `PolicyRule` when that rule itself refuses; None when nothing matches."""
        rules = self.rules(family_of(key.destination))
        position = 0
        while position < len(rules):
            rule = rules[position]
            position += 1
            if not self._applies(rule, key):
                continue
            if rule.action == "goto":
                # A goto whose target is not there is passed over (fib_rules_lookup, ctarget).
                position = next((i for i, later in enumerate(rules) if later.priority == rule.goto), position)
                continue
            if rule.action == "nop":
                continue
            if rule.action != "table":
                return rule
            found = self.table_lookup(rule, key)
            if found is None:
                continue
            if self._suppressed(rule, found):
                continue
            return found
        return None

    def table_lookup(self, rule: PolicyRule, key: FlowKey) -> Found | None:
        """The best usable route of the rule's table; None also for a `throw` route."""
        for route in self._matching(rule.table, key):
            if route.kind == "throw":
                return None
            if not route.nexthops:
                return Found(route, (), rule)
            usable = tuple(hop for hop in route.nexthops if self._usable(hop, key))
            if usable:
                return Found(route, usable, rule)
        return None

    def _matching(self, table: int, key: FlowKey) -> Iterator[Route]:
        family = family_of(key.destination)
        bits = key.destination.max_prefixlen
        value = int(key.destination)
        for length, by_network in self._tables.get((family, table), ()):
            network = value >> (bits - length) << (bits - length)
            for route in by_network.get(network, ()):
                if route.tos in (0, key.tos):
                    yield route

    def _usable(self, hop: NextHop, key: FlowKey) -> bool:
        if "dead" in hop.flags:
            return False
        if key.oif is not None and hop.link != key.oif:
            return False
        link = self._netns.links_by_index.get(hop.link) if hop.link is not None else None
        if link is not None and "linkdown" in hop.flags:
            version = key.destination.version
            return not self._netns.sysctl(f"net.ipv{version}.conf.{link.name}.ignore_routes_with_linkdown")
        return True

    def _applies(self, rule: PolicyRule, key: FlowKey) -> bool:
        return _selects(rule, key, self._netns) != rule.invert

    @staticmethod
    def _suppressed(rule: PolicyRule, found: Found) -> bool:
        """Only a route that leads somewhere is thrown away: a refusing one has ended the lookup already."""
        limit = rule.suppress_prefixlength
        return limit is not None and bool(found.nexthops) and found.route.destination.prefixlen <= limit


def _indexed(routes: Iterable[Route]) -> dict[tuple[Family, int], Entries]:
    grouped: dict[tuple[Family, int], dict[int, dict[int, list[Route]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for route in routes:
        network = route.destination
        grouped[route.family, route.table][network.prefixlen][int(network.network_address)].append(route)
    made = {}
    for key, by_length in grouped.items():
        for by_network in by_length.values():
            for same in by_network.values():
                same.sort(key=lambda route: (-route.tos, route.metric))
        made[key] = sorted(((length, dict(by_network)) for length, by_network in by_length.items()), reverse=True)
    return made


def _selects(rule: PolicyRule, key: FlowKey, netns: Netns) -> bool:
    if rule.source is not None and rule.source.prefixlen and (key.source is None or key.source not in rule.source):
        return False
    if rule.destination is not None and key.destination not in rule.destination:
        return False
    if rule.iif is not None and rule.iif != key.iif:
        return False
    if rule.oif is not None:
        link = netns.links_by_index.get(key.oif) if key.oif is not None else None
        if link is None or link.name != rule.oif:
            return False
    if rule.fwmark is not None and (key.mark & rule.fwmask) != (rule.fwmark & rule.fwmask):
        return False
    if rule.tos and rule.tos != key.tos:
        return False
    if rule.ip_protocol is not None and rule.ip_protocol != key.protocol:
        return False
    for wanted, port in ((rule.sport, key.sport), (rule.dport, key.dport)):
        if wanted is not None and (port is None or not wanted[0] <= port <= wanted[1]):
            return False
    if rule.uid_range is not None:
        return rule.uid_range[0] <= (key.uid or 0) <= rule.uid_range[1]
    return True
