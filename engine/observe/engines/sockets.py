"""Which container engines run here, and through which socket each is asked.

1. Running dockerd processes are looked at first: the Unix sockets that they listen on are theirs wherever
   they are, also in a network or mount namespace of their own; so are those of `podman system service`.
2. Then the sockets that people use: DOCKER_HOST, /run/docker.sock, Podman's, and those of the user's own
   engines. A socket that was found already is not asked twice.
3. An engine whose process lives in the host's network namespace is the host's and has its plain name. Any
   other has its socket in its name, and its command line client needs it too.

Sources: docker(1), podman-system-service(1), /proc/net/unix in proc_pid_net(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from engine.model.host import Gap
from engine.observe.proc.processes import ProcessTable, Running, sockets_of
from engine.records import dataclass, replace

#: Sockets that an engine's client uses when it is told nothing.
DEFAULTS = {"docker": ("/run/docker.sock", "/var/run/docker.sock"), "podman": ("/run/podman/podman.sock",)}
#: The option of each client that names the socket.
OPTIONS = {"docker": "-H", "podman": "--url"}
#: Files by which Docker and Podman say in a container that it is one.
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
#: Sockets of dockerd that are not its API, by folder and by name.
_OTHER_FOLDERS = frozenset({"libnetwork", "plugins"})
_OTHER_NAMES = frozenset({"metrics.sock"})
#: __SO_ACCEPTCON of include/uapi/linux/net.h, in the flags of /proc/net/unix.
_LISTENS = 0x00010000


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: `kind` is "docker" or "podman", `socket` a path that works here.

    `ours` says that it serves the host's namespace, `first` that no other of its kind does so before it.
    `usual` says that a client which is told nothing asks this engine. `root` leads to its file system
    ("/proc/PID/root", "" where its process is not known), and `same_pids` says that its pids are ours. `typed` is the
    socket's path for a person at the machine's own shell, where this process is in a container and sees another one.
    """

    kind: str
    socket: str
    ours: bool = True
    first: bool = True
    usual: bool = False
    root: str = ""
    same_pids: bool = True
    typed: str = ""

    @property
    def shown(self) -> str:
        """The socket's path as people write it."""
        return self.typed or self.socket

    @property
    def name(self) -> str:
        """Unique on the machine: the kind alone for the host's own engine, any other with its socket."""
        return self.kind if self.ours and self.first else f"{self.kind} {self.shown}"

    @property
    def command(self) -> tuple[str, ...]:
        """The command line client with what reaches this engine."""
        return (self.kind,) if self.usual else (self.kind, OPTIONS[self.kind], f"unix://{self.shown}")


def find_engines(table: ProcessTable, host_netns: int) -> tuple[tuple[Engine, ...], tuple[Gap, ...]]:
    """The engines to ask, the host's own first. Raises nothing.

    `host_netns` is the inode of the host's namespace, which the calling thread is in.
    """
    found: dict[tuple[int, int], Engine] = {}
    gaps: list[Gap] = []
    for daemon in table.named("dockerd"):
        try:
            engine = _engine_of("docker", daemon, host_netns)
        except OSError:
            continue  # it may not be read without root; its socket may be one of the usual ones
        if engine is None and daemon.binary and not daemon.binary.startswith("dockerd"):
            continue  # another program by that name, as the one that holds published ports in a lab
        if engine is None:
            reason = f"dockerd (pid {daemon.pid}) listens on no Unix socket; give it a host unix:// to be read"
            gaps.append(Gap("docker", "", reason))
        else:
            found.setdefault(identity(engine.socket), engine)
    for service in table.named("podman"):
        with suppress(OSError):  # it may have ended; one that listens nowhere is somebody's client
            if (engine := _engine_of("podman", service, host_netns)) is not None:
                found.setdefault(identity(engine.socket), engine)
    asked, unread = _known_sockets()
    for kind, path in asked:
        try:
            found.setdefault(identity(path), Engine(kind, path, ours=_is_ours(path)))
        except OSError:
            continue  # there is no such engine
    return _named(list(found.values())), (*gaps, *unread)


