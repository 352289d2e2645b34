"""Namespaces that have no name and no process: those that a mount, a thread or an open file keeps.

1. Mounts that this process sees are in one file and are always looked at: engines keep the namespaces of their
   containers so, and a file at any path enters them like one under /run/netns.
2. Threads in another namespace than their process, open files, and the mounts of other mount namespaces take a look at
   every process. That is done only when something leads out of sight: a link whose far end is in no namespace that was
   found, or a number that the host's namespace has for another one which is none of them.
3. What may not be read is passed over: the link that leads out of sight leaves a gap.

Sources: proc_pid_mountinfo(5), proc_pid_task(5), proc_pid_fd(5), network_namespaces(7), ioctl_nsfs(2).
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress

from engine.observe.base.errors import NetlinkError
from engine.observe.base.namespaces import NetnsRef
from engine.observe.netlink.client import Netlink
from engine.observe.netlink.peers import RTM_GETNSID, RTM_NEWNSID, Numbers, parse_nsid
from engine.observe.proc.processes import ProcessTable

_NS_GET_NSTYPE, _CLONE_NEWNET = 0xB703, 0x40000000
#: What the links of other open files begin with.
_OTHER_FILES = ("socket:", "pipe:", "anon_inode:", "/dev/", "/memfd:")
_LINK = re.compile(r"net:\[(\d+)\]")
_ESCAPE = re.compile(r"\\([0-7]{3})")

#: A namespace: its inode, and a file that enters it.
Found = tuple[int, str]


def mounted() -> list[Found]:
    """The network namespaces among the mounts that this process sees. Raises nothing."""
    return _mounts("self", "")


def kept(table: ProcessTable, known: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The namespaces that are not `known` and that some process keeps, by inode, with the files that enter each.

    Mounts come first and threads last: a thread may be one that looks at the namespace just now.
    """
    found: dict[int, list[str]] = {}
    views: set[str] = set()
    nsfs = os.stat("/proc/self/ns/net").st_dev
    pids = [process.pid for process in table.processes]
    mounts = (each for pid in pids for each in _other_mounts(pid, views))
    files = (each for pid in pids for each in _files(pid, nsfs))
    threads = (each for pid in pids for each in _threads(pid))
    for inode, path in (*mounts, *files, *threads):
        if inode not in known:
            found.setdefault(inode, []).append(path)
    return {inode: tuple(found[inode]) for inode in sorted(found)}


def parse_mounts(lines: Iterable[str]) -> Iterator[Found]:
    """Inode and mount point of each network namespace in a table of proc_pid_mountinfo(5)."""
    for line in lines:
        words = line.split(" ")
        match = _LINK.fullmatch(words[3]) if len(words) > 4 else None
        if match:
            yield int(match.group(1)), _ESCAPE.sub(lambda code: chr(int(code.group(1), 8)), words[4])


def _mounts(process: str, root: str) -> list[Found]:
    try:
        with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
            return [(inode, f"{root}{path}") for inode, path in parse_mounts(lines)]
    except OSError:
        return []


def _other_mounts(pid: int, views: set[str]) -> list[Found]:
    """The mounts of a process in a mount namespace that is not yet among the `views`."""
    try:
        view = os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return []
    if view in views:
        return []
    views.add(view)
    return _mounts(str(pid), f"/proc/{pid}/root")


def _threads(pid: int) -> Iterator[Found]:
    threads = _numbers(f"/proc/{pid}/task")
    for thread in threads if len(threads) > 1 else ():
        path = f"/proc/{pid}/task/{thread}/ns/net"
        with suppress(OSError):
            yield os.stat(path).st_ino, path


def _files(pid: int, nsfs: int) -> Iterator[Found]:
    """Open files on nsfs; one that was opened by another name has that name in its link's text, or nothing useful."""
    for descriptor in _numbers(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{descriptor}"
        with suppress(OSError):
            if os.readlink(path).startswith(_OTHER_FILES):
                continue
            status = os.stat(path)
            if status.st_dev == nsfs and _is_network(path):
                yield status.st_ino, path


def _numbers(folder: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(folder))
    except (OSError, ValueError):
        return []


def _is_network(path: str) -> bool:
    """Whether a file on nsfs is a network namespace and not one of another kind. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return fcntl.ioctl(descriptor, _NS_GET_NSTYPE) == _CLONE_NEWNET
    finally:
        os.close(descriptor)


def has_unknown_numbers(places: Mapping[str, NetnsRef]) -> bool:
    """Whether the calling thread's namespace has a number for a namespace that is none of `places`. Raises nothing."""
    try:
        with Netlink() as netlink:
            dump = netlink.dump(RTM_GETNSID, bytes(4))
            told = {parse_nsid(message) for message in dump.messages if message[0] == RTM_NEWNSID} - {None}
            if not told:
                return False
            known = Numbers(netlink, places)
            return any(known.find(number, iter(places)) is None for number in told if number is not None)
    except (NetlinkError, OSError):
        return False
