"""`take`: the whole host in one frozen snapshot.

1. `engine.observe.look.look` does the looking; `compose` is pure and puts what was seen into its place.
2. The calling thread's network namespace is the host, and stands first among the namespaces.
3. Only a host that shows nothing of itself is an `ObserveError`. All else that fails is a gap.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping

from engine.model.application.lab_resolver import LAB_RESOLVER
from engine.model.application.naming import Resolver
from engine.model.container import Container
from engine.model.host import Netns, Snapshot
from engine.model.traffic import Listener
from engine.observe.base.namespaces import NetnsRef, way_in
from engine.observe.look.look import Observation, Scene, Wanted, look
from engine.observe.look.netns_reader import Visit
from engine.observe.naming.lab_doors import doors
from engine.observe.naming.places import places_of
from engine.observe.naming.places import read_later as read_places
from engine.observe.naming.resolvers import READERS, ResolverPlace
from engine.observe.naming.resolvers import read_later as read_resolvers
from engine.observe.netlink.sockets import with_processes
from engine.observe.proc.processes import Holders
from engine.observe.proxies.running import running
from engine.observe.proxies.stopped import stopped
from engine.records import replace


def take(wanted: Wanted | None = None) -> Snapshot:
    """Reads everything that decides whether a packet arrives, from the calling thread's network namespace.

    Namespaces whose ids are not `wanted`, where that is given, are out of sight.
    Raises ObserveError, and nothing else, when /proc does not even show the caller's own namespace.
    """
    return compose(look(wanted))


#: A look, and the snapshot that was composed of it.
Composed = tuple[Observation, Snapshot]


def compose(seen: Observation, before: Composed | None = None) -> Snapshot:
    """The snapshot of a look. What is the same value in an earlier look is taken from that one's snapshot."""
    scene = seen.scene
    places = scene.places
    if before is not None and not _same_names(scene, before[0].scene):
        before = None
    namespaces = tuple(
        _netns(netns, places[netns], seen, before) for netns in _in_order(seen.visits, places, scene.ids[scene.host])
    )
    containers = _containers(seen, before)
    unread = tuple(gap for netns, visit in seen.visits.items() for gap in (*visit.gaps, *seen.links[netns][1]))
    return Snapshot(
        host=scene.ids[scene.host],
        namespaces=namespaces,
        containers=containers,
        networks=scene.view.networks,
        name_configs=read_places(places_of(scene.ids[scene.host], places, containers)),
        resolvers=read_resolvers(_resolver_places(scene, seen.visits)),
        proxies=(*running(scene.table, _visited(seen), containers), *stopped(containers, scene.ids[scene.host])),
        gaps=(*scene.table.gaps, *scene.view.gaps, *scene.gaps, *unread, *seen.unheld),
        hostname=os.uname().nodename,
        kernel=os.uname().release,
        taken_at=seen.taken_at,
    )


def _visited(seen: Observation) -> dict[int, str]:
    """The ids of the namespaces that were seen, by inode."""
    return {inode: netns for inode, netns in seen.scene.ids.items() if netns in seen.visits}


def _resolver_places(scene: Scene, visits: Mapping[str, Visit]) -> Iterator[ResolverPlace | Resolver]:
    """The programs that answer DNS in the namespaces that were seen."""
    ids = {inode: netns for inode, netns in scene.ids.items() if netns in visits}
    for process in scene.table.named(LAB_RESOLVER):
        yield from doors(process.pid, ids)
    for program in READERS:
        for process in scene.table.named(program):
            netns = scene.ids.get(process.netns)
            if netns is not None and netns in visits:
                yield ResolverPlace(netns, process.pid, program)


def _same_names(scene: Scene, earlier: Scene) -> bool:
    """Whether namespaces are called and entered alike, and the same ports are published."""
    if (scene.host, scene.root, scene.wanted) != (earlier.host, earlier.root, earlier.wanted):
        return False
    return scene.view is earlier.view or scene.view.published == earlier.view.published


def _netns(netns: str, place: NetnsRef, seen: Observation, before: Composed | None) -> Netns:
    visit = seen.visits[netns]
    known = before[1].by_id.get(netns) if before is not None else None
    listeners = None
    if before is not None and known is not None:
        earlier = before[0].visits[netns]
        same = earlier.listeners is visit.listeners and _held_alike(visit.listeners, before[0].holders, seen.holders)
        listeners = known.listeners if same else None
        if same and earlier is visit and before[0].links[netns] is seen.links[netns] and _at(place, known, before[0]):
            return known
    if listeners is None:
        listeners = with_processes(visit.listeners, seen.holders, seen.scene.view.published)
    return Netns(
        id=netns,
        inode=place.inode,
        path=way_in(place, seen.scene.host, seen.scene.root),
        pids=place.pids,
        links=seen.links[netns][0],
        addresses=visit.stack.addresses,
        routes=visit.stack.routes,
        rules=visit.stack.rules,
        neighbours=visit.stack.neighbours,
        fdb=visit.stack.fdb,
        sysctls=visit.settings,
        firewall=visit.firewall,
        listeners=listeners,
        conntrack=visit.conntrack,
        exceptions=visit.stack.exceptions,
        nexthops=visit.stack.nexthops,
    )


def _held_alike(listeners: Iterable[Listener], before: Holders, now: Holders) -> bool:
    """Whether these sockets have the very same holders."""
    return before is now or all(before.get(each.inode) is now.get(each.inode) for each in listeners)


def _at(place: NetnsRef, known: Netns, before: Observation) -> bool:
    """Whether a namespace is found where it was."""
    return before.scene.found.get(known.inode) == place


def _containers(seen: Observation, before: Composed | None) -> tuple[Container, ...]:
    """The containers in their namespaces, each with the command that reaches it."""
    if before is not None and _same_containers(seen, before[0]):
        return before[1].containers
    placed = _placed(seen.scene, seen.visits)
    return tuple(replace(each, command=_from_home(each, seen.scene)) for each in placed)


def _same_containers(seen: Observation, before: Observation) -> bool:
    """Whether containers and the names of their namespaces are as they were."""
    same = before.scene.view is seen.scene.view and before.scene.ids == seen.scene.ids
    return same and before.visits.keys() == seen.visits.keys()


def _from_home(container: Container, scene: Scene) -> tuple[str, ...]:
    """The client of an engine without a daemon acts on the namespace it is started in, which may not be everybody's."""
    home = scene.found.get(scene.view.homes.get(container.engine, 0))
    way = way_in(home, scene.host, scene.root) if home is not None else None
    return container.command if way is None else ("nsenter", f"--net={way}", *container.command)


def _in_order(seen: Iterable[str], places: Mapping[str, NetnsRef], host: str) -> list[str]:
    """The host first, then namespaces with names of their own, then the others."""
    return sorted(seen, key=lambda netns: (netns != host, not places[netns].names, netns))


def _placed(scene: Scene, seen: Collection[str]) -> tuple[Container, ...]:
    """The containers with the ids of their namespaces, as far as these were still there."""
    inodes = {key: sandbox.inode for key, sandbox in scene.view.sandboxes.items()}
    wanted = ((each, scene.ids.get(inodes.get(each.id, 0), "")) for each in scene.view.containers)
    return tuple(replace(each, netns=netns if netns in seen else None) for each, netns in wanted)
