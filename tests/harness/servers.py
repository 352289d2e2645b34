"""Servers in namespaces. A server answers the first thing that it hears with one line, then closes:

    NAME saw CLIENT_ADDRESS:PORT at OWN_ADDRESS:PORT

so that a test knows who answered, and what address translation made of the client.

    python servers.py NAME SPEC…     SPEC is tcp|udp|sctp/ADDRESS/PORT[/BEHAVIOUR[/OPTION…]]

BEHAVIOUR is `answer` (default), `keep` (answers and does not close), `silent` (accepts and says nothing), `close`
(accepts and closes), `deaf` (never accepts) or `full` (never accepts, and its queue is full of its own connections).
OPTION is `v6only` (an IPv6 socket takes no IPv4), `dev=LINK` (SO_BINDTODEVICE) or `transparent` (a proxy's socket, for
TPROXY). The script prints `ready` once all its sockets are bound; it needs the standard library only.
"""

from __future__ import annotations

import selectors
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

    from tests.harness.netns import Netns, World

#: IP_TRANSPARENT and IPV6_TRANSPARENT (linux/in.h, linux/in6.h).
TRANSPARENT = {socket.AF_INET: (socket.IPPROTO_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}
#: Protocols with connections, and their numbers for socket(2).
STREAMS = {"tcp": socket.IPPROTO_TCP, "sctp": 132}
BEHAVIOURS = ("answer", "keep", "silent", "close", "deaf", "full")


def serve(world: World, netns: Netns, name: str, *specs: str) -> subprocess.Popen[str]:
    """Starts a server in a namespace and returns once it listens. The world ends it."""
    return world.python(netns, Path(__file__), name, *specs, ready="ready")


def bind(protocol: str, address: str, port: int, options: tuple[str, ...] = ()) -> socket.socket:
    """A bound socket, listening for connections. An IPv6 wildcard takes IPv4 too, as most programs have it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol in STREAMS else socket.SOCK_DGRAM
    server = socket.socket(family, kind, STREAMS.get(protocol, 0))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "v6only" in options)
    if "transparent" in options:
        server.setsockopt(*TRANSPARENT[family], 1)
    for option in options:
        if option.startswith("dev="):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, option[4:].encode())
    server.bind((address, port))
    if protocol in STREAMS:
        server.listen(16)
    return server


def fill(server: socket.socket) -> list[socket.socket]:
    """Connections that wait in the server's queue until the kernel takes no more."""
    server.listen(0)
    waiting = []
    while True:
        client = socket.socket(server.family, socket.SOCK_STREAM)
        waiting.append(client)
        client.settimeout(0.2)
        try:
            client.connect(server.getsockname()[:2])
        except TimeoutError:
            return waiting


def line(name: str, client: tuple[str, int], own: tuple[str, int]) -> bytes:
    """The answer."""
    return f"{name} saw {client[0]}:{client[1]} at {own[0]}:{own[1]}\n".encode()


class Servers:
    """A loop over sockets and what to do when one of them has something to say."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.unread: list[socket.socket] = []
        self.selector = selectors.DefaultSelector()

    def add(self, spec: str) -> None:
        """Opens the socket of one SPEC."""
        protocol, address, port, *rest = spec.split("/")
        behaviour, *options = rest or ["answer"]
        if behaviour not in BEHAVIOURS:
            raise SystemExit(f"{spec}: behaviour is one of {', '.join(BEHAVIOURS)}")
        server = bind(protocol, address, int(port), tuple(options))
        if behaviour in ("deaf", "full"):
            self.unread.append(server)
            if behaviour == "full":
                self.unread += fill(server)
            return
        on_event = (lambda: self.accept(server, behaviour)) if protocol in STREAMS else (lambda: self.datagram(server))
        self.selector.register(server, selectors.EVENT_READ, on_event)

    def accept(self, server: socket.socket, behaviour: str) -> None:
        """A new TCP client."""
        client, _ = server.accept()
        if behaviour == "close":
            client.close()
            return
        speak = {"answer": self.answer, "keep": self.keep}.get(behaviour, self.swallow)
        self.selector.register(client, selectors.EVENT_READ, lambda: speak(client))

    def answer(self, client: socket.socket) -> None:
        """A TCP client said something: answer and close."""
        self.selector.unregister(client)
        with client:
            if client.recv(4096):
                client.sendall(line(self.name, client.getpeername()[:2], client.getsockname()[:2]))

    def keep(self, client: socket.socket) -> None:
        """A TCP client said something: answer, and wait for more."""
        if client.recv(4096):
            client.sendall(line(self.name, client.getpeername()[:2], client.getsockname()[:2]))
        else:
            self.selector.unregister(client)
            client.close()

    def swallow(self, client: socket.socket) -> None:
        """A TCP client said something to a silent server."""
        self.selector.unregister(client)
        if client.recv(4096):
            self.selector.register(client, selectors.EVENT_READ, lambda: self.swallow(client))
        else:
            client.close()

    def datagram(self, server: socket.socket) -> None:
        """A UDP client said something."""
        _, client = server.recvfrom(4096)
        server.sendto(line(self.name, client[:2], server.getsockname()[:2]), client)

    def run(self) -> None:
        """Serves until the process is ended. A client that is gone is no reason to stop."""
        while True:
            for key, _ in self.selector.select():
                on_event: Callable[[], None] = key.data
                try:
                    on_event()
                except OSError as error:
                    print(f"client lost: {error}", file=sys.stderr)


def main(arguments: list[str]) -> None:
    name, *specs = arguments
    servers = Servers(name)
    for spec in specs:
        servers.add(spec)
    print("ready", flush=True)
    servers.run()


if __name__ == "__main__":
    main(sys.argv[1:])
