"""The ends that an edge file names, found among the hosts that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.model.host import Gap, Snapshot
from engine.several.edge.nouns import EdgeEnd, EdgeFile
from engine.several.naming import HostsError
from engine.several.outlets import Outlet


def ends_of(edge: EdgeFile) -> Iterator[EdgeEnd]:
    """Every device that the file says something of."""
    for segment in edge.segments:
        yield from segment.ends
    for group in edge.groups:
        yield from group.ends


def missing(edge: EdgeFile, whole: Snapshot) -> tuple[Gap, ...]:
    """A gap for each host that the file names and that is not there. Raises `HostsError` for a device that a host does
    not have."""
    found: dict[str, Gap] = {}
    for end in ends_of(edge):
        machine = whole.machines_by_name.get(end.host)
        place = f"{edge.name}:{end.line}"
        if machine is None:
            reason = f"{place}: no host {end.host} was given; what the file says of it is left out"
            found.setdefault(end.host, Gap(edge.name, "", reason, end.host))
        elif end.device and end.device not in whole.by_id[machine.home].links_by_name:
            own = ", ".join(link.name for link in whole.by_id[machine.home].links if link.kind != "loopback")
            raise HostsError(f"{place}: {end.host} has no device {end.device!r:.80}; it has {own:.200}")
    return tuple(found.values())


def outlets_of(end: EdgeEnd, outlets: Sequence[Outlet], whole: Snapshot) -> list[Outlet]:
    """The outlets that an end names: that of its device, or all of its host's."""
    machine = whole.machines_by_name.get(end.host)
    if machine is None:
        return []
    own = [each for each in outlets if each.machine == end.host]
    if not end.device:
        return [each for each in own if any(inside.netns == machine.home for inside in each.inside)]
    return [each for each in own if _has(each, machine.home, end.device)]


def _has(outlet: Outlet, home: str, device: str) -> bool:
    heard = any((each.netns, each.link.name) == (home, device) for each in outlet.inside)
    return heard or (outlet.vlan is None and any((way.netns, way.link.name) == (home, device) for way in outlet.ways))
