"""`take`: the whole host in one frozen snapshot.

1. The calling thread's network namespace is the host. Processes and container engines are asked first,
   because they tell which namespaces there are and what they are called.
2. A few threads then visit each namespace once; far ends of veth pairs are resolved when all links are known,
   and holders of listening sockets when all sockets are known.
3. Only a host that shows nothing of itself is an `ObserveError`. All else that fails is a gap.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.model.container import Container
from engine.model.host import Gap, Netns, Snapshot
from engine.model.link import Link
from engine.observe.containers import ContainerView, read_containers
from engine.observe.errors import ObserveError, words_for
from engine.observe.namespaces import Place, apart, discover, host_inode, name_all, root_inode, side_by_side, way_in
from engine.observe.peers import PeerFinder
from engine.observe.processes import Holder, ProcessTable, read_holders, read_processes
from engine.observe.sockets import with_processes
from engine.observe.visit import Visit, visit


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the threads that enter namespaces bring back, by namespace id."""

    visits: Mapping[str, Visit]
    links: Mapping[str, tuple[Link, ...]]
    gaps: tuple[Gap, ...]


def take() -> Snapshot:
    """Reads everything that decides whether a packet arrives, from the calling thread's network namespace.

    Raises ObserveError, and nothing else, when /proc does not even show the caller's own namespace.
    """
    taken_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        host = host_inode()
        table = read_processes()
        view = read_containers(table, host)
        sandboxes = [(sandbox.inode, sandbox.path) for sandbox in view.sandboxes.values()]
        found, gaps = discover(table.pids_by_netns, sandboxes)
    except OSError as error:
        raise ObserveError(f"cannot look at this host: {words_for(error)}; is /proc mounted?") from error
    ids = name_all(found, host, owners(view))
    places = {ids[inode]: place for inode, place in found.items()}
    sight = _see(places)
    holders, unheld = _holders(table, places, sight.visits)
    root = root_inode()
    namespaces = tuple(
        replace(_netns(netns, places[netns], sight, holders, view), path=way_in(places[netns], host, root))
        for netns in _in_order(sight.visits, places, ids[host])
    )
    containers = _placed(view, ids, sight.visits)
    return Snapshot(
        host=ids[host],
        namespaces=namespaces,
        containers=tuple(replace(each, command=_from_home(each, view, found, host, root)) for each in containers),
        networks=view.networks,
        gaps=(*table.gaps, *view.gaps, *gaps, *sight.gaps, *unheld),
        hostname=os.uname().nodename,
        kernel=os.uname().release,
        taken_at=taken_at,
    )


def owners(view: ContainerView) -> dict[int, str]:
    """The container that each namespace is named after, by inode: not one that only shares it."""
    found: dict[int, str] = {}
    for container in sorted(view.containers, key=lambda each: each.network_mode.startswith("container:")):
        sandbox = view.sandboxes.get(container.id)
        if sandbox is not None and container.network_mode != "host":
            found.setdefault(sandbox.inode, container.name)
    return found


def _see(places: Mapping[str, Place]) -> _Sight:
    """Visits every namespace, then resolves the far ends of links, in threads of their own."""
    visited = side_by_side(lambda item: visit(item[1], item[0]), tuple(places.items()))
    visits = {netns: seen for netns, seen in zip(places, visited, strict=True) if seen is not None}
    finder = PeerFinder(places, {netns: seen.stack.links for netns, seen in visits.items()})
    resolved = apart(lambda: {netns: finder.resolve(netns) for netns in visits})
    return _Sight(
        visits,
        links={netns: links for netns, (links, _) in resolved.items()},
        gaps=tuple(gap for netns, seen in visits.items() for gap in (*seen.gaps, *resolved[netns][1])),
    )


def _holders(
    table: ProcessTable, places: Mapping[str, Place], visits: Mapping[str, Visit]
) -> tuple[Mapping[int, Holder], tuple[Gap, ...]]:
    sockets = {places[netns].inode: [listener.inode for listener in seen.listeners] for netns, seen in visits.items()}
    return read_holders(table, sockets)


def _netns(netns: str, place: Place, sight: _Sight, holders: Mapping[int, Holder], view: ContainerView) -> Netns:
    seen = sight.visits[netns]
    return Netns(
        id=netns,
        inode=place.inode,
        pids=place.pids,
        links=sight.links[netns],
        addresses=seen.stack.addresses,
        routes=seen.stack.routes,
        rules=seen.stack.rules,
        neighbours=seen.stack.neighbours,
        fdb=seen.stack.fdb,
        sysctls=seen.sysctls,
        firewall=seen.firewall,
        listeners=with_processes(seen.listeners, holders, view.published),
        conntrack=seen.conntrack,
    )


def _from_home(
    container: Container, view: ContainerView, found: Mapping[int, Place], host: int, root: int | None
) -> tuple[str, ...]:
    """The client of an engine without a daemon acts on the namespace it is started in, which may not be everybody's."""
    home = found.get(view.homes.get(container.engine, 0))
    way = way_in(home, host, root) if home is not None else None
    return container.command if way is None else ("nsenter", f"--net={way}", *container.command)


def _in_order(seen: Iterable[str], places: Mapping[str, Place], host: str) -> list[str]:
    """The host first, then namespaces with names of their own, then the others."""
    return sorted(seen, key=lambda netns: (netns != host, not places[netns].names, netns))


def _placed(view: ContainerView, ids: Mapping[int, str], seen: Collection[str]) -> tuple[Container, ...]:
    """The containers with the ids of their namespaces, as far as these were still there."""
    inodes = {key: sandbox.inode for key, sandbox in view.sandboxes.items()}
    wanted = ((each, ids.get(inodes.get(each.id, 0), "")) for each in view.containers)
    return tuple(replace(each, netns=netns if netns in seen else None) for each, netns in wanted)
