"""A container engine on a Unix socket that answers what a test tells it to, in a thread of its own."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


def as_http(document: object, status: str = "200 OK", server: str = "Docker/26.1.5 (linux)") -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status}\r\nServer: {server}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def chunked(document: object, size: int = 7) -> bytes:
    body = json.dumps(document).encode()
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nTrailer: 1\r\n\r\n"


@contextmanager
def fake_engine(path: Path, answers: Mapping[str, object]) -> Iterator[list[str]]:
    """Listens at `path`; yields the list of resources that were asked for.

    An answer is a document, or bytes to send as they are (b"" says nothing at all). Any other resource is a 404.
    """
    asked: list[str] = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    open_ends: list[socket.socket] = []

    def serve(client: socket.socket) -> None:
        with suppress(OSError), client.makefile("rb") as lines:
            while request := lines.readline():
                while lines.readline().strip():
                    pass
                resource = request.split()[1].decode()
                asked.append(resource)
                answer = answers.get(resource, as_http({}, "404 Not Found"))
                if isinstance(answer, bytes):
                    client.sendall(answer)
                    if answer and not answer.startswith(b"HTTP/1.1 "):
                        client.shutdown(socket.SHUT_RDWR)
                else:
                    client.sendall(as_http(answer))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                open_ends.append(client)
                workers.append(threading.Thread(target=serve, args=(client,)))
                workers[-1].start()

    workers: list[threading.Thread] = [threading.Thread(target=accept)]
    workers[0].start()
    try:
        yield asked
    finally:
        for end in (listening, *open_ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for worker in workers:
            worker.join()
