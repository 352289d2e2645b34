"""The listeners of a lab: one process that answers each client with the name of the node it reached.

Run as `python -m engine.build.server [NETNS PROTOCOL ADDRESS PORT NAME]...`. Every socket is opened in its own
namespace and keeps belonging to it; the process itself goes back to where it was. A TCP client gets one line and is
closed, a UDP datagram is answered by one. When all sockets are open, "ready" and a newline go to standard output;
when one cannot be opened, a line on standard error says why and the exit code is 1.

The process ends when its standard input does. The builder holds the other end of that pipe, so the listeners end
with it however it dies (PR_SET_PDEATHSIG would end them with the thread that started them).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from engine.build.namespaces import enter

PR_SET_NAME = 15
#: The process name that `ss -p` shows; the kernel keeps 15 bytes.
PROCESS_NAME = b"portscope-serve"
BACKLOG = 64
LONGEST_DATAGRAM = 65535
WORDS = 5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One listener: the file of its namespace, tcp or udp, where it is bound, and the name it answers with."""

    netns: str
    protocol: str
    address: str
    port: int
    name: str


def parse(words: Sequence[str]) -> tuple[Endpoint, ...]:
    """The endpoints in a command line, five words each. Raises ValueError."""
    if len(words) % WORDS:
        raise ValueError("each listener needs NETNS PROTOCOL ADDRESS PORT NAME")
    rows = [words[start : start + WORDS] for start in range(0, len(words), WORDS)]
    return tuple(Endpoint(netns, protocol, address, int(port), name) for netns, protocol, address, port, name in rows)


def answer(name: str, client: tuple[str, int]) -> bytes:
    """What a client is told: who it reached, and which address it seemed to come from."""
    return f"{name} saw {client[0]}:{client[1]}\n".encode()


def open_socket(endpoint: Endpoint) -> socket.socket:
    """A listening socket in the endpoint's namespace; the calling thread stays in that namespace."""
    enter(endpoint.netns)
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    tcp = endpoint.protocol == "tcp"
    found = socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((endpoint.address, endpoint.port))
        if tcp:
            found.listen(BACKLOG)
        found.setblocking(False)
    except OSError:
        found.close()
        raise
    return found


class Server:
    """The loop over all sockets. The selector's data is a listener's name, or what else a ready socket means."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()

    def add(self, listener: socket.socket, name: str) -> None:
        """Serves a listener from now on."""
        react = self._answer_datagram if listener.type == socket.SOCK_DGRAM else self._answer_client
        self.selector.register(listener, selectors.EVENT_READ, lambda: react(listener, name))

    def run_until_end_of(self, fd: int) -> None:
        """Serves until the file `fd` ends."""
        ended: list[bool] = []
        self.selector.register(fd, selectors.EVENT_READ, lambda: None if os.read(fd, 1024) else ended.append(True))
        while not ended:
            for key, _ in self.selector.select():
                # A client that is gone already is no error of the server.
                with contextlib.suppress(OSError):
                    key.data()

    def _answer_datagram(self, listener: socket.socket, name: str) -> None:
        _, client = listener.recvfrom(LONGEST_DATAGRAM)
        listener.sendto(answer(name, client[:2]), client)

    def _answer_client(self, listener: socket.socket, name: str) -> None:
        """Sends the line and an end; reads on until the client ends too, since closing early could reset the line."""
        connection, client = listener.accept()
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._drain(connection))
        connection.send(answer(name, client[:2]))
        connection.shutdown(socket.SHUT_WR)

    def _drain(self, connection: socket.socket) -> None:
        try:
            more = connection.recv(LONGEST_DATAGRAM)
        except OSError:
            more = b""
        if not more:
            self.selector.unregister(connection)
            connection.close()


def main(words: Sequence[str]) -> int:
    """Opens every listener, says "ready", and serves until standard input ends."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, PROCESS_NAME, 0, 0, 0)
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    server = Server()
    for endpoint in parse(words):
        try:
            server.add(open_socket(endpoint), endpoint.name)
        except OSError as error:
            where = f"{endpoint.address}:{endpoint.port}/{endpoint.protocol} in {endpoint.netns}"
            sys.stderr.write(f"{endpoint.name} cannot listen on {where}: {error.strerror}\n")
            return 1
    enter(f"/proc/self/fd/{home}")
    os.write(sys.stdout.fileno(), b"ready\n")
    server.run_until_end_of(sys.stdin.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
