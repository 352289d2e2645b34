"""Containers of every engine on the machine, with the files that enter their namespaces.

1. `engines` finds the sockets, and `docker_engine` asks each.
2. An engine belongs to this host when its own process lives in the host's network namespace. Engines of
   other namespaces are read when the host is the machine itself (PID 1's namespace) or has no engine of its
   own: their name carries their socket, and so does the command that reaches them.
3. An engine that hangs, refuses or answers nonsense is a `Gap`; the others are read all the same.
4. Podman is read from what it keeps on disk (`podman`), which needs no socket and names the client that reaches it; its
   API tells of what could not be read like that.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from engine.observe.base.namespaces import root_inode
from engine.observe.engines import containerd, podman, podman_documents
from engine.observe.engines.container_view import LIVING, Before, ContainerView, lost, sandbox_of
from engine.observe.engines.docker import read_engine
from engine.observe.engines.sockets import Engine, find_engines
from engine.observe.engines.unix_http import TIMEOUT
from engine.observe.proc.processes import ProcessTable
from engine.records import replace


def read_containers(
    table: ProcessTable,
    host_netns: int,
    *,
    everywhere: bool = False,
    timeout: float = TIMEOUT,
    before: Before | None = None,
) -> ContainerView:
    """Asks the engines that belong to the picture, or with `everywhere` all that are found. Raises nothing.

    `host_netns` is the inode of the host's namespace, which the calling thread is in. A Docker engine that was read
    `before` is asked for the containers named there alone.
    """
    found, gaps = find_engines(table, host_netns)
    stores = podman.find_stores(table, root_inode())
    if not everywhere:
        found, stores = in_picture(found, stores, table, host_netns)
    kept = [_kept(store, table, host_netns) for store in stores]
    views = [
        *kept,
        *(_without(view, kept) for view in _side_by_side(found, timeout, before)),
        *_tasks(table, host_netns),
    ]
    return ContainerView(
        containers=tuple(container for view in views for container in view.containers),
        networks=tuple(network for view in views for network in view.networks),
        sandboxes={key: sandbox for view in views for key, sandbox in view.sandboxes.items()},
        gaps=gaps + tuple(gap for view in views for gap in view.gaps),
        homes={engine: home for view in views for engine, home in view.homes.items()},
        sockets=tuple(path for view in views for path in view.sockets),
        databases=tuple(path for view in views for path in view.databases),
    )


def in_picture(
    engines: tuple[Engine, ...], stores: tuple[podman.Store, ...], table: ProcessTable, host_netns: int
) -> tuple[tuple[Engine, ...], tuple[podman.Store, ...]]:
    """What has containers on this host: its own engines and stores; all where the host is the machine, or has none."""
    ours = tuple(engine for engine in engines if engine.ours), tuple(s for s in stores if s.netns == host_netns)
    is_machine = 1 in table.pids_by_netns.get(host_netns, ())
    has_own = any(ours) or any(shim.netns == host_netns for shim in table.named(containerd.SHIM))
    return (engines, stores) if is_machine or not has_own else ours


def _kept(store: podman.Store, table: ProcessTable, host_netns: int) -> ContainerView:
    """The containers of a store."""
    ours = store.netns == host_netns
    name = "podman" if ours and store.first else f"podman {store.root}"
    kept = podman.read_store(store, name)
    running = {process.pid for process in table.processes}
    engine = Engine("podman", store.root, ours)
    containers = [
        podman_documents.parse_container(each, name, store.command, alive=each.pid in running) for each in kept.records
    ]
    sandboxes = {
        record.id: sandbox
        for record in kept.records
        if record.pid in running and record.pid and (sandbox := sandbox_of(engine, record.netns, record.pid))
    }
    networks = {network.name: network for network in kept.networks}
    if containers:
        networks.setdefault("podman", replace(podman_documents.DEFAULT, engine=name))
    left = [each for each in containers if each.state in LIVING and each.id not in sandboxes]
    return ContainerView(
        tuple(containers),
        tuple(networks[each] for each in sorted(networks)),
        sandboxes,
        (*kept.gaps, *(lost(name, each) for each in left)),
        {name: store.netns},
        databases=(podman.database(store),),
    )


def _tasks(table: ProcessTable, host_netns: int) -> Iterator[ContainerView]:
    """The containers of each containerd."""
    for state in containerd.find_states(table, host_netns):
        told = containerd.read_state(state, table)
        engine = Engine("containerd", "", root=state.root, same_pids=state.same_pids)
        found = ((task, sandbox_of(engine, task.netns, task.pid)) for task in told.tasks)
        sandboxes = {task.container.id: sandbox for task, sandbox in found if sandbox is not None}
        left = (lost(state.name, task.container) for task in told.tasks if task.container.id not in sandboxes)
        containers = tuple(task.container for task in told.tasks)
        yield ContainerView(containers, told.networks, sandboxes, (*told.gaps, *left))
    if {1, *(process.pid for process in table.named("crio"))}.intersection(table.pids_by_netns.get(host_netns, ())):
        yield ContainerView(gaps=containerd.unread_engines(table))


def _without(view: ContainerView, kept: list[ContainerView]) -> ContainerView:
    """What an API told, without what a store told of the same containers."""
    known = {container.id for each in kept for container in each.containers}
    left = tuple(container for container in view.containers if container.id not in known)
    if left or not view.containers:
        return replace(view, containers=left)
    return ContainerView(gaps=view.gaps, sockets=view.sockets)


def _side_by_side(engines: tuple[Engine, ...], timeout: float, before: Before | None) -> list[ContainerView]:
    """Reads each engine in a thread of its own, so that one which hangs delays no other."""
    views = [ContainerView()] * len(engines)

    def read(position: int) -> None:
        views[position] = read_engine(engines[position], timeout, before)

    threads = [threading.Thread(target=read, args=(position,)) for position in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return views
