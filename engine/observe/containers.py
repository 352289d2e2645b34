"""Containers of every engine on the machine, with the files that enter their namespaces.

1. `engines` finds the sockets; this module asks each engine for its containers and networks, and one
   inspection per container for what the list leaves out (pid, namespace file, ports of stopped ones).
2. An engine belongs to this host when its own process lives in the host's network namespace. Engines of
   other namespaces are read when the host is the machine itself (PID 1's namespace) or has no engine of its
   own: their name carries their socket, and so does the command that reaches them.
3. An engine that hangs, refuses or answers nonsense is a `Gap`; the others are read all the same.
4. A namespace file counts only if it is one for us: an engine in a mount namespace of its own is read
   through /proc/PID/root, and pids of another PID namespace are left out.
5. Podman is read from what it keeps on disk (`podman`), which needs no socket and names the client that reaches it; its
   API tells of what could not be read like that.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from engine.model.container import Container, Network
from engine.model.host import Gap
from engine.model.packet import Protocol
from engine.observe import containerd, docker, podman, podman_documents
from engine.observe.engines import Engine, find_engines
from engine.observe.namespaces import root_inode
from engine.observe.processes import ProcessTable
from engine.observe.unix_http import TIMEOUT, EngineError, NotFound, UnixHTTP

#: States in which a container has a network namespace.
LIVING = frozenset({"running", "paused"})
LIBPOD_NETWORKS = "/v4.0.0/libpod/networks/json"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running container's network namespace: its inode, a file that enters it, and the container's first pid.

    `path` is the engine's own file where there is one that works here, else /proc/PID/ns/net. `pid` is None
    when the engine counts pids in another PID namespace.
    """

    inode: int
    path: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class ContainerView:
    """What the engines say. Containers have no `netns` yet; `sandboxes` has their namespaces by container id.

    Containers that share a namespace (`container:ID`, host mode) have sandboxes of the same inode. A running
    container without a sandbox has a `Gap`. `homes` has, for engines without a daemon, the inode of the namespace
    that their client must be started in, by engine. `sockets` are those of the Docker engines that answered.
    """

    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    sandboxes: Mapping[str, Sandbox] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    homes: Mapping[str, int] = field(default_factory=dict)
    sockets: tuple[str, ...] = ()

    @property
    def published(self) -> frozenset[tuple[Protocol, int]]:
        """Every host port that an engine was asked to publish, for `sockets.with_processes`."""
        ports = (port for container in self.containers for port in container.published)
        return frozenset((port.protocol, port.host_port) for port in ports)


def read_containers(
    table: ProcessTable, host_netns: int, *, everywhere: bool = False, timeout: float = TIMEOUT
) -> ContainerView:
    """Asks the engines that belong to the picture, or with `everywhere` all that are found. Raises nothing.

    `host_netns` is the inode of the host's namespace, which the calling thread is in.
    """
    found, gaps = find_engines(table, host_netns)
    stores = podman.find_stores(table, root_inode())
    if not everywhere:
        found, stores = in_picture(found, stores, table, host_netns)
    kept = [_kept(store, table, host_netns) for store in stores]
    views = [*kept, *(_without(view, kept) for view in _side_by_side(found, timeout)), _tasks(table, host_netns)]
    return ContainerView(
        containers=tuple(container for view in views for container in view.containers),
        networks=tuple(network for view in views for network in view.networks),
        sandboxes={key: sandbox for view in views for key, sandbox in view.sandboxes.items()},
        gaps=gaps + tuple(gap for view in views for gap in view.gaps),
        homes={engine: home for view in views for engine, home in view.homes.items()},
        sockets=tuple(path for view in views for path in view.sockets),
    )


def in_picture(
    engines: tuple[Engine, ...], stores: tuple[podman.Store, ...], table: ProcessTable, host_netns: int
) -> tuple[tuple[Engine, ...], tuple[podman.Store, ...]]:
    """What has containers on this host: its own engines and stores; all where the host is the machine, or has none."""
    ours = tuple(engine for engine in engines if engine.ours), tuple(s for s in stores if s.netns == host_netns)
    is_machine = 1 in table.pids_by_netns.get(host_netns, ())
    return (engines, stores) if is_machine or not any(ours) else ours


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
        if record.pid in running and record.pid and (sandbox := _sandbox(engine, record.netns, record.pid))
    }
    networks = {network.name: network for network in kept.networks}
    if containers:
        networks.setdefault("podman", replace(podman_documents.DEFAULT, engine=name))
    lost = [each for each in containers if each.state in LIVING and each.id not in sandboxes]
    return ContainerView(
        tuple(containers),
        tuple(networks[each] for each in sorted(networks)),
        sandboxes,
        (*kept.gaps, *(_lost(name, each) for each in lost)),
        {name: store.netns},
    )


def _tasks(table: ProcessTable, host_netns: int) -> ContainerView:
    """The containers of containerd, where its process, or PID 1, is on this host."""
    here = {1, *(process.pid for process in table.named("containerd") + table.named("crio"))}
    if not here.intersection(table.pids_by_netns.get(host_netns, ())):
        return ContainerView()
    tasks, gaps = containerd.read_tasks(table)
    engine = Engine("containerd", "")
    found = ((task, _sandbox(engine, task.netns, task.pid)) for task in tasks)
    sandboxes = {task.container.id: sandbox for task, sandbox in found if sandbox is not None}
    lost = (_lost("containerd", task.container) for task in tasks if task.container.id not in sandboxes)
    return ContainerView(tuple(task.container for task in tasks), (), sandboxes, (*gaps, *lost))


