"""The next look out of an earlier one: what is stale is read and joined anew, the rest is kept.

1. `again` reads stale sources of namespaces. Which namespaces and containers there are does not change by it.
2. `anew` takes another scene: namespaces that are still there keep what was read of them, new ones are visited.
3. What is as it was stays the very same value, so that `snapshot.compose` and `changes` see it at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from engine.model.host import Gap
from engine.model.link import Link
from engine.observe.base.garbage import uncollected
from engine.observe.base.namespaces import side_by_side
from engine.observe.look.look import Ends, Observation, Scene, completed, far_ends, now, visit_all, with_numbered
from engine.observe.look.netns_reader import NetnsSource, Visit, visit
from engine.observe.look.socket_owners import SocketOwners, held_then, holders_of
from engine.observe.netlink.links import SeenLink
from engine.observe.netlink.peers import Resolved
from engine.observe.proc.processes import Holders, ProcessTable
from engine.records import replace

#: Sources to read again, by namespace id.
Stale = Mapping[str, Collection[NetnsSource]]


@uncollected()
def again(earlier: Observation, stale: Stale, table: ProcessTable | None = None) -> Observation:
    """The next look, or the very same one: `stale` has the sources to read again, by namespace id.

    A namespace that ended is left out.
    Far ends are resolved anew for links that are others now, and for links elsewhere that led to them. Processes that
    hold sockets are looked for in `table`, or else among those of the scene.
    Raises ObserveError when the system has no room for another thread.
    """
    taken_at = now()
    scene = earlier.scene if table is None else replace(earlier.scene, table=table)
    visits = _revisit(earlier.visits, scene, stale)
    links: Ends = {netns: found for netns, found in earlier.links.items() if netns in visits}
    moved = {
        netns for netns, sources in stale.items() if NetnsSource.STACK in sources and _moved(earlier, visits, netns)
    }
    if moved:
        unhinged = _unhinged(earlier.links, visits, moved)
        visits = _revisit(visits, scene, dict.fromkeys(unhinged, (NetnsSource.STACK,)))
        wanted = (moved | unhinged) & visits.keys()
        fresh = far_ends(scene.places, visits, wanted, _resolved(earlier, wanted))
        links = {**{netns: found for netns, found in links.items() if netns in visits}, **fresh}
        if scene.wanted is None:
            scene, visits, links = with_numbered(scene, visits, links)
    found = Observation(scene, visits, links, *_holders(earlier, scene, visits, stale), taken_at)
    return earlier if _as_it_was(earlier, found) else found


def _as_it_was(earlier: Observation, found: Observation) -> bool:
    """Whether all values are the very same."""
    if found.scene is not earlier.scene or found.holders is not earlier.holders or found.unheld != earlier.unheld:
        return False
    pairs = ((earlier.visits, found.visits), (earlier.links, found.links))
    return all(
        before is now or (before.keys() == now.keys() and all(before[each] is now[each] for each in before))
        for before, now in pairs
    )


def _moved(earlier: Observation, visits: Mapping[str, Visit], netns: str) -> bool:
    """Whether links of a namespace are others than before, or one of them led out of sight."""
    if netns not in visits or visits[netns].stack.links != earlier.visits[netns].stack.links:
        return True
    return any(link.peer is not None and link.peer.netns is None for link in earlier.links[netns][0])


def _holders(
    earlier: Observation, scene: Scene, visits: Mapping[str, Visit], stale: Stale
) -> tuple[Holders, tuple[Gap, ...]]:
    """Who holds which socket now, looked for where that may be different."""
    seen = [netns for netns in stale if netns in visits and not _listens_alike(visits[netns], earlier.visits[netns])]
    if not seen and scene.table is earlier.scene.table:
        return earlier.holders, earlier.unheld
    let_go = {inode for netns in seen for inode in earlier.visits[netns].holders.keys() - visits[netns].holders.keys()}
    holders, unheld = holders_of(scene.table, scene.places, visits, _held(earlier, let_go))
    return earlier.holders if holders == earlier.holders else holders, unheld


def _listens_alike(one: Visit, other: Visit) -> bool:
    """Whether two visits to a namespace have the very same listeners and holders."""
    return one.listeners is other.listeners and one.holders is other.holders


@uncollected()
def anew(earlier: Observation, scene: Scene) -> Observation:
    """The look at a scene that was set after an earlier look. Raises ObserveError as `again` does."""
    taken_at = now()
    if scene.ids == earlier.scene.ids and scene.wanted is earlier.scene.wanted:
        found = holders_of(scene.table, scene.places, earlier.visits, _held(earlier))
        return Observation(scene, earlier.visits, earlier.links, *found, taken_at)
    places, before = scene.places, earlier.scene.places
    still = [netns for netns, place in places.items() if netns in before and before[netns].inode == place.inode]
    kept = {netns: earlier.visits[netns] for netns in still if netns in earlier.visits}
    fresh = visit_all(scene, {netns: place for netns, place in places.items() if netns not in kept})
    visits = {netns: seen for netns in places if (seen := kept.get(netns) or fresh.get(netns)) is not None}
    return completed(scene, visits, taken_at, _resolved(earlier, kept), _held(earlier))


def _held(earlier: Observation, forget: Collection[int] = ()) -> SocketOwners:
    return held_then(earlier.scene.table, earlier.visits, earlier.holders, earlier.unheld, forget)


def _revisit(visits: Mapping[str, Visit], scene: Scene, stale: Stale) -> Mapping[str, Visit]:
    """The visits with the stale sources read again."""
    items = [(netns, sources) for netns, sources in stale.items() if netns in visits and sources]
    if not items:
        return visits
    places = scene.places

    def visit_one(item: tuple[str, Collection[NetnsSource]]) -> Visit | None:
        netns, sources = item
        inside = scene.table.by_netns.get(places[netns].inode, ())
        return visit(places[netns], netns, inside, sources, visits[netns])

    found = side_by_side(visit_one, items)
    fresh = {netns: seen for (netns, _), seen in zip(items, found, strict=True)}
    every = ((netns, fresh.get(netns, seen)) for netns, seen in visits.items())
    return {netns: seen for netns, seen in every if seen is not None and fresh.get(netns, seen) is not None}


def _unhinged(
    links: Mapping[str, tuple[tuple[Link, ...], tuple[Gap, ...]]], visits: Mapping[str, Visit], moved: Collection[str]
) -> set[str]:
    """The namespaces with a link whose far end was in one of the `moved` namespaces and is no longer that."""
    ends = {
        netns: {each.link.index: each.far for each in visits[netns].stack.links} if netns in visits else {}
        for netns in moved
    }

    def lost(link: Link) -> bool:
        if link.peer is None or link.peer.netns not in ends:
            return False
        there = ends[link.peer.netns]
        back = there.get(link.peer.index)
        return link.peer.index not in there or (back is not None and back.index != link.index)

    still_there = ((netns, found) for netns, (found, _) in links.items() if netns in visits and netns not in moved)
    return {netns for netns, found in still_there if any(map(lost, found))}


def _resolved(before: Observation, wanted: Iterable[str]) -> Resolved:
    """What an earlier look found of the links of these namespaces."""

    def of(netns: str) -> dict[int, tuple[SeenLink, Link]]:
        pairs = zip(before.visits[netns].stack.links, before.links[netns][0], strict=True)
        return {seen.link.index: (seen, link) for seen, link in pairs}

    return {netns: of(netns) for netns in wanted if netns in before.visits}
