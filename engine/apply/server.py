"""The listeners of a lab: one process that answers each client with the name of the node it reached.

Run as `python -m engine.apply.server ARGUMENT...`. An argument is a listener in five words, NETNS PROTOCOL ADDRESS
PORT NAME, and the manner of its socket (`engine.change.program.SocketManner`: v6only=1 device=eth0 …), or a program of
the lab's own as a JSON list, the file of its namespace first. Every socket is opened in
its own namespace and keeps belonging to it; the process itself goes back to where it was. A TCP client gets one line
and is closed, a UDP datagram is answered by one; a TCP client that speaks HTTP (RFC 9112) gets the line as the body of
a 200. When all sockets are open, "ready" and a newline go to standard output; when one cannot be opened, a line on
standard error says why and the exit code is 1. A socket that need not be opened (free=1, which may be bound to an
address that is not there) is left out instead: a line of standard output before "ready" says so.

The process ends when its standard input does. The builder holds the other end of that pipe, so the listeners end
with it however it dies (PR_SET_PDEATHSIG would end them with the thread that started them). A builder that goes and
leaves its lab behind sends "keep" first: then only SIGTERM ends the process, and the programs with it. Where a file is
named by its number in PORTSCOPE_LEASE, its end is an end too: that of who keeps the lab's namespaces.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from engine.apply import netns_files
from engine.apply.endpoint import Endpoint, open_socket, parse, refusal, waiting_clients
from engine.apply.namespaces import enter
from engine.programs import environment

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
#: The process name that `ss -p` shows; the kernel keeps 15 bytes.
PROCESS_NAME = b"portscope-serve"
LONGEST_DATAGRAM = 65535
#: Seconds in which a client that speaks first has spoken, and those that one may take to end.
FIRST_WORDS, LAST_WORDS = 0.05, 30.0
#: Seconds that a program of the lab's own has to end by itself.
LAST_SECOND = 1.0
#: What a request of HTTP begins with.
METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ")
#: How a socket of both families writes an IPv4 address (RFC 4291, 2.5.5.2).
MAPPED = "::ffff:"
LEASE = "PORTSCOPE_LEASE"
#: What the builder says when the lab shall outlive it.
KEEP = b"keep"


def programs(arguments: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The programs in a command line: the file of a namespace, then the program's own words."""
    return tuple(tuple(json.loads(argument)) for argument in arguments if argument.startswith("["))


def answer(name: str, client: tuple[str, int]) -> bytes:
    """What a client is told: who it reached, and which address it seemed to come from.

    A socket of both families sees an IPv4 address as one of IPv6.
    """
    return f"{name} saw {client[0].removeprefix(MAPPED)}:{client[1]}\n".encode()


def run_until_end_of(fd: int, selector: selectors.BaseSelector) -> None:
    """Does what the selector's data say of each file that is ready, until the file `fd` ends, unless it said "keep"
    before; then until a signal."""
    ended: list[bool] = []
    said: list[bytes] = []

    def told() -> None:
        more = os.read(fd, 1024)
        said.append(more)
        if not more:
            selector.unregister(fd)
            ended.extend([True] * (KEEP not in b"".join(said)))

    selector.register(fd, selectors.EVENT_READ, told)
    if lease := os.environ.get(LEASE):
        selector.register(int(lease), selectors.EVENT_READ, lambda: ended.append(True))
    while not ended:
        for key, _ in selector.select():
            # A client that is gone already is no error of the server.
            with contextlib.suppress(OSError):
                key.data()


class ListenerServer:
    """The sockets of all nodes. The selector's data is what a ready socket means."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.held: list[socket.socket] = []

    def open(self, endpoint: Endpoint) -> str:
        """Opens a listener; "" or why one that need not be opened is left out. Raises OSError."""
        try:
            listener = open_socket(endpoint)
            self.held.append(listener)
            self.held.extend(waiting_clients(endpoint))
        except OSError as error:
            if not endpoint.number("free"):
                raise
            return refusal(endpoint, error)
        if not endpoint.number("frozen"):
            self.add(listener, endpoint.name)
        return ""

    def add(self, listener: socket.socket, name: str) -> None:
        """Serves a listener from now on."""
        react = self._answer_datagram if listener.type == socket.SOCK_DGRAM else self._answer_client
        self.selector.register(listener, selectors.EVENT_READ, lambda: react(listener, name))

    def _answer_datagram(self, listener: socket.socket, name: str) -> None:
        _, client = listener.recvfrom(LONGEST_DATAGRAM)
        listener.sendto(answer(name, client[:2]), client)

    def _answer_client(self, listener: socket.socket, name: str) -> None:
        connection, client = listener.accept()
        in_background(lambda: converse(connection, answer(name, client[:2])))


def converse(connection: socket.socket, line: bytes) -> None:
    """Sends the line and an end; reads on until the client ends too, since closing early could reset the line."""
    with connection, contextlib.suppress(OSError):
        connection.settimeout(FIRST_WORDS)
        said = b""
        with contextlib.suppress(TimeoutError):
            said = connection.recv(LONGEST_DATAGRAM)
        connection.settimeout(LAST_WORDS)
        connection.sendall(http_answer(said, line) if said.startswith(METHODS) else line)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(LONGEST_DATAGRAM):
            pass


def http_answer(request: bytes, line: bytes) -> bytes:
    """The line as an answer of HTTP."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(line)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (b"" if request.startswith(b"HEAD ") else line)


def in_background(body: Callable[[], None]) -> None:
    """Runs in a thread that does not keep the process alive."""
    threading.Thread(target=body, daemon=True).start()


def start(words: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts a program in a namespace, in which the calling thread stays, with the files that the namespace has of its
    own. It dies with this process, however."""
    libc = ctypes.CDLL(None)
    enter(words[0])
    nowhere = subprocess.DEVNULL

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        netns_files.show(os.path.basename(words[0]))

    return subprocess.Popen(
        words[1:],
        env=environment(),
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        # This process has a single thread, so what runs between fork and exec is safe.
        preexec_fn=prepare,  # noqa: PLW1509
    )


def title(name: bytes) -> None:
    """Gives the process the name that `ps` and `ss -p` show."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name, 0, 0, 0)


def main(arguments: Sequence[str]) -> int:
    """Opens every listener, starts every program, says "ready", and serves until the end of standard input."""
    title(PROCESS_NAME)
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    server = ListenerServer()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for endpoint in parse(arguments):
        try:
            if said := server.open(endpoint):
                os.write(sys.stdout.fileno(), f"{said}\n".encode())
        except OSError as error:
            sys.stderr.write(f"{refusal(endpoint, error)}\n")
            return 1
    children: list[subprocess.Popen[bytes]] = []
    try:
        for words in programs(arguments):
            try:
                children.append(start(words))
            except FileNotFoundError:
                sys.stderr.write(f"{words[1]} is not installed: install it, as the lab runs it\n")
                return 1
            except OSError as error:
                sys.stderr.write(f"{words[1]} cannot be started: {error.strerror}\n")
                return 1
        enter(f"/proc/self/fd/{home}")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        os.write(sys.stdout.fileno(), b"ready\n")
        run_until_end_of(sys.stdin.fileno(), server.selector)
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(LAST_SECOND)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
