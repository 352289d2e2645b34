"""Entering, making and pinning namespaces: thin names for the system calls.

A thread that enters a network namespace stays there until it enters another, so nothing here is called from a
thread that others use: `run_in` makes one for a single call, `engine.apply.hands` has one of its own.
Python has `os.setns` and `os.unshare` from 3.12 on; 3.11 calls libc.
Sources: setns(2), unshare(2), mount(2), network_namespaces(7).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.apply.errors import BuildError
from engine.model.file_name import is_file_name

T = TypeVar("T")

NETNS_DIR = Path("/run/netns")

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_SLAVE, MS_SHARED = 4096, 16384, 1 << 18, 1 << 19, 1 << 20
MS_NOSUID, MS_NODEV = 2, 4
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _call(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def setns(fd: int, kind: int = CLONE_NEWNET) -> None:
    """Moves the calling thread into the namespace of `fd`. Raises OSError (EINVAL: not a namespace of that kind)."""
    _call(_libc.setns(fd, kind), "setns")


def unshare(flags: int) -> None:
    """Gives the calling thread new namespaces of its own. Raises OSError."""
    _call(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2). Raises OSError with the target as its file name."""
    words = [text.encode() for text in (source, target, kind)]
    _call(_libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None), target)


def unmount(target: str) -> None:
    """Detaches a mount at once, whoever still uses it. Raises OSError (EINVAL: not a mount point)."""
    _call(_libc.umount2(target.encode(), MNT_DETACH), target)


def enter(path: str | Path) -> None:
    """Moves the calling thread into the network namespace that a file stands for. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(fd)
    finally:
        os.close(fd)


def pin(source: str, target: Path) -> None:
    """Gives the namespace at `source` a name under /run/netns. A name that is taken raises FileExistsError."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    share(target.parent)
    os.close(os.open(target, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    try:
        mount(source, str(target), "none", MS_BIND)
    except OSError:
        target.unlink()
        raise


def share(folder: Path) -> None:
    """Makes a folder a mount point whose mounts are the same for all mount namespaces, as `ip netns add` does with
    /run/netns (iproute2, ip/ipnetns.c, netns_add). Were it done behind the first name, that would be hidden below, and
    could not be removed any more. Raises OSError."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # programs that make it one at a time would stack their mounts
        try:
            mount("none", str(folder), "none", MS_SHARED | MS_REC)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            mount(str(folder), str(folder), "none", MS_BIND | MS_REC)
            mount("none", str(folder), "none", MS_SHARED | MS_REC)
    finally:
        os.close(lock)


def netns_file(name: str) -> Path:
    """The file of a named namespace. Raises BuildError for a name that as a path would lead elsewhere."""
    if not is_file_name(name):
        raise BuildError(f"{name!r} is no name for a namespace")
    return NETNS_DIR / name


def is_netns(path: Path) -> bool:
    """Whether a namespace is mounted on a file (nsfs has a device number of its own)."""
    return path.stat().st_dev == os.stat("/proc/self/ns/net").st_dev


def run_in(path: str | Path, function: Callable[[], T]) -> T:
    """Calls `function` in a new thread inside the network namespace at `path`, and gives back what it gives.

    An exception of the function is raised here. Raises OSError when the namespace cannot be entered.
    """
    return _in_a_thread(lambda: enter(path), function)


def run_apart(function: Callable[[], T]) -> T:
    """Calls `function` in a new thread inside a new network namespace without a name, which ends with it."""
    return _in_a_thread(lambda: unshare(CLONE_NEWNET), function)


def _in_a_thread(move: Callable[[], None], function: Callable[[], T]) -> T:
    results: list[T] = []
    failures: list[BaseException] = []

    def body() -> None:
        try:
            move()
            results.append(function())
        except BaseException as error:  # whatever it is, it belongs to the caller
            failures.append(error)

    thread = threading.Thread(target=body, name="in a namespace", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]
