"""Policy rules that a fix adds: what a VPN's own rules would take away goes by the main table, as before it came.

A rule stands right before the one that it is an exception of, and names one network, never everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.change.policy_rule import AddPolicyRule
from engine.explain.blocker import Remedy
from engine.explain.failure import Failure
from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Netns
from engine.model.packet import Packet
from engine.model.route import PolicyRule
from engine.records import replace

#: Policy rules that every kernel starts with.
STANDARD = frozenset({0, 32766, 32767})
MAIN = 254


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


def _to_main(netns: Netns, rule: PolicyRule, what: str) -> Remedy:
    source, to = rule.source or "all", f" to {rule.destination}" if rule.destination else ""
    made = replace(rule, text=f"{rule.priority}:\tfrom {source}{to} lookup main")
    return Remedy(f"add policy rule in {netns.id}: route {what} by the main table", (AddPolicyRule(netns.id, made),))


def _network(netns: Netns, address: IPAddress) -> IPNetwork:
    """The network of an address in the main table, or the address alone where only a default route leads there."""
    own = [r.destination for r in netns.routes if r.table == MAIN and r.destination.version == address.version]
    known = [network for network in own if network.prefixlen and address in network]
    return max(known, key=lambda network: network.prefixlen, default=ip_network(address))
