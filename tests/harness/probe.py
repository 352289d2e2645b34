"""The oracle: a real client. It connects from a namespace and says what happened in the words of `why`.

    python probe.py NETNS_FILE tcp|udp|icmp ADDRESS PORT [SECONDS [OWN_PORT]]   prints one JSON object (icmp: PORT is 0)

The client is a child process that enters the namespace with setns(2); nothing is mounted, nothing else changes. It
speaks first, with a request that every server of these tests answers (a line for ours, an HTTP request for httpd),
so that silence always means that nobody took the request. Time is bounded: a handshake gets `CONNECT` seconds (one
retransmitted SYN is inside), and as long the answer, for which a relay makes a handshake of its own; an answer without
one gets `ANSWER` seconds. SECONDS takes the place of `CONNECT` and may shorten `ANSWER`.

This file is also a module: `probe(netns, …)` runs itself and returns a `Result`. It needs the standard library
only, and runs with `python -I -S`, which starts in a hundredth of a second.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
import subprocess
import sys
import time
from typing import NamedTuple

CONNECT = 1.5
ANSWER = 1.2
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
CLONE_NEWNET = 0x40000000

#: The error of connect(), send() or recv(), and its word.
WORDS = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "host-unreachable",
    errno.ENETUNREACH: "net-unreachable",
    errno.EADDRNOTAVAIL: "net-unreachable",
    errno.EACCES: "prohibited",
    errno.ECONNRESET: "reset",
    errno.EPERM: "not-permitted",
    errno.EINVAL: "invalid-argument",
    errno.ENOPROTOOPT: "protocol-unreachable",
}


class Result(NamedTuple):
    """What the client saw: the symptom, the first line of the answer, and the error's name where there was one."""

    symptom: str
    answer: str = ""
    error: str = ""


def probe(
    netns_file: str, address: str, port: int, protocol: str = "tcp", seconds: float = CONNECT, *, own: int = 0
) -> Result:
    """One real attempt from a namespace, from port `own` (0: any). Raises `RuntimeError` when it could not be made."""
    argv = [sys.executable, "-I", "-S", __file__, netns_file, protocol, address, str(port), str(seconds), str(own)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=2 * max(CONNECT, seconds) + 10, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the probe could not be made: {done.stderr.strip().splitlines()[-1:]}")
    return Result(*json.loads(done.stdout))


def enter(netns_file: str) -> None:
    """Moves this process into a namespace (setns(2); os.setns exists only from Python 3.12)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(netns_file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {netns_file}")
    finally:
        os.close(handle)


def client_socket(six: bool, kind: socket.SocketKind, own: int = 0, number: int = 0) -> socket.socket:
    """A client's socket, which has a port of its own where `own` is not 0; of a protocol by its number."""
    client = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind, number)
    if own:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("::" if six else "", own))
    return client


def attempt_tcp(address: str, port: int, seconds: float, own: int = 0) -> Result:
    """Handshake, request, first answer."""
    with client_socket(":" in address, socket.SOCK_STREAM, own) as client:
        client.settimeout(seconds)
        try:
            client.connect(socket.getaddrinfo(address, port)[0][4])
        except TimeoutError:
            return Result("timeout")
        except OSError as error:
            return failed(error)
        try:
            client.sendall(REQUEST)
            data = client.recv(4096)
        except TimeoutError:
            return Result("accepted-then-silent")
        except (ConnectionResetError, BrokenPipeError) as error:
            return Result("accepted-then-closed", error=errno.errorcode.get(error.errno or 0, ""))
        except OSError as error:
            return failed(error)
    return answered(data) if data else Result("accepted-then-closed")


def attempt_udp(address: str, port: int, seconds: float, own: int = 0) -> Result:
    """A datagram and its answer, on a connected socket, as most clients use one."""
    with client_socket(":" in address, socket.SOCK_DGRAM, own) as client:
        client.settimeout(min(ANSWER, seconds))
        try:
            client.connect(socket.getaddrinfo(address, port)[0][4])
            client.send(REQUEST)
            return answered(client.recv(4096))
        except TimeoutError:
            return Result("timeout")
        except OSError as error:
            return failed(error)


def attempt_icmp(address: str, port: int, seconds: float, _own: int = 0) -> Result:
    """An echo and its reply, heard as ping(8) hears it: errors that come back count as well (IP_RECVERR)."""
    six = ":" in address
    mark = os.urandom(8)
    with echo_socket(six) as client:
        end = time.monotonic() + min(ANSWER, seconds)
        try:
            client.connect(socket.getaddrinfo(address, port)[0][4])
            client.send(echo_request(six, mark))
            while (left := end - time.monotonic()) > 0:
                client.settimeout(left)
                if echoes(client.recv(4096), six, mark):
                    return Result("connected", "echo")
        except TimeoutError:
            return Result("timeout")
        except OSError as error:
            return failed(error)
    return Result("timeout")


def echo_socket(six: bool) -> socket.socket:
    """A raw socket for echoes that hears of errors, too."""
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    client = socket.socket(family, socket.SOCK_RAW, protocol)
    client.setsockopt(*((socket.IPPROTO_IPV6, 25) if six else (socket.IPPROTO_IP, 11)), 1)
    return client


def echo_request(six: bool, mark: bytes) -> bytes:
    """An echo request that carries a mark. The kernel fills in the checksum of IPv6."""
    body = bytes((128 if six else 8, 0, 0, 0)) + mark
    return body if six else body[:2] + checksum(body).to_bytes(2, "big") + body[4:]


def echoes(data: bytes, six: bool, mark: bytes) -> bool:
    """Whether what a raw socket heard is the reply to the request with that mark. IPv4 comes with its header."""
    data = data if six else data[(data[0] & 15) * 4 :]
    return data[0] == (129 if six else 0) and data[4:] == mark


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def answered(data: bytes) -> Result:
    """The first line of what the server said."""
    lines = data.decode("ascii", "replace").splitlines()
    return Result("connected", lines[0] if lines else "")


def failed(error: OSError) -> Result:
    """The word for an error; an error without a word is shown by its name, so that no comparison passes by luck."""
    name = errno.errorcode.get(error.errno or 0, str(error))
    return Result(WORDS.get(error.errno or 0, f"errno {name}"), error=name)


def main(arguments: list[str]) -> None:
    netns_file, protocol, address, port, *more = arguments
    seconds, own = (*more, *(str(CONNECT), "0")[len(more) :])
    enter(netns_file)
    attempt = {"tcp": attempt_tcp, "udp": attempt_udp, "icmp": attempt_icmp}[protocol]
    print(json.dumps(attempt(address, int(port), float(seconds), int(own))))


if __name__ == "__main__":
    main(sys.argv[1:])
