"""What docker and podman told of their containers and networks, and what containerd keeps of its own, as far as the
script picked it.

The documents have the shape of the engines' own, so that the parsers of the API read them. The script writes lists with
one empty entry behind them, which is dropped here.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.container import Container, Network
from engine.observe.collected.reading import Reading, Row, documents
from engine.observe.engines import cni, containerd, docker_documents, podman_documents
from engine.observe.engines.container_view import LIVING, ContainerView, Sandbox
from engine.records import replace

_CONTAINERD = "containerd"
#: Files of engines by the path that people see.
_RUN = "/var/run/"


def read_containers(reading: Reading, owners: Mapping[int, int], files: Mapping[str, int]) -> ContainerView:
    """The containers of both engines; `owners` has the namespaces' inodes by pid, `files` those of their files."""
    containers: list[Container] = []
    networks: list[Network] = []
    sandboxes: dict[str, Sandbox] = {}
    for engine in ("docker", "podman"):
        found = reading.read(f"{engine}-networks", documents) or ()
        names = {
            docker_documents.text(row, "Id") or docker_documents.text(row, "id"): _network(row, engine)
            for row in map(_clean, found)
        }
        networks += sorted((each for each in names.values() if each), key=lambda each: each.name)
        known = {key: network.name for key, network in names.items() if network}
        seen: list[Container] = []
        for row in map(_clean, reading.read(engine, documents) or ()):
            container = docker_documents.parse_container(row, row, engine, (engine,), known)
            container = podman_documents.own_part(container) if engine == "podman" else container
            sandbox = _sandbox(docker_documents.sandbox_key(row), container.pid, owners, files)
            if sandbox and container.state in LIVING:
                sandboxes[container.id] = sandbox
            seen.append(container)
        containers += sorted(seen, key=lambda each: (each.name, each.id))
    told = _tasks(reading, owners)
    for task in told.tasks:
        sandbox = _sandbox(task.netns, task.container.pid, owners, files)
        sandboxes |= {task.container.id: sandbox} if sandbox else {}
    containers += [task.container for task in told.tasks]
    return ContainerView(tuple(containers), (*networks, *told.networks), sandboxes, told.gaps)


def _tasks(reading: Reading, owners: Mapping[int, int]) -> containerd.RuntimeContainers:
    """The containers that containerd runs, of which the first process is there."""
    found = (
        containerd.parse_task(
            docker_documents.text(row, "id"),
            docker_documents.text(row, "namespace"),
            row,
            docker_documents.number(row, "pid"),
            containerd.State("", _CONTAINERD),
        )
        for row in reading.read(_CONTAINERD, documents) or ()
    )
    results = (cni.parse_result(row, _CONTAINERD) for row in reading.read("cni", documents) or ())
    kept = tuple(each for each in results if each is not None)
    return containerd.joined((task for task in found if task.pid in owners), _CONTAINERD, lambda: kept)


def _network(row: Row, engine: str) -> Network | None:
    return (
        docker_documents.parse_network(row, engine)
        if engine == "docker"
        else podman_documents.parse_network(row, engine)
    )


def _clean(row: Row) -> Row:
    """The document without the empty entries that end its lists."""
    return {key: _clean(value) if isinstance(value, dict) else value for key, value in row.items() if key}


def _sandbox(key: str, pid: int | None, owners: Mapping[int, int], files: Mapping[str, int]) -> Sandbox | None:
    path = f"/run/{key.removeprefix(_RUN)}" if key.startswith(_RUN) else key
    if path in files:
        return Sandbox(files[path], key, pid)
    return Sandbox(owners[pid], f"/proc/{pid}/ns/net", pid) if pid in owners and pid else None


def with_client(view: ContainerView, command: tuple[str, ...]) -> ContainerView:
    """The containers of Docker with the client that reaches the engine."""
    changed = (replace(each, command=command) if each.engine == "docker" else each for each in view.containers)
    return replace(view, containers=tuple(changed))
