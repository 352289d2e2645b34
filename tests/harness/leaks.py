"""What a test may not leave behind: network namespaces, mounts, processes, temporary files.

A `Footprint` is what there is of these now; two of them give what came in between and stayed. Each kind is told from
what other people's programs do on the machine meanwhile:

- Processes: every descendant of this one. `adopt()` makes this process the parent of orphans (PR_SET_CHILD_SUBREAPER,
  prctl(2)), so that a daemon which left its parent counts too. The dead that nobody waited for do not count.
- Temporary files: the test run has a temporary folder of its own, and only names directly in it count: what is further
  down belongs to who made the folder.
- Mounts and namespaces under /run/netns: they have no owner that one could ask for. While a second test run is
  going on (each holds a shared lock), they are not compared; nor are mounts in folders under /tmp, which are found
  as temporary files when they are ours.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

NETNS_FOLDER = Path("/run/netns")
#: Where the machine has its temporary files; read before a run has a folder of its own in it.
TEMPORARY = Path(tempfile.gettempdir())
PR_SET_CHILD_SUBREAPER = 36
#: Seconds that a process which was told to end has for it, with all that it holds.
SETTLE = 3.0


class Leak(Exception):
    """Something was left behind. `tests/conftest.py` counts it as a failure even in a test that is expected to fail."""


@dataclass(frozen=True)
class Footprint:
    """What is there now, in words; equal words mean the same thing."""

    shared: frozenset[str]
    own: frozenset[str]

    def left_since(self, before: Footprint, *, alone: bool) -> list[str]:
        """What is here and was not, sorted."""
        own = self.own - before.own
        return sorted(own | (self.shared - before.shared) if alone else own)


def footprint() -> Footprint:
    """Looks."""
    return Footprint(frozenset(namespaces() | mounts()), frozenset(processes() | temporary_files()))


def namespaces() -> set[str]:
    """Named network namespaces."""
    return {f"namespace {path}" for path in NETNS_FOLDER.glob("*")}


def mounts() -> set[str]:
    """Mount points that this process sees, but for those in folders under the machine's temporary folder.

    /run/netns itself is not ours: the first `ip netns add` of a machine mounts it, and it stays (ip-netns(8)).
    """
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = {line.split()[4] for line in lines} - {str(NETNS_FOLDER)}
    return {f"mount {point}" for point in points if not point.startswith(f"{TEMPORARY}/")}


def processes() -> set[str]:
    """Living descendants of this process, each with its start time, as process ids are used again."""
    if childless():
        return set()
    parents: dict[int, int] = {}
    words: dict[int, str] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (path / "stat").read_text(errors="replace").rsplit(")", 1)
        except OSError:
            continue  # ended while we looked
        state, parent, *more = rest.split()
        parents[int(path.name)] = int(parent)
        if state not in "ZX":
            words[int(path.name)] = f"process {path.name} {name.split('(', 1)[1]} (started {more[17]})"
    found: set[int] = {os.getpid()}
    while grown := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= grown
    return {words[pid] for pid in found - {os.getpid()} if pid in words}


def childless() -> bool:
    """Whether this process has no child, dead or alive (proc(5), task/TID/children). Most tests have none."""
    try:
        return not any(Path(task.path, "children").read_bytes() for task in os.scandir("/proc/self/task"))
    except OSError:
        return False  # a thread ended meanwhile, or a kernel without CONFIG_PROC_CHILDREN


def temporary_files() -> set[str]:
    """Names in the temporary folder."""
    return {f"file {path}" for path in Path(tempfile.gettempdir()).iterdir()}


def check(before: Footprint, *, alone: bool) -> None:
    """Raises `Leak` when something is left, once the processes that are about to end have ended."""
    until = time.monotonic() + SETTLE
    while left := footprint().left_since(before, alone=alone):
        ending = any(line.startswith("process ") for line in left)
        if not ending or time.monotonic() > until:
            raise Leak("left behind: " + "; ".join(left))
        time.sleep(0.02)


def adopt() -> None:
    """Makes this process the parent of descendants whose own parent ends before them."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Company:
    """Whether another test run is going on: each holds a shared lock on /run (flock(2))."""

    def __init__(self, folder: Path = NETNS_FOLDER.parent) -> None:
        self._file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def alone(self) -> bool:
        """Whether nobody else holds the lock now."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            fcntl.flock(self._file, fcntl.LOCK_SH)
        return True

    def close(self) -> None:
        """Leaves."""
        os.close(self._file)
