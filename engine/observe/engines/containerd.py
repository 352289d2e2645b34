"""Containers that containerd runs for Kubernetes (CRI), nerdctl or ctr, from what it keeps on disk while they run.

1. containerd's API and CRI are gRPC; its folder of running tasks needs no client: for each namespace of containerd's
   and each container it has the OCI configuration and the first process's number. Docker's own containers are there
   too, under `moby`, and are left to Docker.
2. Where that folder is, the shims tell: each works in the folder of a task, also those of a containerd that has a
   configuration, a network namespace or a file system of its own.
3. Of a configuration only names, image, network namespace and what CRI and nerdctl note about them are kept; arguments
   and environments, which are in the same file, never get in.
4. Addresses and host ports are what CNI was asked for (`cni`); without its result they are a gap. CRI-O, which keeps
   other files, is one as well.

Sources: containerd (core/runtime/v2, bundle.go), its CRI annotations (internal/cri/annotations), nerdctl (pkg/labels).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from engine.model.container import Attachment, Container, Network, PublishedPort
from engine.model.host import Gap
from engine.model.packet import Protocol
from engine.observe.base.errors import words_for
from engine.observe.engines import cni
from engine.observe.engines.docker_documents import (
    PROJECT_LABELS,
    SERVICE_LABELS,
    Document,
    address,
    child,
    items,
    number,
    text,
)
from engine.observe.engines.podman_documents import parse_document
from engine.observe.engines.sockets import from_here, identity
from engine.observe.proc.processes import ProcessTable, Running
from engine.records import dataclass, replace

#: Where containerd, and the ones that k3s and MicroK8s bring along, keep their state.
STATES = ("/run/containerd", "/run/k3s/containerd", "/var/snap/microk8s/common/run/containerd")
_TASKS = "io.containerd.runtime.v2.task"
#: The name of a shim's process, which has room for fifteen letters.
SHIM = "containerd-shim"
#: The namespace of containerd that Docker uses.
_DOCKER = "moby"
_CRI = "io.kubernetes.cri."
#: Bytes of the largest configuration that is read.
_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class State:
    """A containerd by the folder of its state, as a path that works here; `name` is the engine's.

    `root` leads to its file system ("" where that is ours), and `same_pids` says that its pids are ours.
    """

    folder: str
    name: str = "containerd"
    root: str = ""
    same_pids: bool = True


#: For a task whose containerd does not matter.
NO_STATE = State("")


@dataclass(frozen=True, slots=True)
class Task:
    """A container, the file of its network namespace ("" for that of its process), and its first process.

    `namespace` is containerd's.
    """

    container: Container
    netns: str
    pid: int
    namespace: str


@dataclass(frozen=True, slots=True)
class RuntimeContainers:
    """What one containerd runs, and what could not be read of it."""

    tasks: tuple[Task, ...] = ()
    networks: tuple[Network, ...] = ()
    gaps: tuple[Gap, ...] = ()


def find_states(table: ProcessTable, host_netns: int, usual: tuple[str, ...] = STATES) -> tuple[State, ...]:
    """The containerds that run containers on this host, or anywhere where the host is the machine. Raises nothing."""
    here = table.pids_by_netns.get(host_netns, ())
    is_machine = 1 in here
    found: dict[tuple[int, int], State] = {}
    if is_machine or any(process.pid in here for process in table.named("containerd")):
        for folder in usual:
            with suppress(OSError):
                found.setdefault(identity(folder), State(folder))
    for shim in table.named(SHIM):
        with suppress(OSError):
            if (is_machine or shim.netns == host_netns) and (state := _state_of(shim, host_netns)) is not None:
                found.setdefault(identity(state.folder), state)
    return tuple(found.values())


def _state_of(shim: Running, host_netns: int) -> State | None:
    """The containerd that a shim is of, None where it is not in a task's folder. Raises OSError."""
    folder, *names = os.readlink(f"/proc/{shim.pid}/cwd").rsplit("/", 3)
    if len(names) != 3 or names[0] != _TASKS:
        return None
    root = f"/proc/{shim.pid}/root"
    reachable = from_here(folder, root)
    if reachable is None:
        return None
    same_pids = os.stat(f"/proc/{shim.pid}/ns/pid").st_ino == os.stat("/proc/self/ns/pid").st_ino
    name = "containerd" if shim.netns == host_netns else f"containerd {folder}"
    return State(reachable, name, root, same_pids)


def read_state(state: State, table: ProcessTable) -> RuntimeContainers:
    """The containers of one containerd whose first process is in the table. Raises nothing."""
    try:
        folders = list(_folders(f"{state.folder}/{_TASKS}"))
    except FileNotFoundError:
        return RuntimeContainers()
    except OSError as error:
        return RuntimeContainers(gaps=(Gap(state.name, "", f"{state.folder}: {words_for(error)}"),))
    running = {process.pid for process in table.processes}
    read = (_read(folder, namespace, state) for namespace, folder in folders)
    tasks = [task for task in read if task is not None and (task.pid in running or not state.same_pids)]
    try:
        return joined(tasks, state.name, lambda: cni.read_results(state.name, state.root))
    except OSError as error:
        return RuntimeContainers(in_order(tasks), gaps=(Gap(state.name, "", f"{cni.RESULTS}: {words_for(error)}"),))


