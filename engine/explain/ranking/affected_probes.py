"""Which probes a change can answer differently: those that it has nothing to do with are not walked.

A probe may be kept that the change does not touch, never the other way round: where something can't be told from
addresses and ports alone, it is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.change.address import AddAddress, DeleteAddress
from engine.change.application.hosts_line import AddHostsLine, DeleteHostsLine
from engine.change.application.proxy import ReloadProxy, SetUpstream
from engine.change.application.proxy_access import LetIn
from engine.change.chain_policy import SetPolicy
from engine.change.conntrack import DeleteFlow
from engine.change.engines.container import SetContainer
from engine.change.engines.network import ConnectNetwork
from engine.change.engines.new_network import CreateNetwork
from engine.change.fdb import AddForwarding, DeleteForwarding
from engine.change.link import DeleteBridge, SetArp, SetLink
from engine.change.listener import Listen, StopListening
from engine.change.neighbour import DeleteNeighbour
from engine.change.policy_rule import AddPolicyRule, DeletePolicyRule
from engine.change.port import ForwardOnPort, SetPort, SetSpanningTree
from engine.change.route import AddRoute, DeleteRoute
from engine.change.rule import DeleteRule, InsertRule, ReplaceRule
from engine.change.set_element import AddElement, DeleteElement
from engine.change.sysctl import SetSysctl
from engine.explain.survey.probes import Probe
from engine.model.address import IPAddress, IPNetwork
from engine.model.firewall import Interval, Match, Reject, Rule, RuleVerdict, VerdictKind
from engine.model.host import Snapshot
from engine.model.packet import PROTOCOL_NUMBERS
from engine.model.plan import Change

Touches = Callable[[Snapshot, Any, Probe], bool]


def touches(snapshot: Snapshot, changes: Iterable[Change], probe: Probe) -> bool:
    """Whether one of the changes can make a difference to a probe."""
    return any(TOUCHES[type(change)](snapshot, change, probe) for change in changes)


def only_opens(changes: Iterable[Change]) -> bool:
    """Whether the changes let through more, and nothing less: what connects before connects after."""
    return all(_opens(change) for change in changes)


def _opens(change: Change) -> bool:
    if isinstance(change, InsertRule | DeleteRule):
        last = change.rule.statements[-1] if change.rule.statements else None
        kind = last.kind if isinstance(last, RuleVerdict) else None
        if isinstance(change, InsertRule):
            return kind is VerdictKind.ACCEPT
        return kind is VerdictKind.DROP or isinstance(last, Reject)
    if isinstance(change, Listen) and change.instead_of is not None:
        return change.listener.address is None and change.listener.port == change.instead_of.port
    if isinstance(change, SetPolicy):
        return change.policy is VerdictKind.ACCEPT
    if isinstance(change, SetContainer):
        return change.words[0] not in ("stop", "pause")
    return isinstance(change, Listen)


def _passes(snapshot: Snapshot, netns: str, probe: Probe) -> bool:
    """Whether packets of the probe can come by a namespace: a container's is only an end of ways, others route."""
    leaf = netns != snapshot.host and bool(snapshot.containers_in(netns))
    return not leaf or netns == probe.place.source.netns or probe.door.netns in (netns, None)


def _rule(snapshot: Snapshot, change: InsertRule | DeleteRule, probe: Probe) -> bool:
    return _passes(snapshot, change.place.netns, probe) and _concerns(snapshot, change.rule, probe)


def _replaced(snapshot: Snapshot, change: ReplaceRule, probe: Probe) -> bool:
    return _passes(snapshot, change.place.netns, probe) and _concerns(snapshot, change.rule, probe)


def _concerns(snapshot: Snapshot, rule: Rule, probe: Probe) -> bool:
    """Whether the rule's conditions can hold for a packet of the probe, or for an answer to one."""
    asking = probe.place.addresses | frozenset(snapshot.host_netns.addresses_by_value)
    there = _Ends(asking, probe.door.addresses, None, probe.door.ports)
    back = _Ends(probe.door.addresses, asking, probe.door.ports, None)
    conditions = [each for each in rule.statements if isinstance(each, Match)]
    number = PROTOCOL_NUMBERS[probe.door.protocol]
    return any(
        all(_may(match, ends, number, str(probe.door.protocol)) for match in conditions) for ends in (there, back)
    )


class _Ends:
    """What the ends of packets of one direction can be: addresses, and ports where they are known."""

    def __init__(
        self,
        sources: frozenset[IPAddress],
        destinations: frozenset[IPAddress],
        sports: frozenset[int] | None,
        dports: frozenset[int] | None,
    ) -> None:
        self.values: dict[str, frozenset[int] | None] = {
            "saddr": frozenset(map(int, sources)),
            "daddr": frozenset(map(int, destinations)),
            "sport": sports,
            "dport": dports,
        }


def _may(match: Match, ends: _Ends, number: int, protocol: str) -> bool:
    """Whether a condition can hold: anything but a plain one on an address, a port or the protocol may."""
    if len(match.fields) != 1 or match.lookup is not None or match.fields[0].mask is not None:
        return True
    head, _, part = match.fields[0].name.partition(" ")
    if match.fields[0].name in ("meta l4proto", "ip protocol", "ip6 nexthdr"):
        values: frozenset[int] | None = frozenset({number})
    elif head in ("tcp", "udp", "sctp") and head != protocol and part in ("sport", "dport"):
        return False
    elif head in ("ip", "ip6", "tcp", "udp", "sctp", "th"):
        values = ends.values.get(part)
    else:
        return True
    return values is None or any(_holds(match, value) for value in values)


