"""The listeners' process: its command line, its answers on loopback, and its end."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from engine.build.hands.programs import Listeners, environment
from engine.build.server import Endpoint, parse
from tests.harness.needs import require

require(root=True)

HERE = "/proc/self/ns/net"


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(*words: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    argv = [sys.executable, "-P", "-m", "engine.build.server", *words]
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment())


@pytest.fixture
def tcp() -> int:
    return free_port(socket.SOCK_STREAM)


@pytest.fixture
def udp() -> int:
    return free_port(socket.SOCK_DGRAM)


@pytest.fixture
def server(tcp: int, udp: int) -> Iterator[subprocess.Popen[bytes]]:
    words = (HERE, "tcp", "127.0.0.1", str(tcp), "web", HERE, "udp", "127.0.0.1", str(udp), "dns")
    found = start(*words)
    listeners = Listeners(found)
    listeners.wait_until_ready()
    yield found
    listeners.end()
    assert found.returncode == 0


def test_five_words_are_an_endpoint() -> None:
    assert parse(["/run/netns/a", "udp", "::1", "53", "dns"]) == (Endpoint("/run/netns/a", "udp", "::1", 53, "dns"),)
    with pytest.raises(ValueError, match="NETNS PROTOCOL ADDRESS PORT NAME"):
        parse(["/run/netns/a", "udp"])


def test_a_tcp_client_gets_one_line_with_the_name_and_its_own_address(
    server: subprocess.Popen[bytes], tcp: int
) -> None:
    with socket.create_connection(("127.0.0.1", tcp), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        address, port = client.getsockname()
        assert client.makefile("rb").read() == f"web saw {address}:{port}\n".encode()


def test_a_client_that_never_speaks_does_not_keep_others_waiting(server: subprocess.Popen[bytes], tcp: int) -> None:
    with (
        socket.create_connection(("127.0.0.1", tcp), timeout=5),
        socket.create_connection(("127.0.0.1", tcp), timeout=5) as second,
    ):
        assert second.makefile("rb").readline().startswith(b"web saw ")


def test_a_datagram_is_answered_with_the_name(server: subprocess.Popen[bytes], udp: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"?", ("127.0.0.1", udp))
        assert client.recv(100) == f"dns saw 127.0.0.1:{client.getsockname()[1]}\n".encode()


def test_the_process_ends_with_its_input(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    assert server.wait(5) == 0


def test_a_port_that_is_taken_is_named_with_the_reason(tcp: int) -> None:
    with socket.create_server(("127.0.0.1", tcp)):
        refused = start(HERE, "tcp", "127.0.0.1", str(tcp), "web")
        _, said = refused.communicate(timeout=5)
    assert refused.returncode == 1
    assert said.decode() == f"web cannot listen on 127.0.0.1:{tcp}/tcp in {HERE}: Address already in use\n"