def _named(engines: list[Engine]) -> tuple[Engine, ...]:
    """Orders engines, and marks those that a client finds by itself and the first of each kind."""
    chosen = bool(os.environ.get("DOCKER_HOST"))
    named: list[Engine] = []
    for engine in sorted(engines, key=lambda each: (not each.ours, each.kind, each.socket)):
        usual = engine.shown in DEFAULTS[engine.kind] and not (chosen and engine.kind == "docker")
        first = not any(other.kind == engine.kind and other.ours for other in named)
        named.append(replace(engine, usual=usual, first=first))
    return tuple(named)


def _known_sockets() -> tuple[list[tuple[str, str]], list[Gap]]:
    """Kind and path of the sockets that people use, and a gap for an engine that is told of but is no socket."""
    known = [(kind, path) for kind, paths in DEFAULTS.items() for path in paths]
    if folder := os.environ.get("XDG_RUNTIME_DIR"):
        known += [("docker", f"{folder}/docker.sock"), ("podman", f"{folder}/podman/podman.sock")]
    scheme, colon, path = os.environ.get("DOCKER_HOST", "").partition("://")
    if scheme == "unix":
        return [("docker", path), *known], []
    reason = f"DOCKER_HOST names an engine by {scheme}://; only unix:// sockets are read"
    return known, [Gap("docker", "", reason)] if colon else []


def _engine_of(kind: str, daemon: Running, host_netns: int) -> Engine | None:
    """The engine that a process is, None when it listens on no Unix socket. Raises OSError."""
    held = sockets_of(daemon.pid)
    with open(f"/proc/{daemon.pid}/net/unix", encoding="utf-8", errors="surrogateescape") as lines:
        paths = [path for inode, path in parse_unix(lines) if inode in held and _is_api(path)]
    root = f"/proc/{daemon.pid}/root"
    same_pids = os.stat(f"/proc/{daemon.pid}/ns/pid").st_ino == os.stat("/proc/self/ns/pid").st_ino
    for path in sorted(paths, key=lambda each: (kind not in os.path.basename(each), each)):
        if reachable := from_here(path, root):
            ours, typed = daemon.netns == host_netns, path if is_the_machine_s(path, root) else ""
            return Engine(kind, reachable, ours, root=root, same_pids=same_pids, typed=typed)
    return None


def is_the_machine_s(path: str, root: str) -> bool:
    """Whether the first process, so a person at a shell there, knows a file of the process at `root` by its path."""
    try:
        return identity(f"/proc/1/root{path}") == identity(root + path)
    except PermissionError:
        return any(
            map(os.path.exists, CONTAINER_MARKS)
        )  # it is guarded: the engine that is seen from a container is its
    except OSError:
        return False


def _is_api(path: str) -> bool:
    folder, name = os.path.split(path)
    return name not in _OTHER_NAMES and os.path.basename(folder) not in _OTHER_FOLDERS


def from_here(path: str, root: str) -> str | None:
    """A path by which this process reaches the file that another one calls `path`, None if it is gone."""
    try:
        there = identity(root + path)
    except OSError:
        return None
    try:
        return path if identity(path) == there else root + path
    except OSError:
        return root + path


def parse_unix(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Inode and path of the listening sockets in a /proc/net/unix table; abstract names are left out."""
    for line in lines:
        words = line.rstrip("\n").split(None, 7)
        try:
            if len(words) == 8 and int(words[3], 16) & _LISTENS and words[7].startswith("/"):
                yield int(words[6]), words[7]
        except ValueError:
            continue


def _is_ours(path: str) -> bool:
    """Whether the socket was opened in the calling thread's network namespace."""
    with open("/proc/thread-self/net/unix", encoding="utf-8", errors="surrogateescape") as lines:
        paths = [other for _, other in parse_unix(lines) if os.path.basename(other) == os.path.basename(path)]
    wanted = identity(path)
    for other in paths:
        try:
            if identity(other) == wanted:
                return True
        except OSError:
            continue
    return False


def identity(path: str) -> tuple[int, int]:
    """What a file is, whatever it is called. Raises OSError."""
    found = os.stat(path)
    return found.st_dev, found.st_ino
