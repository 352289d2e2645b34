"""Processes: one scan of /proc per look, and later who holds which socket.

1. `read_processes` reads /proc/PID/stat and the network namespace of every process, and nothing else; of an earlier
   scan it takes over what it knows by pid, and reads only what came since.
2. `held_within` reads descriptors of the processes in a namespace when its listeners are known; `read_holders` is
   asked for what is left. It reads those of all processes, and both stop as soon as every socket has its holder.
3. Command lines are read of known relays only, and only their ports and addresses are kept (`relays`).
   Environments are never read. Of a holder's cgroup only the id of a container in its name is kept.
4. Kernel threads are left out: they hold no descriptors, and they come and go.
5. Processes that may not be read make one `Gap` together, not one each; so do those that /proc does not even list
   (hidepid of proc(5)), which the absence of PID 1 tells.

Sources: proc_pid_stat(5), proc_pid_fd(5), namespaces(7).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType

from engine.model.host import Gap
from engine.model.traffic import Process
from engine.observe.base.files import small
from engine.observe.base.fork_pool import by_processes
from engine.observe.proc import relays
from engine.records import LATE, dataclass, field

#: PF_KTHREAD of the kernel's include/linux/sched.h, in the flags of /proc/PID/stat.
KERNEL_THREAD = 0x00200000
#: A container's id as the last part of a cgroup's name that has one: /docker/ID, docker-ID.scope, libpod-ID.scope.
_IN_CGROUP = re.compile(rb"/(?:(?!libpod-conmon-)[a-z-]+-)?([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Running:
    """A process. `netns` is the inode of its network namespace, 0 where that may not be read.

    The name of its executable and its parent's id ("" and 0: not known, or it has ended) are read when they are asked
    for first. They do not tell one process from another.
    """

    pid: int
    name: str
    state: str
    netns: int
    binary: str = field(default="", compare=False, metadata=LATE)
    parent: int = field(default=0, compare=False, metadata=LATE)


@dataclass(frozen=True)
class ProcessTable:
    """Every process of one scan, by ascending pid, and what could not be read of them. `kernel` has its threads."""

    processes: tuple[Running, ...] = ()
    gaps: tuple[Gap, ...] = ()
    kernel: frozenset[int] = frozenset()

    @cached_property
    def by_pid(self) -> Mapping[int, Running]:
        """The processes by their ids."""
        return {process.pid: process for process in self.processes}

    @cached_property
    def by_netns(self) -> Mapping[int, tuple[Running, ...]]:
        """The processes in each network namespace (by inode), by ascending pid."""
        found: dict[int, list[Running]] = {}
        for process in self.processes:
            if process.netns:
                found.setdefault(process.netns, []).append(process)
        return {netns: tuple(processes) for netns, processes in found.items()}

    @cached_property
    def pids_by_netns(self) -> Mapping[int, tuple[int, ...]]:
        """Pids in each network namespace (by inode), ascending."""
        return {netns: tuple(each.pid for each in processes) for netns, processes in self.by_netns.items()}

    def program(self, name: str) -> tuple[Running, ...]:
        """The processes whose executable is called so, as they are themselves."""
        return tuple(process for process in self.named(name) if process.binary == name)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Running, ...]]:
        found: dict[str, list[Running]] = {}
        for process in self.processes:
            found.setdefault(process.name, []).append(process)
        return {name: tuple(processes) for name, processes in found.items()}

    def named(self, name: str) -> tuple[Running, ...]:
        """The processes of that name."""
        return self._by_name.get(name, ())


def _executable(pid: int) -> str:
    with suppress(OSError):
        return os.path.basename(os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)"))
    return ""


def _parent(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int(small(f"/proc/{pid}/stat").rpartition(b")")[2].split()[1])
    return 0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a socket, and what it does as a relay (None: it is none)."""

    process: Process
    program: relays.RelayProgram | None = None


def read_processes(known: ProcessTable | None = None) -> ProcessTable:
    """Scans /proc once. Raises nothing: a process that ends meanwhile was never there.

    With a `known` table only other pids than its are read; the very same table comes back where there are none.
    """
    known = known or ProcessTable()
    found: list[Running] = []
    kernel: list[int] = []
    hidden = 0
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        if pid in known.kernel:
            kernel.append(pid)
            continue
        try:
            process = known.by_pid.get(pid) or _read(pid)
        except PermissionError:  # /proc is mounted with hidepid=1
            hidden += 1
            continue
        except (OSError, ValueError):
            continue
        if process is None:
            kernel.append(pid)
            continue
        hidden += not process.netns
        found.append(process)
    gaps = []
    if hidden:
        whose = "one process" if hidden == 1 else f"{hidden} processes"
        reason = f"the network namespace of {whose} may not be read; {_remedy()}"
        gaps.append(Gap("/proc/PID/ns/net", "", reason))
    if found and not os.path.exists("/proc/1"):
        gaps.append(Gap("/proc", "", f"other users' processes are not shown (hidepid of proc(5)); {_remedy()}"))
    table = ProcessTable(tuple(found), tuple(gaps), frozenset(kernel))
    return known if table == known else table


def _read(pid: int) -> Running | None:
    """A process, None for a thread of the kernel. Raises OSError, ValueError."""
    name, state, flags = parse_stat(small(f"/proc/{pid}/stat"))
    if flags & KERNEL_THREAD:
        return None
    try:
        netns = int(os.readlink(f"/proc/{pid}/ns/net")[5:-1])  # net:[INODE]
    except PermissionError:
        netns = 0
    return Running(pid, name, state, netns, (_executable, pid), (_parent, pid))  # type: ignore[arg-type]


