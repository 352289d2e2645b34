"""The attempt: one real client, with what it saw in the words of the answer.

1. A socket belongs for life to the namespace of the thread that opened it. `open_client` is called in the client's
   namespace and takes a port at once, so that everything else can look for just this flow; `attempt` may then be called
   from anywhere.
2. It is bounded: one handshake or one datagram, and `seconds` for all of it.
3. For a URL of HTTP its own request is sent (`http`), to see the status.
4. A program that speaks first is listened to (`PAUSE`). One that waits gets a request, mostly an HTTP one: silence
   after it may only mean that the program does not know these words, which `doubt` says.
5. A close before our words were read is "accepted-then-closed", what a relay does whose own connection fails. A program
   that read them and then closes has been reached: a FIN says so, where unread words make it an RST (RFC 9293, 3.10.4).
6. SCTP's handshake is the kernel's, where it has SCTP: connect() returns when the cookie was answered, and a program
   has been reached then (RFC 9260, 5.1).

Sources: connect(2), udp(7), icmp(7), sctp(7).
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.packet import ECHO, PROTOCOL_NUMBERS, Protocol
from engine.model.proof import Attempt
from engine.model.trace import Symptom
from engine.model.verdict import Url
from engine.prove import echo, http
from engine.prove.errors import ProveError
from engine.records import dataclass, replace

#: The error of connect(), send() or recv(), and what the answer calls it.
BY_ERRNO: dict[int, Symptom] = {
    errno.ECONNREFUSED: Symptom.REFUSED,
    errno.ETIMEDOUT: Symptom.TIMEOUT,
    errno.EHOSTUNREACH: Symptom.HOST_UNREACHABLE,
    errno.ENETUNREACH: Symptom.NET_UNREACHABLE,
    errno.EADDRNOTAVAIL: Symptom.NET_UNREACHABLE,
    errno.EACCES: Symptom.PROHIBITED,
    errno.ECONNRESET: Symptom.RESET,
    errno.EPERM: Symptom.NOT_PERMITTED,
    errno.EINVAL: Symptom.INVALID_ARGUMENT,
    errno.ENOPROTOOPT: Symptom.PROTOCOL_UNREACHABLE,
}
KINDS = {
    Protocol.TCP: socket.SOCK_STREAM,
    Protocol.UDP: socket.SOCK_DGRAM,
    Protocol.SCTP: socket.SOCK_STREAM,
}
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
#: First words by port, where a request of HTTP would not be answered: a question for the root's name servers (RFC
#: 1035), and a client's packet of NTP version 4 (RFC 5905).
WORDS: dict[tuple[Protocol, int], bytes] = {
    (Protocol.UDP, 53): bytes.fromhex("7073 0100 0001 0000 0000 0000 00 0002 0001"),
    (Protocol.UDP, 123): b"\x23" + bytes(47),
}
#: Seconds in which a program that speaks first, or closes at once, has done so.
PAUSE = 0.1
_LONGEST_ANSWER = 4096


@dataclass(frozen=True, slots=True)
class Target:
    """Where to, and from where: `source` and `sport` are the client's own where it has to be these.

    `scope` is the index of the device that a link-local address is asked for on, 0 for none. `port` is an echo's
    identifier. `url` is what an HTTP client asks for.
    """

    protocol: Protocol
    address: IPAddress
    port: int
    scope: int = 0
    source: IPAddress | None = None
    sport: int | None = None
    url: Url | None = None

    @property
    def end(self) -> tuple[str, int] | tuple[str, int, int, int]:
        """The target as the socket module takes it."""
        if self.address.version == 4:
            return str(self.address), self.port
        return str(self.address), self.port, 0, self.scope


def open_client(target: Target) -> socket.socket:
    """The client's socket in the calling thread's namespace, with its port. Raises ProveError."""
    if target.protocol in ECHO:
        return echo.open_client(target.address, target.port)
    family = socket.AF_INET if target.address.version == 4 else socket.AF_INET6
    anywhere = "0.0.0.0" if target.address.version == 4 else "::"
    try:
        client = socket.socket(family, KINDS[target.protocol], PROTOCOL_NUMBERS[target.protocol])
    except OSError as error:
        if error.errno != errno.EPROTONOSUPPORT:
            raise
        raise ProveError(f"this kernel has no {str(target.protocol).upper()}: no attempt can be made by it") from error
    try:
        client.bind((str(target.source or anywhere), target.sport or 0))
    except OSError as error:
        client.close()
        whose = f"{target.source or 'any address'} port {target.sport or 'any'}"
        raise ProveError(f"the client cannot send from {whose}: {error.strerror}; free it or ask without it") from error
    return client


def port_of(client: socket.socket) -> int:
    """The port that the client sends from."""
    return int(client.getsockname()[1])


def attempt(client: socket.socket, target: Target, seconds: float) -> Attempt:
    """Tries, closes the socket, and says what happened. Raises nothing."""
    begun = time.monotonic()
    with client:
        seen = _WAYS[target.protocol](client, target, begun + seconds)
        address: IPAddress | None = None
        with suppress(OSError, ValueError):
            address = ip_address(client.getsockname()[0])
        known = address if address is not None and not address.is_unspecified else None
        port = None if target.protocol in ECHO else port_of(client)
        return replace(seen, address=known, port=port, seconds=time.monotonic() - begun)


def _by_tcp(client: socket.socket, target: Target, until: float) -> Attempt:
    """Handshake, then whoever speaks first."""
    refused = _unconnected(client, target, until)
    if refused is not None:
        return refused
    try:
        if target.url is not None:
            return http.exchange(client, target.url, until)
        said = _hear(client, min(PAUSE, _left(until)))
        if said is not None:
            return _heard(said) if said else Attempt(Symptom.ACCEPTED_THEN_CLOSED)
        client.sendall(WORDS.get((target.protocol, target.port), REQUEST))
        said = _hear(client, _left(until))
    except (ConnectionResetError, BrokenPipeError) as error:
        return Attempt(Symptom.ACCEPTED_THEN_CLOSED, error=_name(error))
    except OSError as error:
        return failed(error)
    if said is None:
        return Attempt(Symptom.ACCEPTED_THEN_SILENT, doubt="the program may not know the words that were sent")
    return _heard(said) if said else Attempt(Symptom.CONNECTED, doubt="the program read a request and closed")


def _by_datagram(client: socket.socket, target: Target, until: float) -> Attempt:
    """A datagram and its answer, on a connected socket, as most clients use one."""
    try:
        client.connect(target.end)
        client.send(WORDS.get((target.protocol, target.port), REQUEST))
        said = _hear(client, _left(until))
    except OSError as error:
        return failed(error)
    if said is None:
        return Attempt(Symptom.TIMEOUT, doubt="the program may not answer the words that were sent")
    return _heard(said)


def _by_echo(client: socket.socket, target: Target, until: float) -> Attempt:
    """An echo and its reply, or an error about it."""
    try:
        client.connect(target.end)
        client.send(echo.request(target.protocol, target.port))
        while True:
            said = _hear(client, _left(until))
            if said is None or time.monotonic() > until:
                return Attempt(Symptom.TIMEOUT)
            if echo.is_reply(said, target.protocol, target.port):
                return Attempt(Symptom.CONNECTED, answer="echo reply")
    except OSError as error:
        return failed(error)


def _by_association(client: socket.socket, target: Target, until: float) -> Attempt:
    """SCTP's four-way handshake."""
    return _unconnected(client, target, until) or Attempt(Symptom.CONNECTED)


