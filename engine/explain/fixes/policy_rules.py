"""Policy rules that a fix adds: what a VPN's own rules would take away goes by the main table, as before it came; and
answers leave by the uplink that their questions come in by.

A rule stands right before the one that it is an exception of, and names one network, never everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import count

from engine.change.policy_rule import AddPolicyRule
from engine.change.route import AddRoute
from engine.explain.blocker import Remedy
from engine.explain.failure import Failure
from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Netns
from engine.model.packet import Packet
from engine.model.plan import Change
from engine.model.route import NextHop, PolicyRule, Route, table_name
from engine.path.lookup.fib import Found
from engine.records import replace

#: Policy rules that every kernel starts with.
STANDARD = frozenset({0, 32766, 32767})
MAIN = 254
#: Of all addresses, or of half of them, as VPNs have it in two routes that go before the default one.
MOST_OF_ALL = 1
#: Kinds of devices that lead through a tunnel (ip-link(8)).
EVERYWHERE = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
TUNNELS = frozenset({"tun", "wireguard", "ipip", "gre", "sit"})


def past_rule(failure: Failure, packet: Packet, netns: Netns, rule: PolicyRule) -> Iterator[Remedy]:
    """Past a policy rule of the admin's or a VPN's: a rule before it that looks up the main table, for what comes from
    the service's network where the answer is for one of many clients, else for the packet's destination only."""
    priority = rule.priority - 1
    if priority in STANDARD or rule.family.value != ("inet" if packet.dst.version == 4 else "inet6"):
        return
    target = _network(netns, packet.dst)
    if failure.backwards and target.num_addresses == 1 and not packet.src.is_unspecified:
        origin = _network(netns, packet.src)
        past = _to_main(netns, PolicyRule(rule.family, priority, source=origin), f"packets from {origin}")
        yield replace(past, title=f"{past.title} (their own connections too)", meant=True)
    yield _to_main(netns, PolicyRule(rule.family, priority, destination=target), f"packets to {target}")


def as_it_came(failure: Failure, packet: Packet, netns: Netns, turn: Found) -> Iterator[Remedy]:
    """Answers to an outside client leave by the device that its packets come in by: what comes from the service's
    network is routed by the table that has a default route there, or by one of its own with the main table's. What is
    near, and has a route of its own, goes there as before."""
    source, priority = failure.question.source, turn.rule.priority - 1
    if not failure.backwards or source.device is None or netns.id != source.netns or priority <= 0:
        return
    link = netns.links_by_name[source.device]
    defaults = [route for route in netns.routes if _is_default_by(route, link.index, packet.dst.version)]
    route = min(defaults, key=lambda each: each.table == MAIN, default=None)
    if packet.src.is_unspecified:
        return
    origin = ip_network(packet.src) if packet.src in netns.addresses_by_value else _network(netns, packet.src)
    unknown = route is None
    if route is None:  # by what gateway is not known: who has the address takes it, as if it were near
        route = Route(EVERYWHERE[packet.dst.version], scope="link", nexthops=(NextHop(link.index),))
    table = route.table if route.table != MAIN else _free_table(netns)
    changes: list[Change] = []
    if route.table == MAIN:
        changes.append(AddRoute(netns.id, replace(route, table=table, metric=0, text=f"{route.text} table {table}")))
    passed, to = turn.route.destination, None
    if passed.prefixlen > MOST_OF_ALL:
        to = passed
    elif turn.rule.table == MAIN:
        near = PolicyRule(turn.rule.family, priority - 1, suppress_prefixlength=passed.prefixlen)
        text = f"{near.priority}:\tfrom all lookup main suppress_prefixlength {passed.prefixlen}"
        changes.append(AddPolicyRule(netns.id, replace(near, text=text)))
    made = PolicyRule(turn.rule.family, priority, table=table, source=origin, destination=to)
    text = f"{priority}:\tfrom {origin}{f' to {to}' if to else ''} lookup {table_name(table)}"
    changes.append(AddPolicyRule(netns.id, replace(made, text=text)))
    tunnel = netns.links_by_index[turn.nexthops[0].link or 0].kind in TUNNELS
    own = "their own connections too" if tunnel else "also those for clients of another uplink"
    own = "" if origin.num_addresses == 1 else f" ({own})"
    title = f"add policy rule in {netns.id}: packets from {origin} leave by {link.name}, as questions come in"
    if unknown:
        title = f"give {link.name} in {netns.id} a table with a default route by its gateway, and route {origin} by it"
    yield Remedy(f"{title}{own}", tuple(changes), manual=unknown, meant=True)


def _free_table(netns: Netns) -> int:
    """A table of a fix's own: the first free one from 100 on."""
    used = {route.table for route in netns.routes} | {rule.table for rule in netns.rules}
    return next(number for number in count(100) if number not in used)


def _is_default_by(route: Route, link: int, version: int) -> bool:
    """Whether a route leads everywhere by a device."""
    everywhere = route.destination.version == version and route.destination.prefixlen == 0
    return everywhere and route.kind == "unicast" and [hop.link for hop in route.nexthops] == [link]


def _to_main(netns: Netns, rule: PolicyRule, what: str) -> Remedy:
    source, to = rule.source or "all", f" to {rule.destination}" if rule.destination else ""
    made = replace(rule, text=f"{rule.priority}:\tfrom {source}{to} lookup main")
    return Remedy(f"add policy rule in {netns.id}: route {what} by the main table", (AddPolicyRule(netns.id, made),))


def _network(netns: Netns, address: IPAddress) -> IPNetwork:
    """The network of an address in the main table, or the address alone where only a default route leads there."""
    own = [r.destination for r in netns.routes if r.table == MAIN and r.destination.version == address.version]
    known = [network for network in own if network.prefixlen and address in network]
    return max(known, key=lambda network: network.prefixlen, default=ip_network(address))
