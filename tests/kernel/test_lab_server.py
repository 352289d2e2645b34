"""The listeners' process: its command line, its answers on loopback, and its end."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from engine.apply.endpoint import Endpoint, parse
from engine.apply.errors import BuildError
from engine.apply.hands.programs import Listeners, end_process, start_listeners
from engine.programs import environment
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
    argv = [sys.executable, "-P", "-m", "engine.apply.server", *words]
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment())


def ready(words: list[str], module: str = "engine.apply.server") -> Listeners:
    """Listeners that are open."""
    found = start_listeners(words, module)
    try:
        found.wait_until_ready()
    except BaseException:
        found.end()
        raise
    return found


@pytest.fixture
def tcp() -> int:
    return free_port(socket.SOCK_STREAM)


@pytest.fixture
def udp() -> int:
    return free_port(socket.SOCK_DGRAM)


@pytest.fixture
def server(tcp: int, udp: int) -> Iterator[subprocess.Popen[bytes]]:
    found = start(f"{HERE} tcp 127.0.0.1 {tcp} web", f"{HERE} udp 127.0.0.1 {udp} dns")
    listeners = Listeners(found)
    listeners.wait_until_ready()
    yield found
    listeners.end()
    assert found.returncode == 0


def test_five_words_are_an_endpoint() -> None:
    assert parse(["/run/netns/a udp ::1 53 dns"]) == (Endpoint("/run/netns/a", "udp", "::1", 53, "dns"),)
    with pytest.raises(ValueError, match="NETNS PROTOCOL ADDRESS PORT NAME"):
        parse(["/run/netns/a udp"])


def test_a_tcp_client_gets_one_line_with_the_name_and_its_own_address(
    server: subprocess.Popen[bytes], tcp: int
) -> None:
    with socket.create_connection(("127.0.0.1", tcp), timeout=5) as client:
        client.sendall(b"hello\n")
        address, port = client.getsockname()
        assert client.makefile("rb").read() == f"web saw {address}:{port}\n".encode()


@pytest.mark.parametrize(("method", "length"), [("GET", 1), ("POST", 1), ("HEAD", 0)])
def test_a_client_of_http_gets_the_line_as_a_body(
    server: subprocess.Popen[bytes], tcp: int, method: str, length: int
) -> None:
    talk = HTTPConnection("127.0.0.1", tcp, timeout=5)
    try:
        talk.request(method, "/any/path")
        answer = talk.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
        assert [line.startswith(b"web saw 127.0.0.1:") for line in answer.read().splitlines()] == [True] * length
    finally:
        talk.close()


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
        refused = start(f"{HERE} tcp 127.0.0.1 {tcp} web")
        _, said = refused.communicate(timeout=5)
    assert refused.returncode == 1
    assert said.decode() == f"web cannot listen on 127.0.0.1:{tcp}/tcp in {HERE}: Address already in use\n"


def test_told_to_keep_it_outlives_its_builder_and_ends_on_a_signal(tcp: int) -> None:
    found = start(f"{HERE} tcp 127.0.0.1 {tcp} web")
    listeners = Listeners(found)
    listeners.wait_until_ready()
    listeners.keep()
    assert found.stdin is not None
    found.stdin.close()
    with socket.create_connection(("127.0.0.1", tcp), timeout=5) as client:
        assert client.makefile("rb").readline().startswith(b"web saw ")
    pid, started = listeners.identity
    end_process(pid, started + 1)
    assert found.poll() is None
    end_process(pid, started)
    assert found.wait(5) == 0
    listeners.end()


def test_a_program_of_the_lab_runs_and_ends_with_the_listeners() -> None:
    found = start(json.dumps([HERE, "sleep", "1000"]))
    listeners = Listeners(found)
    listeners.wait_until_ready()
    (child,) = Path(f"/proc/{found.pid}/task/{found.pid}/children").read_text().split()
    ended = os.pidfd_open(int(child))
    listeners.end()
    assert select.select([ended], [], [], 5)[0]
    os.close(ended)


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(BuildError, match="nothing-such is not installed: install it"):
        ready([json.dumps([HERE, "nothing-such"])])


RELAY = "engine.apply.relay"


def test_a_relay_passes_connections_and_datagrams_on_and_closes_where_nobody_answers(
    server: subprocess.Popen[bytes], tcp: int, udp: int
) -> None:
    outer, closed, datagrams = (free_port(kind) for kind in (socket.SOCK_STREAM, socket.SOCK_STREAM, socket.SOCK_DGRAM))
    ports = (
        f"tcp 127.0.0.1 {outer} 127.0.0.1 {tcp}",
        f"tcp 127.0.0.1 {closed} 127.0.0.1 {free_port(socket.SOCK_STREAM)}",
        f"udp 127.0.0.1 {datagrams} 127.0.0.1 {udp}",
    )
    relay = ready(["portscope-relay", HERE, *ports], RELAY)
    try:
        with socket.create_connection(("127.0.0.1", outer), timeout=5) as client:
            assert client.makefile("rb").read().startswith(b"web saw 127.0.0.1:")
        with socket.create_connection(("127.0.0.1", closed), timeout=5) as client:
            assert client.recv(10) == b""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            for _ in range(2):
                client.sendto(b"x", ("127.0.0.1", datagrams))
                assert client.recv(100).startswith(b"dns saw 127.0.0.1:")
        assert Path(f"/proc/{relay.identity[0]}/comm").read_text() == "portscope-relay\n"
    finally:
        relay.end()


def test_a_port_without_a_target_is_held_and_silent() -> None:
    port = free_port(socket.SOCK_STREAM)
    relay = ready(["conmon", HERE, f"tcp 127.0.0.1 {port}"], RELAY)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.settimeout(0.1)
            with pytest.raises(TimeoutError):
                client.recv(10)
        with pytest.raises(BuildError, match=f"127.0.0.1:{port}/tcp cannot be published: Address already in use"):
            ready(["x", HERE, f"tcp 127.0.0.1 {port}"], RELAY)
    finally:
        relay.end()
