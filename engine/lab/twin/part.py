"""A part of a snapshot: some of its namespaces, without the ports of bridges that lead to others."""

from __future__ import annotations

from collections.abc import Collection

from engine.lab.twin.left_out import Omissions
from engine.model.host import Netns, Snapshot
from engine.model.link import Link, Peer
from engine.records import replace


def part_of(snapshot: Snapshot, only: Collection[str] | None, out: Omissions) -> Snapshot:
    """A snapshot with some of its namespaces, and always its host; None: all. What led to others leads out of view."""
    if only is None:
        return snapshot
    kept = {snapshot.host, *only}
    gone = [netns.id for netns in snapshot.namespaces if netns.id not in kept]
    if not gone:
        return snapshot
    out.leave("", f"{len(gone)} namespaces", "only a part of the snapshot is built", "questions of them")
    rows = tuple(_without(netns, frozenset(gone)) for netns in snapshot.namespaces if netns.id in kept)
    return replace(snapshot, namespaces=rows)


def _without(netns: Netns, gone: frozenset[str]) -> Netns:
    """A namespace without the ports of bridges whose other end is gone, and without what hangs on them."""
    lost = {link.index for link in netns.links if _leads_to(link, gone) and link.master is not None}
    links = tuple(_cut(link, gone) for link in netns.links if link.index not in lost)
    return replace(
        netns,
        links=links,
        addresses=tuple(each for each in netns.addresses if each.link not in lost),
        routes=tuple(each for each in netns.routes if not {hop.link for hop in each.nexthops} & lost),
        neighbours=tuple(each for each in netns.neighbours if each.link not in lost),
        fdb=tuple(each for each in netns.fdb if each.link not in lost),
    )


def _leads_to(link: Link, gone: frozenset[str]) -> bool:
    return link.peer is not None and link.peer.netns in gone


def _cut(link: Link, gone: frozenset[str]) -> Link:
    return replace(link, peer=Peer(None, link.peer.index)) if link.peer is not None and _leads_to(link, gone) else link