def _without(view: ContainerView, kept: list[ContainerView]) -> ContainerView:
    """What an API told, without what a store told of the same containers."""
    known = {container.id for each in kept for container in each.containers}
    left = tuple(container for container in view.containers if container.id not in known)
    if left or not view.containers:
        return replace(view, containers=left)
    return ContainerView(gaps=view.gaps, sockets=view.sockets)


def _side_by_side(engines: tuple[Engine, ...], timeout: float) -> list[ContainerView]:
    """Reads each engine in a thread of its own, so that one which hangs delays no other."""
    views = [ContainerView()] * len(engines)

    def read(position: int) -> None:
        views[position] = read_engine(engines[position], timeout)

    threads = [threading.Thread(target=read, args=(position,)) for position in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return views


def read_engine(engine: Engine, timeout: float = TIMEOUT) -> ContainerView:
    """The containers and networks of one engine, in the order of their names. Raises nothing."""
    try:
        with UnixHTTP(engine.socket, timeout) as api:
            listed = api.get("/containers/json?all=1")
            kind = "podman" if api.server.startswith("Libpod") else "docker"
            engine = replace(engine, kind=kind)
            return _view(api, engine, _objects(listed), _networks(api, engine))
    except EngineError as error:
        return ContainerView(gaps=(Gap(engine.name, "", str(error)),))


def _objects(document: object) -> list[object]:
    return [part for part in document if isinstance(part, dict)] if isinstance(document, list) else []


def _networks(api: UnixHTTP, engine: Engine) -> dict[str, Network]:
    """Networks by id. Podman's own API tells their bridges, which its imitation of Docker's leaves out."""
    if engine.kind == "podman":
        with suppress(NotFound):
            own = _objects(api.get(LIBPOD_NETWORKS))
            parsed = ((docker.text(each, "id"), podman_documents.parse_network(each, engine.name)) for each in own)
            return {key: network for key, network in parsed if network is not None}
    documents = _objects(api.get("/networks"))
    return {docker.text(each, "Id"): docker.parse_network(each, engine.name) for each in documents}


def _view(api: UnixHTTP, engine: Engine, listed: list[object], networks: dict[str, Network]) -> ContainerView:
    names = {key: network.name for key, network in networks.items()}
    inspections, gaps = _inspect(api, engine, [docker.text(summary, "Id") for summary in listed])
    containers: list[Container] = []
    sandboxes: dict[str, Sandbox] = {}
    for summary in listed:
        inspected = inspections.get(docker.text(summary, "Id"))
        if inspected is None:
            continue  # removed since it was listed
        container = docker.parse_container(summary, inspected, engine.name, engine.command, names)
        sandbox = _sandbox(engine, docker.sandbox_key(inspected), container.pid) if container.pid else None
        if sandbox:
            sandboxes[container.id] = sandbox
        containers.append(container if engine.same_pids else replace(container, pid=None))
    _share(containers, sandboxes)
    if not gaps:
        gaps = [_lost(engine.name, each) for each in containers if each.state in LIVING and each.id not in sandboxes]
    return ContainerView(
        containers=tuple(sorted(containers, key=lambda each: (each.name, each.id))),
        networks=tuple(sorted(networks.values(), key=lambda each: each.name)),
        sandboxes=sandboxes,
        gaps=tuple(gaps),
        sockets=(engine.socket,) if engine.kind == "docker" else (),
    )


def _inspect(api: UnixHTTP, engine: Engine, ids: list[str]) -> tuple[dict[str, object], list[Gap]]:
    """The inspection of each container, None for one that is gone; empty ones, and a gap, after a failure."""
    found: dict[str, object] = {}
    try:
        found.update(zip(ids, api.get_each([f"/containers/{key}/json" for key in ids]), strict=True))
    except EngineError as error:
        return {key: found.get(key, {}) for key in ids}, [Gap(engine.name, "", str(error))]
    return found, []


def _lost(engine: str, container: Container) -> Gap:
    reason = f"the namespace of container {container.name} cannot be found; run as root where its engine runs"
    return Gap(engine, "", reason)


def _share(containers: list[Container], sandboxes: dict[str, Sandbox]) -> None:
    """Gives containers that live in another container's namespace that one's sandbox."""
    for container in containers:
        kind, _, other = container.network_mode.partition(":")
        if kind == "container" and container.state in LIVING and container.id not in sandboxes:
            owner = next((each.id for each in containers if other in (each.id, each.name)), "")
            if owner in sandboxes:
                sandboxes[container.id] = replace(sandboxes[owner], pid=None)


def _sandbox(engine: Engine, key: str, pid: int) -> Sandbox | None:
    """The first of the namespace's files that is one here."""
    own = f"/proc/{pid}/ns/net"
    candidates = [key, f"{engine.root}{key}"] if key and engine.root else [key] if key else []
    for path in [*candidates, *([own] if engine.same_pids else [])]:
        try:
            found = os.stat(path)
            if found.st_dev == os.stat("/proc/self/ns/net").st_dev:
                return Sandbox(found.st_ino, path, pid if engine.same_pids else None)
        except OSError:
            continue
    return None