def _holds(match: Match, value: int) -> bool:
    within = any(isinstance(atom, Interval) and atom.low <= value <= atom.high for (atom, *_) in match.elements)
    return within is not match.negate


def _route(snapshot: Snapshot, change: AddRoute | DeleteRoute, probe: Probe) -> bool:
    return _passes(snapshot, change.netns, probe) and _leads(change.route.destination, probe)


def _leads(network: IPNetwork, probe: Probe) -> bool:
    ends = probe.place.addresses | probe.door.addresses
    return any(address.version == network.version and address in network for address in ends)


def _policy(snapshot: Snapshot, change: AddPolicyRule, probe: Probe) -> bool:
    """Packets and their answers that the rule's own selectors can be about."""
    asking = probe.place.addresses | frozenset(snapshot.host_netns.addresses_by_value)
    rule, doors = change.rule, probe.door.addresses
    ways = ((asking, doors), (doors, asking))
    return _passes(snapshot, change.netns, probe) and any(
        _in(rule.source, sources) and _in(rule.destination, ends) for sources, ends in ways
    )


def _in(network: IPNetwork | None, addresses: frozenset[IPAddress]) -> bool:
    return network is None or any(a.version == network.version and a in network for a in addresses)


def _element(snapshot: Snapshot, change: AddElement | DeleteElement, probe: Probe) -> bool:
    """Who has an address in the element: its other parts may hold anything."""
    parts = [atom for atom in change.element if isinstance(atom, Interval)]
    values = [int(each) for each in probe.place.addresses | probe.door.addresses]
    held = any(part.low <= value <= part.high for part in parts for value in values)
    return held and _passes(snapshot, change.netns, probe)


def _here(snapshot: Snapshot, change: Any, probe: Probe) -> bool:
    return _passes(snapshot, change.netns, probe)


def _link(snapshot: Snapshot, change: SetLink | DeleteBridge | SetPort | ForwardOnPort | SetArp, probe: Probe) -> bool:
    """The link of one namespace only touches that one; any other link, all that come by."""
    link = snapshot.by_id[change.netns].links_by_name.get(change.link)
    if link is not None and link.kind == "veth" and link.peer is not None and link.peer.netns is not None:
        return link.peer.netns in (probe.place.source.netns, probe.door.netns) or (
            change.netns != snapshot.host and _passes(snapshot, change.netns, probe)
        )
    return _passes(snapshot, change.netns, probe)


def _address(snapshot: Snapshot, change: AddAddress | DeleteAddress, probe: Probe) -> bool:
    return _passes(snapshot, change.netns, probe)


def _neighbour(snapshot: Snapshot, change: DeleteNeighbour, probe: Probe) -> bool:
    return change.address in probe.door.addresses | probe.place.addresses or change.netns != snapshot.host


def _container(snapshot: Snapshot, change: SetContainer, probe: Probe) -> bool:
    return any(each.id == change.container and probe.door.netns in (each.netns, None) for each in snapshot.containers)


def _connected(snapshot: Snapshot, change: ConnectNetwork, probe: Probe) -> bool:
    """The container asks, or is asked, in a network that it was not in."""
    inside = next((each.netns for each in snapshot.containers if each.id == change.container), None)
    return inside is not None and inside in (probe.place.source.netns, probe.door.netns)


def _listen(snapshot: Snapshot, change: Listen | StopListening, probe: Probe) -> bool:
    """A program answers for the door's service, or at the door itself: a published port is asked of the host."""
    own = snapshot.by_id[change.netns].addresses_by_value
    there = probe.door.netns in (change.netns, None) or probe.door.address in own
    return there and change.listener.port in probe.door.ports


def _nobody(*_: object) -> bool:
    """A tracked flow is one client's own; nobody is in a new network; what is asked by address looks up no name."""
    return False


TOUCHES: Mapping[type[Any], Touches] = {
    InsertRule: _rule,
    DeleteRule: _rule,
    AddElement: _element,
    DeleteElement: _element,
    ReplaceRule: _replaced,
    SetPolicy: _here,
    AddRoute: _route,
    DeleteRoute: _route,
    AddPolicyRule: _policy,
    DeletePolicyRule: _here,
    SetSysctl: _here,
    SetLink: _link,
    SetArp: _link,
    DeleteBridge: _link,
    SetPort: _link,
    ForwardOnPort: _link,
    SetSpanningTree: _here,
    AddAddress: _address,
    DeleteAddress: _address,
    DeleteNeighbour: _neighbour,
    AddForwarding: _here,
    DeleteForwarding: _here,
    SetContainer: _container,
    ConnectNetwork: _connected,
    CreateNetwork: _nobody,
    AddHostsLine: _nobody,
    DeleteHostsLine: _nobody,
    SetUpstream: _nobody,
    LetIn: _nobody,
    ReloadProxy: _nobody,
    Listen: _listen,
    StopListening: _listen,
    DeleteFlow: _nobody,
}
