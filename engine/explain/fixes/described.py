"""Fixes of what an edge file describes: they are made where the thing is set, a router's pages or a cloud's console,
so no command does them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from engine.change import netns_of_change
from engine.change.new_rules import Selector, insertion, translation
from engine.explain.blocker import Remedy
from engine.explain.failure import Failure
from engine.model.address import end_of
from engine.model.host import Snapshot
from engine.model.owner import EDGE, EDGE_GROUPS, EDGE_ROUTER, owner_of_chain
from engine.model.packet import Packet
from engine.model.plan import Change
from engine.model.where import RulePlace
from engine.records import replace

#: Hosts behind a router that a port is offered to be forwarded to.
MOST_HOSTS = 3


def is_described(snapshot: Snapshot, change: Change) -> bool:
    """Whether what is changed was not read from a host, but described."""
    place = getattr(change, "place", None)
    if place is not None and owner_of_chain(place.table, place.chain) == EDGE:
        return True
    return netns_of_change(change) in {each.home for each in snapshot.machines if each.described}


def in_a_group(changes: Iterable[Change]) -> bool:
    """Whether a security group is changed, which is no part of the host that it is on."""
    places = (getattr(change, "place", None) for change in changes)
    return any(place is not None and place.table == EDGE_GROUPS for place in places)


def described_ways(failure: Failure, place: RulePlace) -> tuple[Remedy, ...]:
    """What the file's rule drops is let through, for this client alone; what a router takes for itself is forwarded to
    a host behind it that serves the port."""
    if place.table == EDGE_ROUTER and failure.step.hook == "input":
        return tuple(islice(_forwards(failure, place), MOST_HOSTS))
    return (_exception(failure.packet, place),)


def _forwards(failure: Failure, place: RulePlace) -> Iterator[Remedy]:
    packet, router = failure.packet, failure.netns
    if packet.dport is None:
        return
    outer = [each for each in router.addresses if each.address == packet.dst]
    inner = [each for each in router.addresses if each.scope == "global" and each not in outer]
    selector = Selector(packet.protocol, destination=packet.dst, dport=packet.dport)
    for netns in failure.world.snapshot.namespaces:
        served = [each for each in netns.listeners if (each.protocol, each.port) == (packet.protocol, packet.dport)]
        for own in netns.addresses if netns.id != router.id else ():
            target = own.address
            behind = any(each.covers(target) for each in inner) and target.version == packet.dst.version
            if behind and any(each.address in (None, target) for each in served):
                title = f"forward {packet.dport}/{packet.protocol} to {end_of(target, packet.dport)} ({netns.id})"
                there = replace(place, chain="prerouting", index=0)
                yield Remedy(title, (translation(there, selector, target, packet.dport),))


def _exception(packet: Packet, place: RulePlace) -> Remedy:
    selector = Selector(packet.protocol, packet.src, packet.dst, dport=packet.dport)
    if packet.icmp_type is not None:
        selector = Selector(packet.protocol, packet.src, packet.dst, icmp_type=packet.icmp_type)
    what = f"{packet.protocol} {packet.dport or ''}".strip()
    where = "in its settings"
    if place.table == EDGE_GROUPS:
        names, _, way = place.chain.rpartition(" ")
        where = f"in security group {' or '.join(names.split('+'))} ({way})"
    title = f"allow {what} from {packet.src} to {end_of(packet.dst, None)} {where}"
    return Remedy(title, (insertion(place, selector),))
