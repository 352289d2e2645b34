"""The resolver of a lab: what 127.0.0.11 is in Docker's containers, and aardvark-dns at the gateways of Podman's.

Run as `python -m engine.apply.names WORD...`; the words are those of `engine.model.application.lab_resolver`. Each door
is a UDP and a TCP socket on port 53 of its own namespace. A name of a door's tables is answered from the first table
that has it, by a shared door from all tables that the client is in. Any other name goes to the door's servers in turn,
asked from the door's namespace; where none of them answers, or none is known, the answer is SERVFAIL, and NXDOMAIN
where a table says that no other name exists.

"ready", "keep" and the end are those of `engine.apply.server`.
Sources: RFC 1035, 4.2 (messages over UDP and TCP); moby, libnetwork/resolver.go (order, patience).
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.apply.namespaces import enter
from engine.apply.server import in_background, run_until_end_of, title
from engine.model.address import IPAddress
from engine.model.application import lab_resolver
from engine.model.application.lab_resolver import LAB_RESOLVER, NameDoor
from engine.model.application.naming import DNS_PORT, Zone
from engine.records import dataclass

if TYPE_CHECKING:
    from dns.message import Message

#: Seconds that one server has, and how many questions may wait for servers at a time (moby: extIOTimeout,
#: maxConcurrent is 1024).
PATIENCE, MOST_WAITING = 4.0, 64
BACKLOG, LONGEST_DATAGRAM = 64, 4096
#: Seconds that a client may keep a record. The names of a lab change.
KEPT_SECONDS = 1
#: What a client over TCP has time for.
TCP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answering:
    """One door with its tables."""

    door: NameDoor
    zones: tuple[Zone, ...]

    def addresses(self, name: str, client: str) -> tuple[IPAddress, ...] | None:
        """What the tables have for a name; () for a name that is said not to exist, None for one that they lack."""
        own = [zone for zone in self.zones if not self.door.shared or client in map(str, zone.clients)]
        found: list[IPAddress] = []
        known = False
        for zone in own:
            plain = name.removesuffix(f".{zone.network}").removesuffix(".dns.podman" if self.door.shared else "")
            records = [record for record in zone.records if record.covers(plain)]
            if records:
                longest = max(len(record.name.lstrip(".")) for record in records)
                found += [
                    address
                    for record in records
                    if len(record.name.lstrip(".")) == longest
                    for address in record.addresses
                ]
                known = True
                if not self.door.shared:
                    break
        return tuple(dict.fromkeys(found)) if known else None

    def answer(self, wire: bytes, client: str) -> bytes:
        """The answer to one question, as it goes back. Raises ValueError for what is no question."""
        import dns.exception  # noqa: PLC0415 - a lab whose names are never asked for does not need it
        import dns.message  # noqa: PLC0415
        import dns.rcode  # noqa: PLC0415

        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException as error:
            raise ValueError(str(error)) from None
        if not query.question:
            raise ValueError("a message without a question")
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        found = self.addresses(name, client)
        if found is not None:
            return _said(query, found).to_wire()
        beyond = None if self.door.closed else _from_servers(query, self.door.servers)
        if beyond is None:
            beyond = dns.message.make_response(query, recursion_available=True)
            beyond.set_rcode(dns.rcode.SERVFAIL)
        return beyond.to_wire()


def _said(query: Message, addresses: tuple[IPAddress, ...]) -> Message:
    """The addresses of the kind that was asked for; NXDOMAIN where there are none of either kind."""
    import dns.message  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415

    question = query.question[0]
    response = dns.message.make_response(query, recursion_available=True)
    kind = {4: dns.rdatatype.A, 6: dns.rdatatype.AAAA}
    fitting = [str(each) for each in addresses if kind[each.version] == question.rdtype]
    if fitting:
        import dns.rrset  # noqa: PLC0415

        response.answer.append(dns.rrset.from_text_list(question.name, KEPT_SECONDS, "IN", question.rdtype, fitting))
    elif not addresses:
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response


def _from_servers(query: Message, servers: Sequence[IPAddress]) -> Message | None:
    """What the first server says that answers at all, from the namespace of the calling thread."""
    import dns.exception  # noqa: PLC0415
    import dns.query  # noqa: PLC0415

    for server in servers:
        try:
            return dns.query.udp_with_fallback(query, str(server), PATIENCE)[0]
        except (OSError, dns.exception.DNSException):
            continue
    return None


class NameServer:
    """The doors of a lab. The selector's data is what a ready socket means; each question has a thread of its own,
    which enters the door's namespace."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._room = threading.BoundedSemaphore(MOST_WAITING)

    def open(self, answering: Answering) -> None:
        """Serves a door from now on; the calling thread stays in its namespace. Raises OSError."""
        door = answering.door
        enter(door.netns)
        family = socket.AF_INET6 if door.address.version == 6 else socket.AF_INET
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            found = socket.socket(family, kind)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            found.bind((str(door.address), DNS_PORT))
            if kind == socket.SOCK_STREAM:
                found.listen(BACKLOG)
            found.setblocking(False)
            take = self._take_datagram if kind == socket.SOCK_DGRAM else self._take_client
            self.selector.register(found, selectors.EVENT_READ, _taker(take, found, answering))

    def _take_datagram(self, listener: socket.socket, answering: Answering) -> None:
        wire, client = listener.recvfrom(LONGEST_DATAGRAM)
        self._with_room(answering, lambda: listener.sendto(_answered(answering, wire, client), client))

    def _take_client(self, listener: socket.socket, answering: Answering) -> None:
        connection, client = listener.accept()

        def serve() -> None:
            with connection:
                connection.settimeout(TCP_SECONDS)
                while head := _exactly(connection, 2):
                    wire = _exactly(connection, struct.unpack("!H", head)[0])
                    said = _answered(answering, wire, client)
                    connection.sendall(struct.pack("!H", len(said)) + said)

        if not self._with_room(answering, serve):
            connection.close()

    def _with_room(self, answering: Answering, act: Callable[[], Any]) -> bool:
        """Does something in a thread of the door's namespace, where there is room for one more."""
        if not self._room.acquire(blocking=False):
            return False

        def body() -> None:
            try:
                enter(answering.door.netns)
                act()
            except (OSError, ValueError):
                pass  # a client that is gone, or that did not speak DNS
            finally:
                self._room.release()

        in_background(body)
        return True


def _taker(
    take: Callable[[socket.socket, Answering], None], listener: socket.socket, answering: Answering
) -> Callable[[], None]:
    return lambda: take(listener, answering)


def _answered(answering: Answering, wire: bytes, client: Sequence[Any]) -> bytes:
    return answering.answer(wire, str(client[0]).removeprefix("::ffff:"))


def _exactly(connection: socket.socket, length: int) -> bytes:
    """So many bytes of a stream; b"" where it ends before."""
    found = b""
    while len(found) < length:
        more = connection.recv(length - len(found))
        if not more:
            return b""
        found += more
    return found


def main(arguments: Sequence[str]) -> int:
    """Opens every door, says "ready", and serves until the end of standard input."""
    title(LAB_RESOLVER.encode())
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    tables, doors = lab_resolver.parse(arguments)
    server = NameServer()
    for door in doors:
        try:
            server.open(Answering(door, door.zones(tables)))
        except OSError as error:
            sys.stderr.write(f"the resolver cannot listen on {door.address}:53 in {door.netns}: {error.strerror}\n")
            return 1
    enter(f"/proc/self/fd/{home}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.write(sys.stdout.fileno(), b"ready\n")
    run_until_end_of(sys.stdin.fileno(), server.selector)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
