"""Who holds a lab's published ports on its host, and passes connections on: what docker-proxy is to Docker.

Run as `python -m engine.apply.relay NAME NETNS ["PROTOCOL ADDRESS PORT [TARGET PORT] [free]"]...`. The
process is called NAME and lives in the namespace, where it can also reach the targets. One thread waits at all ports;
each client that it lets in has threads of its own. Without a target a port is
held and nothing is ever accepted, as conmon and a dockerd without its proxy do. A TCP client whose target does not
answer is closed; a UDP client keeps a socket of its own to the target for as long as it speaks.

"ready", "keep" and the end are those of `engine.apply.server`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from engine.apply.endpoint import bind_freely
from engine.apply.namespaces import enter
from engine.apply.server import in_background, run_until_end_of, title
from engine.records import dataclass

BACKLOG = 4096
CHUNK = 65535
#: Seconds of silence after which a UDP client's socket is closed (moby, cmd/docker-proxy, UDPConnTrackTimeout).
UDP_SILENCE = 90.0
CONNECT_SECONDS = 75.0
#: A port that may be held at an address that is not there.
FREE = "free"
#: Every address of both families.
BOTH = "*"


@dataclass(frozen=True, slots=True)
class HeldPort:
    """A port that is held; `target` and `target_port` say where connections go, None: nowhere."""

    protocol: str
    address: str
    port: int
    target: str | None = None
    target_port: int = 0
    free: bool = False


def parse(arguments: Sequence[str]) -> tuple[HeldPort, ...]:
    """The ports in a command line. Raises ValueError."""
    found = []
    for argument in arguments:
        protocol, address, port, *rest = argument.split()
        free = rest[-1:] == [FREE]
        target, target_port = (rest[0], int(rest[1])) if len(rest) > 1 else (None, 0)
        found.append(HeldPort(protocol, address, int(port), target, target_port, free))
    return tuple(found)


def family_of(address: str) -> socket.AddressFamily:
    """The address family of an address in words."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def open_port(held: HeldPort) -> socket.socket:
    """The socket that holds a port; on "::" it leaves IPv4 to another one, on "*" it takes both."""
    both = held.address == BOTH
    family = socket.AF_INET6 if both else family_of(held.address)
    found = socket.socket(family, socket.SOCK_STREAM if held.protocol == "tcp" else socket.SOCK_DGRAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if held.free:
            bind_freely(found)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        found.bind(("::" if both else held.address, held.port))
        if held.protocol == "tcp":
            found.listen(BACKLOG)
        found.setblocking(False)
    except OSError:
        found.close()
        raise
    return found


def taker(held: HeldPort, listener: socket.socket) -> Callable[[], None]:
    """What is done when a port has something to take: a client, or a datagram."""
    if held.protocol == "udp":
        known: dict[object, socket.socket] = {}
        return lambda: take_datagram(held, listener, known)
    return lambda: take_client(held, listener)


def take_client(held: HeldPort, listener: socket.socket) -> None:
    """Lets a client in."""
    client, _ = listener.accept()
    client.setblocking(True)
    in_background(lambda: join(held, client))


def join(held: HeldPort, client: socket.socket) -> None:
    """Connects a client with its target, and copies both ways until both have ended."""
    assert held.target is not None
    try:
        target = socket.create_connection((held.target, held.target_port), CONNECT_SECONDS)
    except OSError:
        client.close()
        return
    target.settimeout(None)
    other_way = threading.Thread(target=copy, args=(target, client), daemon=True)
    other_way.start()
    copy(client, target)
    other_way.join()
    client.close()
    target.close()


def copy(source: socket.socket, sink: socket.socket) -> None:
    """Copies until the source ends, and hands the end on."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def take_datagram(held: HeldPort, listener: socket.socket, known: dict[object, socket.socket]) -> None:
    """Passes a datagram on; each of the `known` clients has a socket of its own to the target."""
    assert held.target is not None
    datagram, client = listener.recvfrom(CHUNK)
    if client not in known:
        target = socket.socket(family_of(held.target), socket.SOCK_DGRAM)
        target.settimeout(UDP_SILENCE)
        target.connect((held.target, held.target_port))
        known[client] = target
        in_background(lambda: answer(listener, client, target, known))
    known[client].send(datagram)


def answer(listener: socket.socket, client: Any, target: socket.socket, known: dict[object, socket.socket]) -> None:
    """Carries a target's datagrams back to its client until it is silent, or says that nobody listens."""
    with contextlib.suppress(OSError):
        while datagram := target.recv(CHUNK):
            listener.sendto(datagram, client)
    known.pop(client, None)
    target.close()


def main(arguments: Sequence[str]) -> int:
    """Holds every port, says "ready", and ends as `engine.apply.server` does."""
    name, netns, *ports = arguments
    title(name.encode())
    enter(netns)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    waiting = selectors.DefaultSelector()
    silent: list[socket.socket] = []
    for held in parse(ports):
        try:
            listener = open_port(held)
        except OSError as error:
            sys.stderr.write(f"{held.address}:{held.port}/{held.protocol} cannot be published: {error.strerror}\n")
            return 1
        if held.target is None:
            silent.append(listener)
        else:
            waiting.register(listener, selectors.EVENT_READ, taker(held, listener))
    os.write(sys.stdout.fileno(), b"ready\n")
    run_until_end_of(sys.stdin.fileno(), waiting)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
