"""Routing tables: policy rules, then the longest prefix, then metric (net/ipv4/fib_rules.c, fib_trie.c)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from engine.model.address import Family, IPAddress, family_of
from engine.model.host import Netns
from engine.model.route import NextHop, PolicyRule, Route
from engine.records import dataclass

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
#: The bits that a `tos` of IPv4 asks for; a `dscp` asks for all (fib_dscp_masked_match).
TOS = 0x1C


ALL_USERS = (0, 0xFFFFFFFF)
#: Whether a policy rule applies whose selectors can't all be known.
Decide = Callable[[PolicyRule], bool]


@dataclass(frozen=True, slots=True)
class FlowKey:
    """What a lookup asks by. `iif` is "lo" for packets made here; a None source is not chosen yet.

    `vrf` is the table of the VRF that the packet's device belongs to, which l3mdev rules look in.
    """

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
    vrf: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A lookup's result: the route, the next hops that are usable, and the rule that led there.

    For types without next hops (unreachable, prohibit, blackhole) `nexthops` is empty.
    """

    route: Route
    nexthops: tuple[NextHop, ...]
    rule: PolicyRule


Entries = list[tuple[int, dict[int, list[Route]]]]
#: What may be local, as numbers: single addresses, and ranges.
_Local = tuple[set[int], list[tuple[int, int]]]


class Fib:
    """The routing tables of one namespace, indexed by table, prefix length and network."""

    def __init__(self, netns: Netns) -> None:
        self._netns = netns
        self._local: dict[int, _Local] | None = None
        self._made: dict[tuple[Family, int], Entries] | None = None

    @property
    def _tables(self) -> dict[tuple[Family, int], Entries]:
        """The index. Most namespaces of a large host are never asked for a route, so it is made by the first who is."""
        if self._made is None:
            self._made = _indexed(self._netns.routes)
        return self._made

    def may_be_local(self, address: IPAddress) -> bool:
        """Whether the address is one of a device, or the local table may know it (127.0.0.0/8, AnyIP)."""
        if self._local is None:
            self._local = _local_of(self._netns)
        exact, wide = self._local[address.version]
        value = int(address)
        return value in exact or any(low <= value <= high for low, high in wide)

    @cached_property
    def custom4(self) -> bool:
        """Whether IPv4 has policy rules, or routes of type local, that an administrator made (fib4_has_custom_rules,
        fib_has_custom_local_routes)."""
        routes = (route for route in self._netns.routes if route.kind == "local" and route.family is Family.INET)
        rules = (rule.priority for rule in self.rules(Family.INET))
        return any(route.protocol != "kernel" for route in routes) or not {*rules} <= {0, 32766, 32767}

    def rules(self, family: Family) -> tuple[PolicyRule, ...]:
        """The policy rules of a family by priority."""
        own = tuple(rule for rule in self._netns.rules if rule.family is family)
        return tuple(sorted(own, key=lambda rule: rule.priority)) or DEFAULT_RULES[family]

    def lookup(self, key: FlowKey, decide: Decide | None = None) -> Found | PolicyRule | None:
        """The route for a packet; a `PolicyRule` when that rule itself refuses; None when nothing matches.

        `decide` is asked about a rule whose selectors can't all be known; without it such a rule does not apply.
        """
        rules = self.rules(family_of(key.destination))
        position = 0
        while position < len(rules):
            rule = rules[position]
            position += 1
            answer = _selects(rule, key, self._netns)
            applies = decide is not None and decide(rule) if answer is None else answer != rule.invert
            if not applies:
                continue
            if rule.action == "goto":
                # A goto whose target is not there is passed over (fib_rules_lookup, ctarget).
                position = next((i for i, later in enumerate(rules) if later.priority == rule.goto), position)
                continue
            if rule.action == "nop":
                continue
            if rule.action != "table":
                return rule
            found = self.table_lookup(rule, key, key.vrf if rule.l3mdev else rule.table)
            if found is None:
                continue
            if self._suppressed(rule, found):
                continue
            return found
        return None

    def table_lookup(self, rule: PolicyRule, key: FlowKey, table: int | None = None) -> Found | None:
        """The best usable route of the rule's table, or of another; None also for a `throw` route."""
        last_resort = None
        for route in self._matching(rule.table if table is None else table, key):
            if route.kind == "throw":
                break
            if not route.nexthops:
                return Found(route, (), rule)
            usable = tuple(hop for hop in route.nexthops if self._usable(hop, key))
            answering = tuple(hop for hop in usable if self._answers(hop, key))
            if answering:
                return Found(route, answering, rule)
            last_resort = last_resort or (Found(route, usable, rule) if usable else None)
        return last_resort

    def _answers(self, hop: NextHop, key: FlowKey) -> bool:
        """Whether a gateway is worth asking: a host (which does not forward) that did not hear from one of IPv6 takes
        the next best route, and comes back to it where there is no other (fib6_table_lookup, rt6_check_neigh)."""
        if hop.gateway is None or key.destination.version == 4:
            return True
        return (hop.link, hop.gateway) not in self._failed

    @cached_property
    def _failed(self) -> frozenset[tuple[int | None, IPAddress]]:
        """Where IPv6's resolution has failed, in a namespace that does not forward."""
        if self._netns.sysctl("net.ipv6.conf.all.forwarding"):
            return frozenset()
        return frozenset((each.link, each.address) for each in self._netns.neighbours if each.state == "failed")

    def _matching(self, table: int, key: FlowKey) -> Iterator[Route]:
        family = family_of(key.destination)
        bits = key.destination.max_prefixlen
        value = int(key.destination)
        for length, by_network in self._tables.get((family, table), ()):
            network = value >> (bits - length) << (bits - length)
            for route in by_network.get(network, ()):
                if route.tos in (0, key.tos & TOS):
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

    @staticmethod
    def _suppressed(rule: PolicyRule, found: Found) -> bool:
        """Only a route that leads somewhere is thrown away: a refusing one has ended the lookup already."""
        limit = rule.suppress_prefixlength
        return limit is not None and bool(found.nexthops) and found.route.destination.prefixlen <= limit