def unread_engines(table: ProcessTable) -> tuple[Gap, ...]:
    """The gap for CRI-O, where that runs."""
    if not table.named("crio"):
        return ()
    return (Gap("cri-o", "", "the containers of CRI-O are not read; `crictl ps` shows them"),)


def in_order(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """The tasks by the names of their containers."""
    return tuple(sorted(tasks, key=lambda task: (task.container.name, task.container.id)))


def joined(found: Iterable[Task], engine: str, read: Callable[[], tuple[cni.Joined, ...]]) -> RuntimeContainers:
    """The tasks of an engine in their networks; `read` gives what CNI kept, and is asked where a task has networks."""
    tasks = in_order(found)
    apart = [task for task in tasks if task.netns and not task.container.network_mode.startswith("container:")]
    if not apart:
        return RuntimeContainers(tasks)
    results = read()
    known = {task.container.id: _results_of(task, results) for task in apart}
    gaps = []
    if any(task.container.pod and not known[task.container.id] for task in apart):
        reason = "host ports that pods ask for are not known; `crictl inspectp` shows them"
        gaps.append(Gap(engine, "", reason))
    networks = {each.network.name: each.network for found in known.values() for each in found}
    return RuntimeContainers(
        tuple(replace(task, container=_placed(task.container, known.get(task.container.id, ()))) for task in tasks),
        tuple(networks[name] for name in sorted(networks)),
        tuple(gaps),
    )


def _results_of(task: Task, results: Iterable[cni.Joined]) -> tuple[cni.Joined, ...]:
    """CRI names a sandbox by its id, nerdctl by containerd's namespace as well."""
    names = (task.container.id, f"{task.namespace}-{task.container.id}")
    return tuple(each for each in results if each.sandbox in names)


def _placed(container: Container, results: tuple[cni.Joined, ...]) -> Container:
    if not results:
        return container
    ports = dict.fromkeys(port for each in results for port in each.published)
    attachments = tuple(each.attachment for each in results)
    return replace(container, attachments=attachments, published=tuple(ports) or container.published)


def _folders(tasks: str) -> Iterator[tuple[str, str]]:
    for namespace in sorted(os.listdir(tasks)):
        if namespace != _DOCKER:
            yield from (
                (namespace, f"{tasks}/{namespace}/{name}") for name in sorted(os.listdir(f"{tasks}/{namespace}"))
            )


def _read(folder: str, namespace: str, state: State) -> Task | None:
    """The task in a folder, None for one that ended or is no task."""
    try:
        with open(f"{folder}/init.pid", encoding="ascii", errors="replace") as stream:
            pid = int(stream.read(32))
        with open(f"{folder}/config.json", encoding="utf-8", errors="replace") as stream:
            document = parse_document(stream.read(_LARGEST))
    except (OSError, ValueError):
        return None
    return parse_task(os.path.basename(folder), namespace, document, pid, state)


def parse_task(key: str, namespace: str, document: Document, pid: int, state: State = NO_STATE) -> Task:
    """The container of an OCI configuration. Pure; a field that is absent or of another type is as good as empty."""
    notes = child(document, "annotations")
    networks = [part for part in items(child(document, "linux"), "namespaces") if text(part, "type") == "network"]
    pod = text(notes, f"{_CRI}sandbox-name")
    own = text(notes, f"{_CRI}container-name") or text(notes, "nerdctl/name")
    sandbox = text(notes, f"{_CRI}sandbox-id")
    shares = bool(sandbox) and sandbox != key
    container = Container(
        id=key,
        name=own or pod or key[:12],
        engine=state.name,
        state="running",
        image=text(notes, f"{_CRI}image-name"),
        pid=pid if state.same_pids else None,
        network_mode=f"container:{sandbox}" if shares else "bridge" if networks else "host",
        attachments=tuple(Attachment(name) for name in _networks(notes)),
        published=tuple(_published(notes)),
        project=next((found for label in PROJECT_LABELS if (found := text(notes, label))), ""),
        service=next((found for label in SERVICE_LABELS if (found := text(notes, label))), ""),
        command=("crictl",) if pod else ("ctr", "-n", namespace),
        pod=pod,
    )
    return Task(container, next((text(part, "path") for part in networks), ""), pid, namespace)


def _listed(notes: Document, key: str) -> list[object]:
    """A list that nerdctl wrote as JSON into a note."""
    try:
        found = json.loads(text(notes, key) or "[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) else []


def _networks(notes: Document) -> Iterator[str]:
    return (name for name in _listed(notes, "nerdctl/networks") if isinstance(name, str))


def _published(notes: Document) -> Iterator[PublishedPort]:
    for mapping in _listed(notes, "nerdctl/ports"):
        word, where = text(mapping, "Protocol") or "tcp", address(mapping, "HostIP")
        host, inside = number(mapping, "HostPort"), number(mapping, "ContainerPort")
        if word in list(Protocol) and 0 <= host < 65536 and 0 < inside < 65536:
            yield PublishedPort(Protocol(word), None if where is None or where.is_unspecified else where, host, inside)
