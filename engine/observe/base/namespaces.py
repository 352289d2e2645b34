"""Which network namespaces there are, what each is called, and how a thread gets into one.

1. A namespace is known by the inode of its file on nsfs. It is found as the calling thread's own (the
   host), under /run/netns, as a process's, and as the file that a container engine keeps for it.
2. A name is made for people: the one under /run/netns, else "host" for the host, else that of the
   container, else "pid-N". Names are unique; whoever comes later in that order gets a suffix. A name that an
   engine made for a machine ("netns-UUID", "cni-UUID") counts only where there is no container's.
3. A namespace is entered in a thread that does nothing else and ends afterwards (`apart`, `side_by_side`),
   so that the rest of the program stays where it is. Of threads side by side one runs at a time, and the others wait
   for programs that they started: two that run fight for Python's lock at each call of the kernel, which costs more
   than both do (`waiting`).
4. A file is only trusted after it is open: a pid may have got another owner meanwhile.

Sources: network_namespaces(7), setns(2), ip-netns(8).
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import TypeVar

from engine.model.host import Gap
from engine.observe.base.errors import ObserveError, gap
from engine.records import dataclass

NAMED = "/run/netns"
_CLONE_NEWNET = 0x40000000
_OWN = "/proc/thread-self/ns/net"
#: Names under /run/netns that netavark and CNI give.
_MADE = re.compile(r"(netns|cni)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class NetnsRef:
    """A namespace that was found. `names` are its files' names under /run/netns.

    `ways` are files that enter it, the steadiest first; the host's may include the calling thread's own.
    """

    inode: int
    names: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    ways: tuple[str, ...] = ()


def host_inode() -> int:
    """The inode of the calling thread's network namespace. Raises OSError where /proc does not show it."""
    return os.stat(_OWN).st_ino


def root_inode() -> int | None:
    """The inode of PID 1's network namespace, None where it may not be seen."""
    try:
        return os.stat("/proc/1/ns/net").st_ino
    except OSError:
        return None


def discover(
    pids_by_netns: Mapping[int, tuple[int, ...]], sandboxes: Iterable[tuple[int, str]]
) -> tuple[dict[int, NetnsRef], tuple[Gap, ...]]:
    """All namespaces by inode, the host's first. `sandboxes` are (inode, file) as the container engines tell them.

    Raises OSError when not even the calling thread's own namespace can be seen.
    """
    host = host_inode()
    files, gaps = _named_files(os.stat(_OWN).st_dev)
    kept: dict[int, list[str]] = {}
    for inode, path in sandboxes:
        kept.setdefault(inode, []).append(path)
    found: dict[int, NetnsRef] = {}
    for inode in dict.fromkeys((host, *files, *sorted(kept), *sorted(pids_by_netns))):
        names = files.get(inode, ())
        pids = tuple(pid for pid in pids_by_netns.get(inode, ()) if pid != os.getpid())
        ways = [f"{NAMED}/{name}" for name in names] + kept.get(inode, []) + [f"/proc/{pid}/ns/net" for pid in pids]
        if inode == host:
            ways.append(f"/proc/self/task/{threading.get_native_id()}/ns/net")
        found[inode] = NetnsRef(inode, names, pids, tuple(dict.fromkeys(ways)))
    return found, gaps


def _named_files(nsfs: int) -> tuple[dict[int, tuple[str, ...]], tuple[Gap, ...]]:
    """The namespaces under /run/netns by inode, with their names in order; `nsfs` is the device of such files."""
    found: dict[int, tuple[str, ...]] = {}
    gaps: list[Gap] = []
    try:
        entries = sorted(os.listdir(NAMED))
    except FileNotFoundError:
        return {}, ()
    except OSError as error:
        return {}, (gap(NAMED, "", error),)
    for name in entries:
        path = f"{NAMED}/{name}"
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            gaps.append(gap(path, "", error))
            continue
        if status.st_dev == nsfs:
            found[status.st_ino] = (*found.get(status.st_ino, ()), name)
        else:
            gaps.append(Gap(path, "", "is a left-over file with no namespace behind it; `ip netns delete` removes it"))
    return found, tuple(gaps)


def name_all(places: Mapping[int, NetnsRef], host: int, containers: Mapping[int, str]) -> dict[int, str]:
    """A unique id for each namespace; `containers` has the name of the container that owns it, by inode."""
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for inode, wish in _wishes(places, host, containers):
        if inode in ids:
            continue
        name, count = wish, 1
        while name in taken:
            count += 1
            name = f"{wish}-{count}"
        taken.add(name)
        ids[inode] = name
    return ids


