"""The only writer: makes one change in one namespace, as asked, and says what the kernel said.

One thread of its own enters the namespaces (setns) and keeps netlink sockets of the last ones, so a run of changes in
one namespace pays for entering once; `together` makes several changes at the price of one way to the thread. Rules
are loaded by the backend's own program, started from that thread and so inside the namespace, one transaction each.
The listeners of a lab are one child process.

What a namespace or link belongs to is written on it: a network namespace carries its mark as the alias of its
loopback, set before the namespace gets its name; every other link carries it as its own alias.

Every method raises OSError when the kernel refuses, and BuildError when a program does. A `path` is the file that
enters a namespace; None is the one that every root shell is in, as in `Netns.path`: PID 1's, or where that one may
not be entered, the namespace that the hands were made in.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from engine.apply import beneath, namespaces, netns_files, rtnetlink
from engine.apply.hands.programs import Listeners, run_batch, run_program, start_listeners
from engine.apply.hands.wire import Wire
from engine.change.words import sysctl_path
from engine.model.address import IPAddress
from engine.model.link import Address
from engine.model.route import Route
from engine.read_only import may

T = TypeVar("T")
Path_ = str | None

LOOPBACK = 1
#: Netlink sockets that are kept open at a time: the host's is used between all others.
KEPT_SOCKETS = 16
#: Settings of the namespace that the thread is in.
SYSCTLS = "/proc/sys"


class Hands:
    """Changes the kernel from one thread. A context manager; usable from any thread, one change at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hands")
        self._home = self._root = -1
        self._at: tuple[Path_] | None = None
        self._sockets: dict[Path_, Wire] = {}
        self._ident = 0

    def __enter__(self) -> Hands:
        may("change a network")
        self._ident = self._thread.submit(threading.get_ident).result()
        self._home = self._submit(lambda: os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        try:
            self._root = os.open("/proc/1/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._root = os.dup(self._home)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._submit(self._close)
        self._thread.shutdown()
        os.close(self._home)
        os.close(self._root)

    def together(self, body: Callable[[], T]) -> T:
        """Runs a body in the thread; what it asks of these hands is done there and then."""
        return self._submit(body)

    # Namespaces

    def create_netns(self, name: str, mark: str) -> None:
        """A new named namespace with its loopback up and marked."""

        def body() -> None:
            self._leave()
            try:
                namespaces.unshare(namespaces.CLONE_NEWNET)
                fresh = self._socket(str(namespaces.netns_file(name)), new=True)
                fresh.do(rtnetlink.set_link(LOOPBACK, up=True, mark=mark))
                namespaces.pin("/proc/thread-self/ns/net", namespaces.netns_file(name))
            finally:
                namespaces.setns(self._home)

        self._submit(body)

    def has_netns(self, name: str) -> bool:
        """Whether something has that name among the named namespaces."""
        return namespaces.netns_file(name).exists()

    def remove_netns(self, name: str, mark: str) -> bool:
        """Removes a named namespace that carries `mark`, with its files; False where one of that name carries another
        or none."""

        def body() -> bool:
            self._leave()
            path = namespaces.netns_file(name)
            if not path.exists():
                netns_files.remove(name, mark)
                return True
            if namespaces.is_netns(path):
                if self._enter(str(path)).link(LOOPBACK).alias != mark:
                    return False
                self._leave()
                self._forget(str(path))
                namespaces.unmount(str(path))
            elif path.stat().st_size:
                return False
            path.unlink()
            netns_files.remove(name, mark)
            return True

        return self._submit(body)

    def write_netns_file(self, netns: str, name: str, text: str | None, mark: str) -> bool:
        """Writes, or removes, a file that a named namespace has of its own; False where the folder of such files is
        somebody else's."""
        return netns_files.write(netns, name, text, mark)

    # Links

    def create_bridge(self, path: Path_, name: str, mark: str, mtu: int | None = None, *, up: bool = True) -> None:
        """A new bridge, marked, and up by default."""

        def body(wire: Wire) -> None:
            wire.do(rtnetlink.new_bridge(name))
            wire.do(rtnetlink.set_link(_index(name), up=up or None, mark=mark, mtu=mtu))

        self._in(path, body)

    def create_veth(
        self,
        ends: tuple[tuple[Path_, str], tuple[Path_, str]],
        marks: tuple[str | None, str | None],
        master: str | None,
        mtu: int | None = None,
        *,
        up: bool = True,
    ) -> None:
        """A new veth pair with two ends (namespace, name), the first one up and a port of `master`, the second one up
        unless told otherwise.

        An end whose mark is None carries none: its namespace does.
        """
        (path, name), (peer_path, peer_name) = ends

        def near(wire: Wire) -> None:
            fd = os.open(peer_path, os.O_RDONLY | os.O_CLOEXEC) if peer_path else os.dup(self._root)
            try:
                wire.do(rtnetlink.new_veth(name, peer_name, fd, _index(master) if master else None, mtu))
            finally:
                os.close(fd)
            if marks[0] is not None:
                wire.do(rtnetlink.set_link(_index(name), mark=marks[0]))

        self._in(path, near)
        if up or marks[1] is not None:
            dressed = lambda wire: wire.do(rtnetlink.set_link(_index(peer_name), up=up or None, mark=marks[1]))  # noqa: E731
            self._in(peer_path, dressed)

    def remove_link(self, path: Path_, name: str, mark: str) -> bool:
        """Removes a link that carries `mark`, or none in a namespace that carries it; False for any other."""

        def body(wire: Wire) -> bool:
            try:
                index = socket.if_nametoindex(name)
            except OSError:
                return True
            if (wire.link(index).alias or wire.link(LOOPBACK).alias) != mark:
                return False
            wire.do(rtnetlink.delete_link(index))
            return True

        if path is not None and not Path(path).exists():
            return True
        return self._in(path, body)

    def set_link(self, path: Path_, name: str, up: bool | None, master: str | None) -> None:
        """Sets a link up or down, or its bridge; "" takes it out of its bridge, None leaves a property as it is."""

        def body(wire: Wire) -> None:
            bridge = None if master is None else _index(master) if master else 0
            wire.do(rtnetlink.set_link(_index(name), up=up, master=bridge))

        self._in(path, body)

    def link_state(self, path: Path_, name: str) -> tuple[bool, str]:
        """Whether a link is up, and the name of its bridge ("" for none)."""

        def body(wire: Wire) -> tuple[bool, str]:
            link = wire.link(_index(name))
            return link.up, wire.link(link.master).name if link.master else ""

        return self._in(path, body)

    # Addresses, routes, neighbours

    def add_address(self, path: Path_, link: str, address: Address) -> None:
        """Gives a link an address."""
        self._in(path, lambda wire: wire.do(rtnetlink.new_address(_index(link), address)))

    def route(self, path: Path_, verb: str, route: Route) -> None:
        """Adds ("add") or deletes ("del") a route; its next hops name links by index."""
        self._in(path, lambda wire: wire.do(rtnetlink.route_request(verb, route)))

    def delete_neighbour(self, path: Path_, link: str, address: IPAddress) -> None:
        """Forgets a neighbour entry."""
        self._in(path, lambda wire: wire.do(rtnetlink.delete_neighbour(_index(link), address)))

    # Sysctls and programs

    def read_sysctl(self, path: Path_, name: str) -> int:
        """The value of a sysctl as it is in a namespace."""
        return self._in(path, lambda _: int(beneath.read(SYSCTLS, sysctl_path(name))))

    def write_sysctl(self, path: Path_, name: str, value: int) -> None:
        """Writes a sysctl in a namespace."""
        self._in(path, lambda _: beneath.write(SYSCTLS, sysctl_path(name), str(value)))

    def write_sysctls(self, path: Path_, values: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Writes sysctls in a namespace, by their paths below /proc/sys/net; gives those that the kernel does not take,
        each with the reason. One that it does not have is off."""
        off = {name for name, value in values if value == "0"}
        refused = self._in(path, lambda _: beneath.write_many(f"{SYSCTLS}/net", values))
        return [
            (name, error.strerror or str(error))
            for name, error in refused
            if not (name in off and error.errno == errno.ENOENT)
        ]

    def run_batch(self, path: Path_, loader: Sequence[str], lines: Sequence[str]) -> list[tuple[str, str]]:
        """Runs a batch of iproute2 in a namespace; gives the lines that were refused, each with the reason."""
        return self._in(path, lambda _: run_batch(loader, lines))

    def run(self, path: Path_, argv: Sequence[str], text: str = "") -> str:
        """Runs a program in a namespace with `text` as its input; gives its output. Raises BuildError in its words."""

        return self._in(path, lambda _: run_program(argv, text))

    def serve(self, words: Sequence[str], module: str = "engine.apply.server") -> Listeners:
        """Starts the listeners of a lab; the module has the words. They are not open yet."""
        return start_listeners(words, module)

    # The thread

    def _submit(self, body: Callable[[], T]) -> T:
        return body() if threading.get_ident() == self._ident else self._thread.submit(body).result()

    def _in(self, path: Path_, body: Callable[[Wire], T]) -> T:
        return self._submit(lambda: body(self._enter(path)))

    def _enter(self, path: Path_) -> Wire:
        """In the thread: goes to a namespace, and gives a netlink socket of it."""
        if self._at != (path,):
            if path is None:
                namespaces.setns(self._root)
            else:
                namespaces.enter(path)
            self._at = (path,)
        return self._socket(path)

    def _socket(self, path: Path_, *, new: bool = False) -> Wire:
        """In the thread, inside the namespace: a socket of it, which belongs to where it was opened. It is kept."""
        if new:
            self._forget(path)
        if path not in self._sockets:
            while len(self._sockets) >= KEPT_SOCKETS:
                self._forget(next(each for each in self._sockets if self._at != (each,)))
            self._sockets[path] = Wire()
        self._sockets[path] = found = self._sockets.pop(path)
        return found

    def _forget(self, path: Path_) -> None:
        """In the thread: closes the socket of a namespace."""
        found = self._sockets.pop(path, None)
        if found is not None:
            found.close()

    def _leave(self) -> None:
        """In the thread: goes home, and lets go of the namespace."""
        self._at = None
        namespaces.setns(self._home)

    def _close(self) -> None:
        """In the thread: goes home, and closes every socket."""
        self._leave()
        for path in list(self._sockets):
            self._forget(path)


def _index(name: str) -> int:
    """In the thread: a link's index in the namespace that it is in."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        raise OSError(errno.ENODEV, f"there is no link {name}") from None
