"""What container engines say, and the files that enter their containers' namespaces.

A namespace file counts only if it is one for us: an engine in a mount namespace of its own is read through
/proc/PID/root, and pids of another PID namespace are left out.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import cached_property

from engine.model.container import Container, Network
from engine.model.host import Gap
from engine.model.packet import Protocol
from engine.observe.engines.sockets import Engine
from engine.records import dataclass, field

#: States in which a container has a network namespace.
LIVING = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running container's network namespace: its inode, a file that enters it, and the container's first pid.

    `path` is the engine's own file where there is one that works here, else /proc/PID/ns/net. `pid` is None
    when the engine counts pids in another PID namespace.
    """

    inode: int
    path: str
    pid: int | None


@dataclass(frozen=True)
class ContainerView:
    """What the engines say. Containers have no `netns` yet; `sandboxes` has their namespaces by container id.

    Containers that share a namespace (`container:ID`, host mode) have sandboxes of the same inode. A running
    container without a sandbox has a `Gap`. `homes` has, for engines without a daemon, the inode of the namespace
    that their client must be started in, by engine. `sockets` are those of the Docker engines that answered,
    and `databases` the files in which engines without a daemon write down what they do.
    """

    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    sandboxes: Mapping[str, Sandbox] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    homes: Mapping[str, int] = field(default_factory=dict)
    sockets: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()

    @cached_property
    def published(self) -> frozenset[tuple[Protocol, int]]:
        """Every host port that an engine was asked to publish, for `sockets.with_processes`."""
        ports = (port for container in self.containers for port in container.published)
        return frozenset((port.protocol, port.host_port) for port in ports)


#: An earlier view, and the ids of containers that may be different.
Before = tuple[ContainerView, Collection[str]]


def lost(engine: str, container: Container) -> Gap:
    """The gap of a running container without a sandbox."""
    reason = f"the namespace of container {container.name} cannot be found; run as root where its engine runs"
    return Gap(engine, "", reason)


def sandbox_of(engine: Engine, key: str, pid: int) -> Sandbox | None:
    """By the first of a container's namespace files that is one here."""
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