def _wishes(places: Mapping[int, NetnsRef], host: int, containers: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """Inodes with the name that each would like, in the order in which names are given."""
    for inode, place in places.items():
        given = [name for name in place.names if inode not in containers or not _MADE.match(name)]
        if given:
            yield inode, given[0]
    yield host, "host"
    owned = [(inode, name) for inode, name in containers.items() if inode in places]
    yield from sorted(owned, key=lambda item: item[1])
    for inode, place in places.items():
        yield inode, f"pid-{place.pids[0]}" if place.pids else _filed(place) or f"netns-{inode}"


def _filed(place: NetnsRef) -> str:
    """The name of the file that an engine keeps a namespace by: `ingress_sbox`, `1-1vqgozhmjb` of an overlay."""
    files = (way.rpartition("/") for way in place.ways)
    return next((name for folder, _, name in files if folder.endswith("/netns")), "")


def way_in(place: NetnsRef, host: int, root: int | None) -> str | None:
    """The file for `nsenter --net=`, None for the namespace that every root shell is in.

    That is PID 1's. Where PID 1 may not be looked at, an unnamed host counts as its namespace.
    """
    if place.inode == root or (root is None and place.inode == host and not place.names):
        return None
    return place.ways[0] if place.ways else None


def open_place(place: NetnsRef) -> int:
    """A descriptor of the namespace's file, to be closed by the caller.

    Raises FileNotFoundError when no file leads to the namespace any more, another OSError when one may not be opened.
    """
    failure: OSError = FileNotFoundError(2, "no file leads into this namespace any more")
    for path in place.ways:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            failure = error
            continue
        if os.fstat(descriptor).st_ino == place.inode:
            return descriptor
        os.close(descriptor)
    raise failure


def enter(place: NetnsRef) -> None:
    """Moves the calling thread into the namespace. Raises OSError. Only for a thread that `apart` made.

    A thread that is there already stays, which needs no privilege.
    """
    if host_inode() == place.inode:
        return
    descriptor = open_place(place)
    try:
        _setns(descriptor)
    finally:
        os.close(descriptor)


def _setns(descriptor: int) -> None:
    """setns(2) for the calling thread; Python has it from 3.12 on."""
    setns = getattr(os, "setns", None)
    if setns is not None:
        setns(descriptor, _CLONE_NEWNET)
        return
    import ctypes  # noqa: PLC0415 - only Python 3.11 needs it, and it takes milliseconds to load

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def apart(work: Callable[[], Result]) -> Result:
    """Runs `work` in a thread of its own, which may enter namespaces, and gives back or raises what it does.

    Raises ObserveError when the system has no room for another thread.
    """
    (result,) = side_by_side(lambda _: work(), (None,))
    return result


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The results of `work` on each item, in their order, from a few threads that may enter namespaces.

    While one is `waiting`, another one goes on. The first exception of any is raised here; ObserveError when the
    system has no room for another thread.
    """
    results: dict[int, Result] = {}
    failures: list[BaseException] = []
    left = enumerate(items)
    turn = threading.Lock()

    def run() -> None:
        _own.turn = turn
        with turn:
            try:
                for place, item in left:
                    results[place] = work(item)
            except BaseException as error:  # raised again in the caller's thread
                failures.append(error)

    most = min(len(items), _workers()) if isinstance(items, Sized) else _workers()
    started: list[threading.Thread] = []
    try:
        for _ in range(most):
            thread = threading.Thread(target=run, name="portscope-look")
            thread.start()
            started.append(thread)
    except RuntimeError as error:
        if not started:
            raise ObserveError(f"cannot look at namespaces: {error}; end some processes or raise the limit") from error
    for thread in started:
        thread.join()
    if failures:
        raise failures[0]
    return [results[place] for place in range(len(results))]


_own = threading.local()


@contextmanager
def waiting() -> Iterator[None]:
    """For a thread of `side_by_side` that waits for another program: one beside it may run inside."""
    turn: threading.Lock | None = getattr(_own, "turn", None)
    if turn is None:
        yield
        return
    turn.release()
    try:
        yield
    finally:
        turn.acquire()


def _workers() -> int:
    """As many threads as there are processors, but few: each that waits has a program running."""
    return min(4, os.cpu_count() or 1)
