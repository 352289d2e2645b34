"""The only writer: makes one change in one namespace, as asked, and says what the kernel said.

One thread of its own enters the namespaces (setns) and keeps a netlink socket to the one it is in, so a run of
changes in one namespace pays for entering once. Rules are loaded by the backend's own program, started from that
thread and so inside the namespace, one transaction each. The listeners of a lab are one child process.

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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from engine.build import namespaces
from engine.build.hands.programs import Listeners, run_program, start_listeners
from engine.build.rtnetlink import address_words, route_words
from engine.model.address import IPAddress
from engine.model.link import Address
from engine.model.route import Route
from engine.model.words import sysctl_path

T = TypeVar("T")
Path_ = str | None

IFF_UP = 1
#: Netlink sockets that are kept open at a time: the host's is used between all others.
KEPT_SOCKETS = 16


class Hands:
    """Changes the kernel from one thread. A context manager; usable from any thread, one change at a time."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hands")
        self._home = self._root = -1
        self._at: tuple[Path_] | None = None
        self._sockets: dict[Path_, IPRoute] = {}

    def __enter__(self) -> Hands:
        self._home = self._thread.submit(os.open, "/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC).result()
        try:
            self._root = os.open("/proc/1/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._root = os.dup(self._home)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.submit(self._close).result()
        self._thread.shutdown()
        os.close(self._home)
        os.close(self._root)

    # Namespaces

    def create_netns(self, name: str, mark: str) -> None:
        """A new named namespace with its loopback up and marked."""

        def body() -> None:
            self._leave()
            try:
                namespaces.unshare(namespaces.CLONE_NEWNET)
                fresh = self._socket(str(namespaces.NETNS_DIR / name), new=True)
                fresh.link("set", index=1, state="up", IFLA_IFALIAS=mark)
                namespaces.pin("/proc/thread-self/ns/net", namespaces.NETNS_DIR / name)
            finally:
                namespaces.setns(self._home)

        self._submit(body)

    def has_netns(self, name: str) -> bool:
        """Whether something has that name among the named namespaces."""
        return (namespaces.NETNS_DIR / name).exists()

    def remove_netns(self, name: str, mark: str) -> bool:
        """Removes a named namespace that carries `mark`; False where one of that name carries another or none."""

        def body() -> bool:
            self._leave()
            path = namespaces.NETNS_DIR / name
            if not path.exists():
                return True
            if namespaces.is_netns(path):
                if self._link(str(path), "lo").get("ifalias") != mark:
                    return False
                self._leave()
                self._forget(str(path))
                namespaces.unmount(str(path))
            elif path.stat().st_size:
                return False
            path.unlink()
            return True

        return self._submit(body)

    # Links

    def create_bridge(self, path: Path_, name: str, mark: str, mtu: int | None = None) -> None:
        """A new bridge, marked and up."""
        self._in(path, lambda ip: ip.link("add", ifname=name, kind="bridge"))
        self._dress(path, name, mark, up=True, mtu=mtu)

    def create_veth(
        self,
        ends: tuple[tuple[Path_, str], tuple[Path_, str]],
        marks: tuple[str | None, str | None],
        master: str | None,
        mtu: int | None = None,
    ) -> None:
        """A new veth pair, both ends (namespace, name) up, the first one a port of `master`.

        An end whose mark is None carries none: its namespace does.
        """
        (path, name), (peer_path, peer_name) = ends
        size = {} if mtu is None else {"mtu": mtu}

        def body(ip: IPRoute) -> None:
            port = {"master": _index(master)} if master else {}
            fd = os.open(peer_path, os.O_RDONLY | os.O_CLOEXEC) if peer_path else os.dup(self._root)
            try:
                peer = {"ifname": peer_name, "net_ns_fd": fd, **size}
                ip.link("add", ifname=name, kind="veth", state="up", peer=peer, **port, **size)
            finally:
                os.close(fd)

        self._in(path, body)
        if marks[0] is not None:
            self._dress(path, name, marks[0], up=None)
        self._dress(peer_path, peer_name, marks[1], up=True)

    def remove_link(self, path: Path_, name: str, mark: str) -> bool:
        """Removes a link that carries `mark`, or none in a namespace that carries it; False for any other."""

        def body(ip: IPRoute) -> bool:
            try:
                index = socket.if_nametoindex(name)
            except OSError:
                return True
            alias = ip.link("get", index=index)[0].get("ifalias")
            if (alias or ip.link("get", index=1)[0].get("ifalias")) != mark:
                return False
            ip.link("del", index=index)
            return True

        if path is not None and not Path(path).exists():
            return True
        return self._in(path, body)

    def set_link(self, path: Path_, name: str, up: bool | None, master: str | None) -> None:
        """Sets a link up or down, or its bridge; "" takes it out of its bridge, None leaves a property as it is."""
        self._dress(path, name, None, up=up, master=master)

    def link_state(self, path: Path_, name: str) -> tuple[bool, str]:
        """Whether a link is up, and the name of its bridge ("" for none)."""

        def body(ip: IPRoute) -> tuple[bool, str]:
            link = ip.link("get", index=_index(name))[0]
            master = link.get("master")
            return bool(link["flags"] & IFF_UP), ip.link("get", index=master)[0].get("ifname") if master else ""

        return self._in(path, body)

    # Addresses, routes, neighbours

    def add_address(self, path: Path_, link: str, address: Address) -> None:
        """Gives a link an address."""
        self._in(path, lambda ip: ip.addr("add", index=_index(link), **address_words(address)))

    def route(self, path: Path_, verb: str, route: Route) -> None:
        """Adds ("add") or deletes ("del") a route; its next hops name links by index."""
        self._in(path, lambda ip: ip.route(verb, **route_words(route, verb)))

    def delete_neighbour(self, path: Path_, link: str, address: IPAddress) -> None:
        """Forgets a neighbour entry."""
        self._in(path, lambda ip: ip.neigh("del", ifindex=_index(link), dst=str(address)))

    # Sysctls and programs

    def read_sysctl(self, path: Path_, name: str) -> int:
        """The value of a sysctl as it is in a namespace."""
        return self._in(path, lambda _: int((Path("/proc/sys") / sysctl_path(name)).read_text()))

    def write_sysctl(self, path: Path_, name: str, value: int) -> None:
        """Writes a sysctl in a namespace."""
        self._in(path, lambda _: (Path("/proc/sys") / sysctl_path(name)).write_text(str(value)))

    def run(self, path: Path_, argv: Sequence[str], text: str = "") -> str:
        """Runs a program in a namespace with `text` as its input; gives its output. Raises BuildError in its words."""

        return self._in(path, lambda _: run_program(argv, text))

    def serve(self, words: Sequence[str], module: str = "engine.build.server") -> Listeners:
        """Starts the listeners of a lab (the module has the words) and waits until all are open."""
        return start_listeners(words, module)

    # The thread

    def _submit(self, body: Callable[[], T]) -> T:
        def translated() -> T:
            try:
                return body()
            except NetlinkError as error:
                raise OSError(error.code, os.strerror(error.code)) from None

        return self._thread.submit(translated).result()

    def _in(self, path: Path_, body: Callable[[IPRoute], T]) -> T:
        return self._submit(lambda: body(self._enter(path)))

    def _enter(self, path: Path_) -> IPRoute:
        """In the thread: goes to a namespace, and gives a netlink socket of it."""
        if self._at != (path,):
            if path is None:
                namespaces.setns(self._root)
            else:
                namespaces.enter(path)
            self._at = (path,)
        return self._socket(path)

    def _socket(self, path: Path_, *, new: bool = False) -> IPRoute:
        """In the thread, inside the namespace: a socket of it, which belongs to where it was opened. It is kept."""
        if new:
            self._forget(path)
        if path not in self._sockets:
            while len(self._sockets) >= KEPT_SOCKETS:
                self._forget(next(each for each in self._sockets if self._at != (each,)))
            self._sockets[path] = IPRoute()
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

    def _link(self, path: Path_, name: str) -> Any:
        ip = self._enter(path)
        return ip.link("get", index=_index(name))[0]

    def _dress(  # noqa: PLR0913 - properties of one message
        self,
        path: Path_,
        name: str,
        mark: str | None,
        *,
        up: bool | None,
        master: str | None = None,
        mtu: int | None = None,
    ) -> None:
        def body(ip: IPRoute) -> None:
            words: dict[str, Any] = {} if mark is None else {"IFLA_IFALIAS": mark}
            if mtu is not None:
                words["mtu"] = mtu
            if master is not None:
                words["master"] = _index(master) if master else 0
            if up is not None:
                words["state"] = "up" if up else "down"
            ip.link("set", index=_index(name), **words)

        self._in(path, body)


def _index(name: str) -> int:
    """In the thread: a link's index in the namespace that it is in."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        raise OSError(errno.ENODEV, f"there is no link {name}") from None
