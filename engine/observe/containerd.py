"""Containers that containerd runs for Kubernetes (CRI), nerdctl or ctr, from what it keeps on disk while they run.

1. containerd's API and CRI are gRPC; its folder of running tasks needs no client: for each namespace of containerd's
   and each container it has the OCI configuration and the first process's number. Docker's own containers are there
   too, under `moby`, and are left to Docker.
2. Of a configuration only names, image, network namespace and what CRI and nerdctl note about them are kept; arguments
   and environments, which are in the same file, never get in.
3. Host ports that pods ask for are not written there, which is a gap. CRI-O, which keeps other files, is one as well.

Sources: containerd (core/runtime/v2, bundle.go), its CRI annotations (internal/cri/annotations), nerdctl (pkg/labels).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

from engine.model.container import Attachment, Container, PublishedPort
from engine.model.host import Gap
from engine.model.packet import Protocol
from engine.observe.docker import PROJECT_LABELS, SERVICE_LABELS, Document, address, child, items, number, text
from engine.observe.errors import words_for
from engine.observe.podman_documents import parse_document
from engine.observe.processes import ProcessTable

#: Where containerd, and the ones that k3s and MicroK8s bring along, keep their state.
STATES = ("/run/containerd", "/run/k3s/containerd", "/var/snap/microk8s/common/run/containerd")
_TASKS = "io.containerd.runtime.v2.task"
#: The namespace of containerd that Docker uses.
_DOCKER = "moby"
_CRI = "io.kubernetes.cri."
#: Bytes of the largest configuration that is read.
_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """A container, the file of its network namespace ("" for that of its process), and its first process."""

    container: Container
    netns: str
    pid: int


def read_tasks(table: ProcessTable, states: tuple[str, ...] = STATES) -> tuple[tuple[Task, ...], tuple[Gap, ...]]:
    """The containers whose first process is in the table, and what could not be read. Raises nothing."""
    running = {process.pid for process in table.processes}
    tasks: list[Task] = []
    gaps: list[Gap] = []
    for state in states:
        try:
            folders = list(_folders(f"{state}/{_TASKS}"))
        except FileNotFoundError:
            continue
        except OSError as error:
            gaps.append(Gap("containerd", "", f"{state}: {words_for(error)}"))
            continue
        for namespace, folder in folders:
            task = _read(folder, namespace)
            if task is not None and task.pid in running:
                tasks.append(task)
    if any(task.container.pod for task in tasks):
        reason = "host ports that pods ask for are not known; `crictl inspectp` shows them"
        gaps.append(Gap("containerd", "", reason))
    if table.named("crio"):
        gaps.append(Gap("cri-o", "", "the containers of CRI-O are not read; `crictl ps` shows them"))
    return tuple(sorted(tasks, key=lambda task: (task.container.name, task.container.id))), tuple(gaps)


def _folders(tasks: str) -> Iterator[tuple[str, str]]:
    for namespace in sorted(os.listdir(tasks)):
        if namespace != _DOCKER:
            yield from (
                (namespace, f"{tasks}/{namespace}/{name}") for name in sorted(os.listdir(f"{tasks}/{namespace}"))
            )


def _read(folder: str, namespace: str) -> Task | None:
    """The task in a folder, None for one that ended or is no task."""
    try:
        with open(f"{folder}/init.pid", encoding="ascii", errors="replace") as stream:
            pid = int(stream.read(32))
        with open(f"{folder}/config.json", encoding="utf-8", errors="replace") as stream:
            document = parse_document(stream.read(_LARGEST))
    except (OSError, ValueError):
        return None
    return parse_task(os.path.basename(folder), namespace, document, pid)


def parse_task(identity: str, namespace: str, document: Document, pid: int) -> Task:
    """The container of an OCI configuration. Pure; a field that is absent or of another type is as good as empty."""
    notes = child(document, "annotations")
    networks = [part for part in items(child(document, "linux"), "namespaces") if text(part, "type") == "network"]
    pod = text(notes, f"{_CRI}sandbox-name")
    own = text(notes, f"{_CRI}container-name") or text(notes, "nerdctl/name")
    sandbox = text(notes, f"{_CRI}sandbox-id")
    shares = bool(sandbox) and sandbox != identity
    container = Container(
        id=identity,
        name=own or pod or identity[:12],
        engine="containerd",
        state="running",
        image=text(notes, f"{_CRI}image-name"),
        pid=pid,
        network_mode=f"container:{sandbox}" if shares else "bridge" if networks else "host",
        attachments=tuple(Attachment(name) for name in _networks(notes)),
        published=tuple(_published(notes)),
        project=next((found for label in PROJECT_LABELS if (found := text(notes, label))), ""),
        service=next((found for label in SERVICE_LABELS if (found := text(notes, label))), ""),
        command=("crictl",) if pod else ("ctr", "-n", namespace),
        pod=pod,
    )
    return Task(container, next((text(part, "path") for part in networks), ""), pid)


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