def _local_of(netns: Netns) -> dict[int, _Local]:
    """What may be local, by IP version. A packet is compared with it wherever it is asked for on a link."""
    found: dict[int, _Local] = {4: (set(), []), 6: (set(), [])}
    for each in netns.addresses:
        found[each.address.version][0].add(int(each.address))
    for route in netns.routes:
        if route.table == LOCAL_TABLE and route.kind == "local":
            exact, wide = found[route.destination.version]
            low, high = int(route.destination.network_address), int(route.destination.broadcast_address)
            if low == high:
                exact.add(low)
            else:
                wide.append((low, high))
    return found


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


def _selects(rule: PolicyRule, key: FlowKey, netns: Netns) -> bool | None:
    """Whether the rule's selectors fit, before `not`; None where one of them can't be known."""
    if not (_ends_fit(rule, key) and _devices_fit(rule, key, netns) and _numbers_fit(rule, key)):
        return False
    user = _user_fits(rule, key)
    return None if rule.unmodelled and user is not False else user


def _ends_fit(rule: PolicyRule, key: FlowKey) -> bool:
    if rule.source is not None and rule.source.prefixlen and (key.source is None or key.source not in rule.source):
        return False
    return rule.destination is None or key.destination in rule.destination


def _devices_fit(rule: PolicyRule, key: FlowKey, netns: Netns) -> bool:
    if (rule.l3mdev and key.vrf is None) or (rule.iif is not None and rule.iif != key.iif):
        return False
    link = netns.links_by_index.get(key.oif) if key.oif is not None else None
    return rule.oif is None or (link is not None and link.name == rule.oif)


def _numbers_fit(rule: PolicyRule, key: FlowKey) -> bool:
    if rule.fwmark is not None and (key.mark & rule.fwmask) != (rule.fwmark & rule.fwmask):
        return False
    tos = key.tos if key.destination.version == 6 or rule.tos & ~TOS else key.tos & TOS
    if (rule.tos and rule.tos != tos) or (rule.ip_protocol is not None and rule.ip_protocol != key.protocol):
        return False
    ports = ((rule.sport, key.sport), (rule.dport, key.dport))
    return all(wanted is None or (port is not None and wanted[0] <= port <= wanted[1]) for wanted, port in ports)


def _user_fits(rule: PolicyRule, key: FlowKey) -> bool | None:
    """Whether the sender's user is in the rule's range. What the kernel makes or forwards is root's (sock_net_uid)."""
    if rule.uid_range is None or rule.uid_range == ALL_USERS:
        return True
    if key.iif == LOOPBACK and key.uid is None:
        return None
    return rule.uid_range[0] <= max(key.uid or 0, 0) <= rule.uid_range[1]
