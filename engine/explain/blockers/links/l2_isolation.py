"""Blockers of the link layer that somebody meant: devices on one wire that never hear each other, and VLANs.

Whether VLANs are the cause is asked as a counterfactual: the question is walked again with bridges that do not filter.
No command is offered for either: who is in which VLAN, and on which device, is the network's own design.
"""

from __future__ import annotations

from ipaddress import ip_address

from engine.explain.blocker import Blocker
from engine.explain.failure import Failure, failure_of
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.ref import Ref, RefKind
from engine.path.exchange.conversation import conversations
from engine.path.link.macvlan import kept_apart
from engine.path.lookup.bridge_vlans import filters, words
from engine.records import replace


def macvlan(failure: Failure) -> list[Blocker]:
    """NO_NEIGHBOUR, since a macvlan or ipvlan device and its own host, or a sibling, do not hear each other."""
    ref = failure.step.ref
    link = failure.netns.links_by_index.get(int(ref.key[0])) if ref and ref.kind is RefKind.NEIGHBOUR else None
    if ref is None or link is None:
        return []
    why = kept_apart(failure.world, failure.netns, link, ip_address(str(ref.key[1])))
    if not why:
        return []
    sentence = f"{why}: its frames leave on the parent's wire and never come back to the parent"
    return [Blocker("LINK_MACVLAN_HOST_ISOLATION", sentence, ref)]


def vlans(failure: Failure) -> list[Blocker]:
    """NO_NEIGHBOUR or BRIDGE_DROP that would not be if bridges let every VLAN pass."""
    snapshot = failure.world.snapshot
    found = [(netns, link) for netns in snapshot.namespaces for link in netns.links if filters(netns, link)]
    if not found:
        return []
    opened = replace(snapshot, namespaces=tuple(_opened(netns) for netns in snapshot.namespaces))
    runs, _ = conversations(failure.world.derive(opened), failure.question)
    after = failure_of(failure.world.derive(opened), failure.question, runs[0].result)
    if after is not None and after.signature == failure.signature:
        return []
    netns, bridge = next((each for each in found if each[0].id == failure.netns.id), found[0])
    ref = Ref(RefKind.LINK, netns.id, (bridge.index,), bridge.name, bridge.name)
    ports = tuple(f"port {port.name} is in {words(port)}" for port in netns.ports_by_master.get(bridge.index, ())[:6])
    sentence = f"VLAN filtering on bridge {bridge.name} in {netns.id}: {failure.step.text}"
    return [Blocker("LINK_VLAN_MISMATCH", sentence, ref, (), "admin", ports)]


def _opened(netns: Netns) -> Netns:
    links = tuple(_without_filter(link) for link in netns.links)
    return netns if links == netns.links else replace(netns, links=links)


def _without_filter(link: Link) -> Link:
    if link.bridge is None or not link.bridge.vlan_filtering:
        return link
    return replace(link, bridge=replace(link.bridge, vlan_filtering=False))