def _unconnected(client: socket.socket, target: Target, until: float) -> Attempt | None:
    """The handshake; None where it ended well."""
    try:
        client.settimeout(_left(until))
        client.connect(target.end)
    except TimeoutError:
        return Attempt(Symptom.TIMEOUT)
    except OSError as error:
        return failed(error)
    return None


_WAYS: dict[Protocol, Callable[[socket.socket, Target, float], Attempt]] = {
    Protocol.TCP: _by_tcp,
    Protocol.UDP: _by_datagram,
    Protocol.SCTP: _by_association,
    **dict.fromkeys(ECHO, _by_echo),
}


def _hear(client: socket.socket, seconds: float) -> bytes | None:
    """What comes first; None where nothing does in time."""
    client.settimeout(seconds)
    try:
        return client.recv(_LONGEST_ANSWER)
    except TimeoutError as error:
        if error.errno == errno.ETIMEDOUT:
            raise OSError(errno.ETIMEDOUT, "") from error
        return None


def _left(until: float) -> float:
    return max(until - time.monotonic(), 0.001)


def _heard(said: bytes) -> Attempt:
    lines = said.decode("ascii", "backslashreplace").splitlines()
    return Attempt(Symptom.CONNECTED, answer=lines[0][:80] if lines else "")


def failed(error: OSError) -> Attempt:
    """The word for an error; one that has none counts as a timeout, and its name tells."""
    return Attempt(BY_ERRNO.get(error.errno or 0, Symptom.TIMEOUT), error=_name(error))


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, str(error))
