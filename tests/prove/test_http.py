"""A request as a client of HTTP sends it: what it is answered, over TLS or not, by servers at loopback."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.model.proof import Attempt
from engine.model.trace import Symptom
from engine.model.verdict import Url
from engine.prove.http import exchange
from tests.harness.needs import require

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def server(say: Callable[[socket.socket], object]) -> Iterator[int]:
    """One client is let in and answered by `say`; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                say(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(5)


def fetched(port: int, url: Url, seconds: float = 2.0) -> Attempt:
    with socket.create_connection(("127.0.0.1", port)) as client:
        return exchange(client, url, time.monotonic() + seconds)


def answers(words: bytes) -> Callable[[socket.socket], object]:
    def say(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(words)

    return say


def reads_and_closes(connection: socket.socket) -> None:
    connection.recv(65536)


@pytest.mark.parametrize(
    ("say", "symptom", "status"),
    [
        (answers(OK), Symptom.CONNECTED, 200),
        (answers(b"HTTP/1.1 100 Continue\r\n\r\n" + OK), Symptom.CONNECTED, 200),
        (answers(b"HTTP/1.0 502 Bad Gateway\r\n\r\n"), Symptom.CONNECTED, 502),
        (answers(b"220 mail.example.test\r\n"), Symptom.CONNECTED, 0),
        (reads_and_closes, Symptom.CONNECTED, 0),
    ],
)
def test_the_status_is_read(say: Callable[[socket.socket], object], symptom: Symptom, status: int) -> None:
    with server(say) as port:
        made = fetched(port, Url("http", "blog.test", port))
    assert (made.symptom, made.status) == (symptom, status), made


def test_the_request_has_the_host_and_the_path() -> None:
    heard: list[bytes] = []

    def say(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(OK)

    with server(say) as port:
        fetched(port, Url("http", "blog.test", port, "/a?b=c"))
    assert heard[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert f"Host: blog.test:{port}\r\n".encode() in heard[0]


def test_a_server_that_says_nothing_may_wait_for_another() -> None:
    with server(lambda _: time.sleep(0.5)) as port:
        made = fetched(port, Url("http", "blog.test", port), 0.2)
    assert made.symptom is Symptom.ACCEPTED_THEN_SILENT
    assert "a proxy may wait longer" in made.doubt


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate for blog.test."""
    require("openssl")
    folder = tmp_path_factory.mktemp("certificate")
    made = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    name = ["-subj", "/CN=blog.test", "-addext", "subjectAltName=DNS:blog.test"]
    argv = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1", *made, *name]
    subprocess.run(argv, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder / "cert.pem"), Path(folder / "key.pem"))
    return context


def by_tls(context: ssl.SSLContext) -> Callable[[socket.socket], object]:
    def say(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                if secure.recv(65536):
                    secure.sendall(OK)
        except (ssl.SSLError, OSError):
            pass

    return say


def test_tls_is_spoken_and_the_name_is_compared(certified: ssl.SSLContext) -> None:
    with server(by_tls(certified)) as port:
        assert fetched(port, Url("https", "blog.test", port)).status == 200
    with server(by_tls(certified)) as port:
        made = fetched(port, Url("https", "shop.test", port))
    assert (made.symptom, made.error) == (Symptom.TLS_FAILURE, "the certificate is for blog.test")


def test_tls_to_a_plain_port_fails() -> None:
    with server(answers(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        made = fetched(port, Url("https", "blog.test", port))
    assert made.symptom is Symptom.TLS_FAILURE
    assert made.error
