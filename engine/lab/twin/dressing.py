"""A look at a twin, with what no kernel knows: the containers and networks of the snapshot that it stands for."""

from __future__ import annotations

from engine.lab.blueprint import TwinOrigin
from engine.model.host import Snapshot
from engine.records import replace


def dressed(seen: Snapshot, origin: TwinOrigin) -> Snapshot:
    """A look at a twin with the snapshot's containers and networks, each in the namespace that stands for its own."""
    names = {place: netns for _, netns, place in origin.nodes}
    there = {netns.id for netns in seen.namespaces}
    containers = tuple(
        replace(each, netns=names[each.netns], pid=None)
        for each in origin.snapshot.containers
        if each.netns is not None and names.get(each.netns) in there
    )
    gone = tuple(each for each in origin.snapshot.containers if each.netns is None)
    return replace(
        seen,
        containers=seen.containers + containers + gone,
        networks=seen.networks + origin.snapshot.networks,
    )
