"""A random host as several: each of its namespaces is a machine that only sees itself, and all are joined again.

The ids stay, so that what the kernel shows of a namespace is compared with the walk through that host. A host is only
taken apart where the joins find each of its cables again: a bridge without an address of its own, say, leaves no
evidence.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.host import Snapshot
from engine.model.link import Link
from engine.observe.recording.references import within
from engine.records import replace
from engine.several.joining import joined
from engine.several.naming import Given


def apart(snapshot: Snapshot) -> Snapshot | None:
    """The snapshot of all machines; None where it cannot be taken apart, or is only one."""
    cables = {
        frozenset({(netns.id, link.index), (link.peer.netns, link.peer.index)})
        for netns in snapshot.namespaces
        for link in netns.links
        if link.peer is not None and link.peer.netns not in (None, netns.id)
    }
    if not cables or any(link.kind != "veth" for link in _ends(snapshot)):
        return None
    parts = [within(replace(snapshot, host=netns.id), [netns.id]) for netns in snapshot.namespaces]
    whole = joined([Given(part, "fuzz", part.host) for part in parts])
    found = {frozenset({(join.near.netns, join.near.link), (join.far.netns, join.far.link)}) for join in whole.joins}
    return whole if cables <= found else None


def _ends(snapshot: Snapshot) -> Iterator[Link]:
    for netns in snapshot.namespaces:
        for link in netns.links:
            if link.peer is not None and link.peer.netns not in (None, netns.id):
                yield link
