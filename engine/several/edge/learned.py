"""The MAC addresses that hosts know described devices at: what they send to those goes to the described ones.

It is taken from hosts that the file puts on one segment with the device; without any, from those that are not on a
named segment, where all that know the device's address know it at the same. It proves no join.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.address import IPAddress
from engine.model.host import Netns, Snapshot
from engine.path.link.neighbours import VALID
from engine.records import replace
from engine.several.edge.nouns import EdgeFile


def with_known_macs(whole: Snapshot, edge: EdgeFile) -> Snapshot:
    """The hosts, with the MAC addresses of described devices that others know."""
    described = {each.home for each in whole.machines if each.described}
    changed = [_learned(whole, each, edge) if each.id in described else each for each in whole.namespaces]
    return replace(whole, namespaces=tuple(changed))


def _learned(whole: Snapshot, netns: Netns, edge: EdgeFile) -> Netns:
    for link in netns.links:
        own = {each.address for each in netns.addresses if each.link == link.index and each.scope == "global"}
        beside = _beside(edge, netns.machine, link.name)
        near = [each for each in whole.namespaces if each.id != netns.id and _is_near(each, beside, edge)]
        macs = {mac for each in near for mac in _known(each, own)}
        if len(macs) == 1:
            netns = netns.with_link(replace(link, mac=macs.pop()))
    return netns


def _beside(edge: EdgeFile, host: str, device: str) -> set[str] | None:
    """The hosts that the file puts on one segment with a device; None where it says nothing of the device."""
    found = [
        each for each in edge.segments if any(end.host == host and end.device in ("", device) for end in each.ends)
    ]
    return {end.host for each in found for end in each.ends if end.host != host} if found else None


def _is_near(netns: Netns, beside: set[str] | None, edge: EdgeFile) -> bool:
    if beside is not None:
        return netns.machine in beside
    return not any(end.host == netns.machine for each in edge.segments for end in each.ends)


def _known(netns: Netns, own: set[IPAddress]) -> Iterator[str]:
    for entry in netns.neighbours:
        if entry.address in own and entry.mac and entry.state in VALID:
            yield entry.mac
