"""Blockers of a vxlan: an end that does not know where the other is, or is told an address where it is not.

Frames for one MAC address go to the remotes of its entry, others to those of the address of all zeros (bridge(8)). The
other end is known where it is in view: a vxlan device with the same number and port, with the destination behind it.
What drops the packets around frames is named as for any packet (`around`).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.change.fdb import AddForwarding, DeleteForwarding
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers import firewall, policy
from engine.explain.failure import Failure
from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import FdbEntry, Link
from engine.model.ref import Ref, RefKind
from engine.model.trace import StepKind
from engine.path.lookup.broadcast_domain import bridge_of
from engine.path.lookup.device_topology import ZERO_MAC, remotes, same_vxlan
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class _End:
    """Another end of a vxlan: where it is, and the MAC addresses behind it that the packet can be sent to."""

    netns: Netns
    remote: IPAddress
    macs: tuple[str, ...]


def forwarding(failure: Failure) -> list[Blocker]:
    """The entries of the vxlan devices that the packet comes by, the last one first."""
    found = []
    for netns_id in dict.fromkeys(hop.netns for hop in reversed(failure.trace.hops)):
        netns = failure.world.netns(netns_id)
        for link in netns.links:
            if link.kind == "vxlan" and link.up:
                found += [_told(failure, netns, link, end) for end in _ends(failure, netns, link)]
    return [blocker for blocker in found if blocker.remedies]


def around(failure: Failure) -> list[Blocker]:
    """NO_NEIGHBOUR: a firewall drops the packet around the question for an address, or around its answer."""
    diagnosis = {StepKind.RULE: firewall.rule_drop, StepKind.POLICY: policy.policy_drop}.get(failure.step.kind)
    return diagnosis(failure) if diagnosis is not None else []


def _told(failure: Failure, netns: Netns, link: Link, end: _End) -> Blocker:
    entries = [each for each in netns.fdb if each.link == link.index and each.destination is not None]
    wrong = [each for each in entries if each.mac in (*end.macs, ZERO_MAC) and each.destination != end.remote]
    ref = Ref(RefKind.LINK, netns.id, (link.index,), link.name, f"{link.name} (forwarding entries)")
    ends = f"frames for {end.netns.id} (remote {end.remote})"
    sentence = f"{link.name} in {netns.id} has no forwarding entry for {ends}"
    if wrong:
        sentence = f"{link.name} in {netns.id} sends {ends} to the wrong remote {wrong[0].destination}"
    had = tuple(f"it has: {each.mac} dst {each.destination}" for each in entries[:4]) or ("it has no entry",)
    evidence = (*had, f"then: {failure.step.text}")
    return Blocker("LINK_VXLAN_FORWARDING", sentence, ref, tuple(_remedies(netns, link, end, wrong)), "admin", evidence)


def _remedies(netns: Netns, link: Link, end: _End, wrong: list[FdbEntry]) -> Iterator[Remedy]:
    """For the MAC address where it has an entry, or other such addresses have; else where all unknown frames go."""
    used = {each.mac for each in netns.fdb if each.link == link.index and each.destination is not None}
    single = [mac for mac in end.macs if mac in used] or (list(end.macs) if used - {ZERO_MAC} else [])
    for mac in (*single, ZERO_MAC):
        if end.remote in remotes(netns, link, mac):
            continue
        there = [each.destination for each in wrong if each.mac == mac and each.destination is not None]
        gone = tuple(DeleteForwarding(netns.id, link.name, mac, each) for each in there)
        what = "unknown frames" if mac == ZERO_MAC else f"frames for {mac}"
        instead = f" instead of {there[0]}" if there else ""
        title = f"forward {what} on {link.name} in {netns.id} to {end.remote}{instead}"
        yield Remedy(title, (*gone, AddForwarding(netns.id, link.name, mac, end.remote)))


def _ends(failure: Failure, netns: Netns, link: Link) -> Iterator[_End]:
    """The other ends in view that have the packet's destination, or whoever takes packets for it, behind them. What was
    lost in the tunnel ends as a packet of the tunnel's own: the destination is that of a packet which came by here."""
    steps = (step for hop in failure.trace.hops if hop.netns == netns.id for step in hop.steps)
    wanted = {step.packet.dst for step in steps}
    for there in failure.around:
        for other in there.links if there.id != netns.id else ():
            if other.kind != "vxlan" or not same_vxlan(link, other):
                continue
            remote, macs = _address(failure, there, other), tuple(_macs(failure, there, other, wanted))
            if remote is not None and macs:
                yield _End(there, remote, macs)


def _address(failure: Failure, netns: Netns, vxlan: Link) -> IPAddress | None:
    """Where an end can be sent to: its own address, else any that the namespace of its packets has on another device,
    but a bridge at last."""
    told = vxlan.detail.get("local")
    if told:
        return ip_address(told)
    below = failure.world.wiring.underlay(netns, vxlan)
    if below is None:
        return None
    own = vxlan.index if below is netns else 0
    others = [each for each in below.addresses if each.link != own and each.scope == "global"]
    others.sort(key=lambda each: below.links_by_index[each.link].kind == "bridge")
    return next((each.address for each in others), None)


def _macs(failure: Failure, there: Netns, other: Link, wanted: set[IPAddress]) -> Iterator[str]:
    """The MAC addresses behind an end that packets to the destination are sent to."""
    bridge = bridge_of(there, other)
    places = [(there, bridge or other)]
    if bridge is not None:
        stations = failure.world.segment(there, bridge).stations
        places += [(failure.world.netns(each.netns), each.link) for each in stations]
    for netns, link in places:
        routes = netns.id == there.id and netns.sysctl("net.ipv4.ip_forward")
        if routes or any(each in netns.addresses_by_value for each in wanted):
            yield link.mac
