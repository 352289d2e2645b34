"""The sockets of a lab's server: what a listener is in words, and how its socket is opened in its own namespace.

Sources: socket(7), ip(7), listen(2).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence

from engine.apply.namespaces import enter
from engine.records import dataclass, field

BACKLOG = 64
WORDS = 5
#: Seconds for a client that is put into a queue.
CONNECT_SECONDS = 1.0
#: SO_BINDTODEVICE, and IP_FREEBIND and its like for IPv6.
BIND_TO_DEVICE, FREEBIND, FREEBIND6 = 25, 15, 78
#: IP_TRANSPARENT and IPV6_TRANSPARENT (linux/in.h, linux/in6.h).
TRANSPARENT = {socket.AF_INET: (socket.IPPROTO_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}
SCTP = 132


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One listener: the file of its namespace, tcp, udp or sctp, where it is bound, and the name it answers with.

    `manner` has the words that make its socket another than the usual one, and their values.
    """

    netns: str
    protocol: str
    address: str
    port: int
    name: str
    manner: Mapping[str, str] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """A number of the manner, 0 where it has none."""
        return int(self.manner.get(name, 0))


def parse(arguments: Sequence[str]) -> tuple[Endpoint, ...]:
    """The endpoints in a command line, each an argument of five words and its manner. Raises ValueError."""
    found = []
    for row in (argument.split() for argument in arguments if not argument.startswith("[")):
        if len(row) < WORDS:
            raise ValueError("each listener needs NETNS PROTOCOL ADDRESS PORT NAME")
        netns, protocol, address, port, name, *manner = row
        pairs = (word.partition("=") for word in manner)
        found.append(Endpoint(netns, protocol, address, int(port), name, {key: value for key, _, value in pairs}))
    return tuple(found)


def open_socket(endpoint: Endpoint) -> socket.socket:
    """A listening socket in the endpoint's namespace; the calling thread stays in that namespace.

    On "::" it takes IPv4 too, unless its manner says otherwise.
    """
    enter(endpoint.netns)
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    kind = socket.SOCK_DGRAM if endpoint.protocol == "udp" else socket.SOCK_STREAM
    found = socket.socket(family, kind, SCTP if endpoint.protocol == "sctp" else 0)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, endpoint.number("v6only"))
        _mannered(found, endpoint)
        at = (endpoint.address, endpoint.port)
        found.bind((*at, 0, endpoint.number("scope")) if family == socket.AF_INET6 else at)
        if kind == socket.SOCK_STREAM:
            found.listen(endpoint.number("backlog") - 1 if endpoint.number("backlog") else BACKLOG)
        found.setblocking(False)
    except OSError:
        found.close()
        raise
    return found


def _mannered(found: socket.socket, endpoint: Endpoint) -> None:
    """Gives a socket the manner that it has before it is bound. Other sockets of its port stand beside it."""
    if endpoint.number("free"):
        bind_freely(found)
    if device := endpoint.manner.get("device"):
        found.setsockopt(socket.SOL_SOCKET, BIND_TO_DEVICE, device.encode() + b"\0")
    if endpoint.number("transparent"):
        found.setsockopt(*TRANSPARENT[found.family], 1)
    if uid := endpoint.number("uid"):
        os.fchown(found.fileno(), uid, -1)


def bind_freely(found: socket.socket) -> None:
    """Lets a socket be bound to an address that is not there, and beside others of its port."""
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.setsockopt(socket.IPPROTO_IP, FREEBIND, 1)
    if found.family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, FREEBIND6, 1)


def waiting_clients(endpoint: Endpoint) -> Iterator[socket.socket]:
    """Clients in a listener's queue, from the calling thread's namespace. Raises OSError where they cannot connect."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(endpoint.address, endpoint.address)
    for _ in range(min(endpoint.number("queued"), BACKLOG)):
        yield socket.create_connection((address, endpoint.port), CONNECT_SECONDS)


def refusal(endpoint: Endpoint, error: OSError) -> str:
    """Why a listener is not there, as a line."""
    where = f"{endpoint.address}:{endpoint.port}/{endpoint.protocol} in {endpoint.netns}"
    return f"{endpoint.name} cannot listen on {where}: {error.strerror or error}"