def parse_stat(line: bytes) -> tuple[str, str, int]:
    """Name, state and flags of a /proc/PID/stat line (the name may itself hold spaces and parentheses)."""
    head, _, tail = line.rpartition(b")")
    fields = tail.split()
    if len(fields) < 7:
        raise ValueError("the line of /proc/PID/stat is cut off")
    return os.fsdecode(head.partition(b"(")[2]), fields[0].decode("ascii", "replace"), int(fields[6])


#: Who holds which socket, by its inode.
Holders = Mapping[int, Holder]
NOBODY: Holders = MappingProxyType({})


def held_within(processes: Iterable[Running], sockets: Collection[int], known: Holders = NOBODY) -> dict[int, Holder]:
    """Who of these processes, the lowest pid first, holds which of the sockets; pid 1 and hidden ones are left out.

    Sockets with a `known` holder are not looked for.
    """
    kept = {inode: known[inode] for inode in sockets if inode in known}
    missing = set(sockets) - kept.keys() - {0}
    found = _scanned((each for each in processes if each.pid != 1), missing) if missing else []
    return kept | {inode: holder for held in found for inode, holder in (held or {}).items()}


def read_holders(
    table: ProcessTable, sockets: Mapping[int, Collection[int]], ids: Mapping[int, str] | None = None
) -> tuple[Mapping[int, Holder], tuple[Gap, ...]]:
    """Finds who holds each socket.

    `sockets` has, for the inode of each network namespace, the inodes of its listening sockets; `ids` has the
    namespaces' ids, for the gaps. Returns the holders by socket inode. A socket that several processes share
    is given to the one with the lowest pid, and to pid 1 (socket activation) only if nobody else has it. The
    kernel's own sockets have no holder.
    """
    missing = {inode for inodes in sockets.values() for inode in inodes if inode}
    if not missing:
        return {}, ()
    found = by_processes(lambda items: _scanned(items, missing), _as_likely(table, sockets))
    holders: dict[int, Holder] = {}
    for held in found:
        holders.update((inode, holder) for inode, holder in (held or {}).items() if inode not in holders)
    hidden = any(held is None for held in found)
    return holders, _hidden(sockets, missing - holders.keys(), ids or {}) if hidden else ()


def _scanned(processes: Iterator[Running], wanted: Collection[int]) -> list[dict[int, Holder] | None]:
    """Which of the wanted sockets each process holds that none before it does; None for one that may not be read."""
    missing = set(wanted)
    found: list[dict[int, Holder] | None] = []
    for process in processes:
        try:
            held = sockets_of(process.pid) & missing if missing else ()
        except PermissionError:
            found.append(None)
            continue
        found.append(dict.fromkeys(held, _holder(process)) if held else {})
        missing.difference_update(held)
    return found


def _hidden(sockets: Mapping[int, Collection[int]], missing: set[int], ids: Mapping[int, str]) -> tuple[Gap, ...]:
    """One gap for each namespace in which the holder of a socket was not found."""
    counts = {netns: len(missing.intersection(inodes)) for netns, inodes in sockets.items()}
    return tuple(
        Gap("/proc/PID/fd", ids.get(netns, ""), f"who holds {count} of the listening sockets is hidden; {_remedy()}")
        for netns, count in counts.items()
        if count
    )


def _remedy() -> str:
    """What helps when processes hide something."""
    return "run as root to see it" if os.geteuid() else "its user has more privileges than this process"


def _as_likely(table: ProcessTable, sockets: Mapping[int, Collection[int]]) -> list[Running]:
    """Processes of other namespaces first, since a visit asked those in the namespace of such a socket; pid 1 last."""
    return sorted(table.processes, key=lambda each: (each.pid == 1, any(sockets.get(each.netns, ()))))


def sockets_of(pid: int) -> set[int]:
    """The inodes of the sockets that a process holds. Raises PermissionError; a process that ended holds none."""
    folder = f"/proc/{pid}/fd/"
    try:
        descriptors = os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return set()
    held: set[int] = set()
    for descriptor in descriptors:
        try:
            held.add(socket_inode(os.readlink(folder + descriptor)))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return held


def socket_inode(link: str) -> int:
    """The inode in a descriptor's link text `socket:[4711]`, 0 for anything else."""
    return int(link[8:-1]) if link.startswith("socket:[") else 0


def _holder(process: Running) -> Holder:
    """Completes a process that holds a socket: its user and, for a relay, where it passes connections on."""
    try:
        uid = os.stat(f"/proc/{process.pid}").st_uid
        line = small(f"/proc/{process.pid}/cmdline") if relays.is_relay(process.name) else b""
    except OSError:
        uid, line = 0, b""
    program = relays.program_of(process.name, [os.fsdecode(word) for word in line.split(b"\0")])
    return Holder(Process(process.pid, process.name, process.state, uid, container=container_of(process.pid)), program)


def container_of(pid: int) -> str:
    """The id of the container that a process is in, "" for one in none, or that has ended."""
    try:
        return container_in(small(f"/proc/{pid}/cgroup"))
    except OSError:
        return ""


def container_in(groups: bytes) -> str:
    """The id of the container in a table of proc_pid_cgroup(5), "" where there is none.

    Docker, Podman, containerd and CRI-O all put the id into the cgroup's name; of nested ones the innermost counts.
    The monitor of a Podman container has a cgroup with that id as well, and is no part of the container.
    """
    found = _IN_CGROUP.findall(groups)
    return str(found[-1], "ascii") if found else ""
