"""Another scene, where processes, engines or files tell of one: it is followed, and what is new in it is read."""

from __future__ import annotations

from collections.abc import Collection

from engine.observe.look.incremental import again, anew
from engine.observe.look.look import Observation, set_scene
from engine.observe.look.netns_reader import NetnsSource
from engine.observe.proc.processes import ProcessTable
from engine.observe.watch.subscriptions import Subscriptions


def next_scene(told: Subscriptions, seen: Observation, named: Collection[str] | None = None) -> Observation:
    """The look at who and what there is now; the same one where that is as it was. Raises ObserveError.

    Where engines told everything, only containers that they `named` are asked for, and only processes that came since.
    """
    scene = set_scene(seen.scene.wanted, None if named is None else (seen.scene, named))
    if (scene.found, scene.view, scene.ids) == (seen.scene.found, seen.scene.view, seen.scene.ids):
        return seen
    told.follow(scene)
    return followed(told, anew(seen, scene))


def followed(told: Subscriptions, seen: Observation) -> Observation:
    """Listens to namespaces that were only found while looking, and reads again what nobody listened to."""
    return again(seen, dict.fromkeys(told.follow(seen.scene), (NetnsSource.STACK, NetnsSource.FIREWALL)))


def with_table(told: Subscriptions, seen: Observation, table: ProcessTable) -> Observation:
    """The look with these processes; at another scene where they tell of one."""
    if table == seen.scene.table:
        return seen
    if _tells_of_namespaces(table, seen):
        return next_scene(told, seen)
    return again(seen, {}, table)


def _tells_of_namespaces(table: ProcessTable, seen: Observation) -> bool:
    """Whether processes are in namespaces that are not in the scene, or all of those that were in one have ended."""
    here = table.pids_by_netns
    return not here.keys() <= seen.scene.found.keys() or any(
        place.pids and not set(place.pids).intersection(here.get(inode, ()))
        for inode, place in seen.scene.found.items()
    )
