"""Clients and servers of a worker: real sockets in other namespaces, all watched by one loop.

A socket stays in the namespace that it was made in, so the loop needs no threads: `listen` and `ask` enter a namespace,
open a socket, and come back. An attempt ends as soon as something is heard; silence is waited for as long as the caller
says. Every connection is ended by a reset, but only by `settle`: its rules are
none of the conversation's.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeGuard

from engine.model.address import Family
from engine.model.traffic import Listener
from tests.harness.netns import NETNS_FOLDER
from tests.harness.probe import (
    REQUEST,
    Result,
    answered,
    client_socket,
    echo_request,
    echo_socket,
    echoes,
    enter,
    failed,
)
from tests.harness.servers import STREAMS, Servers, line
from tests.scenarios.scenario import Question

#: SO_LINGER with no time to linger: close() sends a reset.
AT_ONCE = struct.pack("ii", 1, 0)


@contextmanager
def inside(netns: str) -> Iterator[None]:
    """Runs a block in a namespace of /run/netns. Processes that it starts begin there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(str(NETNS_FOLDER / netns))
        yield
    finally:
        enter(f"/proc/self/fd/{home}")
        os.close(home)


class Sockets:
    """The one loop, and all that is open in it."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.accepted: list[socket.socket] = []
        self.servers: list[_Listeners] = []

    def listen(self, netns: str, specs: tuple[str, ...]) -> None:
        """Opens listeners (specifications of tests.harness.servers) in a namespace."""
        servers = _Listeners(netns, self)
        self.servers.append(servers)
        with inside(netns):
            for spec in specs:
                servers.add(spec)

    def listen_instead(self, netns: str, wanted: Listener, old: Listener | None) -> None:
        """Opens what the owner of a program has it listen on, where `old` ends first."""
        for key in list(self.selector.get_map().values()):
            if old is not None and _is(key.fileobj, old):
                self.selector.unregister(key.fileobj)
                key.fileobj.close()
        anywhere = "0.0.0.0" if wanted.family is Family.INET else "::"
        # Beside a program that has the port for IPv4 alone another one can only have it for IPv6.
        only = "/answer/v6only" if wanted.v6only or (wanted.family is Family.INET6 and old is None) else ""
        self.listen(netns, (f"{wanted.protocol}/{wanted.address or anywhere}/{wanted.port}{only}",))

    def ask(self, question: Question, target: tuple[str, int], patience: float) -> Result:
        """One attempt, as tests.harness.probe makes it. Each silence lasts `patience` seconds."""
        (address, port), protocol = target, question.protocol
        with inside(question.source):
            client = _client(":" in address, protocol, question.port)
            try:
                if protocol == "icmp":
                    return self._echo(client, (address, port), patience)
                return self._attempt(client, (address, port), protocol, patience)
            except OSError as error:
                return failed(error)
            finally:
                with suppress(KeyError):
                    self.selector.unregister(client)
                self.accepted.append(client)

    def _attempt(self, client: socket.socket, target: tuple[str, int], protocol: str, patience: float) -> Result:
        with suppress(BlockingIOError):
            client.connect(socket.getaddrinfo(*target)[0][4])
        if protocol in STREAMS:
            if not self._wait(client, selectors.EVENT_WRITE, patience):
                return Result("timeout")
            error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, "")
        client.send(REQUEST)
        if not self._wait(client, selectors.EVENT_READ, patience):
            return Result("accepted-then-silent" if protocol in STREAMS else "timeout")
        try:
            data = client.recv(4096)
        except (ConnectionResetError, BrokenPipeError):
            return Result("accepted-then-closed")
        return answered(data) if data else Result("accepted-then-closed")

    def _echo(self, client: socket.socket, target: tuple[str, int], patience: float) -> Result:
        """A raw socket hears whatever comes; only the echo of its own mark counts."""
        six, mark = ":" in target[0], os.urandom(8)
        client.connect(socket.getaddrinfo(*target)[0][4])
        client.send(echo_request(six, mark))
        until = time.monotonic() + patience
        while (left := until - time.monotonic()) > 0 and self._wait(client, selectors.EVENT_READ, left):
            if echoes(client.recv(4096), six, mark):
                return Result("connected", "echo")
        return Result("timeout")

    def _wait(self, client: socket.socket, event: int, patience: float) -> bool:
        """Runs the loop until something happens to the client; False when `patience` seconds bring nothing."""
        try:
            self.selector.modify(client, event, None)
        except KeyError:
            self.selector.register(client, event, None)
        until = time.monotonic() + patience
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                if key.fileobj is client:
                    return True
                self._serve(key)
        return False

    @staticmethod
    def _serve(key: selectors.SelectorKey) -> None:
        with suppress(OSError):  # a client that is gone
            key.data()

    def settle(self) -> None:
        """Serves what still waits, then hangs up on everybody."""
        while waiting := self.selector.select(0):
            for key, _ in waiting:
                self._serve(key)
        for each in self.accepted:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            each.close()
        self.accepted.clear()

    def close(self) -> None:
        """Closes everything."""
        self.settle()
        for key in list(self.selector.get_map().values()):
            self.selector.unregister(key.fileobj)
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        for servers in self.servers:
            for each in servers.unread:
                each.close()
        self.servers.clear()


def _client(six: bool, protocol: str, own: int) -> socket.socket:
    """A socket of the namespace that the thread is in, which may have a port of its own."""
    if protocol == "icmp":
        client = echo_socket(six)
    else:
        kind = socket.SOCK_STREAM if protocol in STREAMS else socket.SOCK_DGRAM
        client = client_socket(six, kind, own, STREAMS.get(protocol, 0))
    client.setblocking(False)
    return client


def _is(fileobj: object, listener: Listener) -> TypeGuard[socket.socket]:
    """Whether a socket is that listener: no other has its inode."""
    return isinstance(fileobj, socket.socket) and os.fstat(fileobj.fileno()).st_ino == listener.inode


class _Listeners(Servers):
    """The servers of one namespace. A connection stays open after the answer, until `Sockets.settle`."""

    def __init__(self, name: str, loop: Sockets) -> None:
        super().__init__(name)
        self.selector.close()
        self.selector = loop.selector
        self.loop = loop

    def answer(self, client: socket.socket) -> None:
        self.selector.unregister(client)
        self.loop.accepted.append(client)
        if client.recv(4096):
            client.sendall(line(self.name, client.getpeername()[:2], client.getsockname()[:2]))

    def swallow(self, client: socket.socket) -> None:
        self.selector.unregister(client)
        self.loop.accepted.append(client)
