"""GET requests to a container engine over its Unix socket, one connection kept alive.

1. Only what engines need of HTTP/1.1 (RFC 9112): a status, headers, a body with a length, in chunks, or up
   to the end of the connection. `http.client` would cost more time to import than twenty answers take.
2. A request never waits for the engine longer than `TIMEOUT` between two pieces of an answer.
3. Every failure is an `EngineError` whose message is one line: what happened, and what to do.
4. Socket paths may be longer than the 107 bytes of sockaddr_un: the folder is opened and named by its
   descriptor.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import BinaryIO

#: Seconds.
TIMEOUT = 2.0
#: Bytes. An engine's list of a thousand containers has about three million.
LARGEST = 64 * 1024 * 1024
_LONGEST_LINE = 65536
#: Requests that are sent before the first of their answers is read.
_AHEAD = 64
_REQUEST = "HTTP/1.1\r\nHost: engine\r\nAccept: application/json\r\n\r\n"


class EngineError(Exception):
    """An engine cannot be read; the message says why and what to do, in one line."""


class NotFound(EngineError):
    """The engine does not know that object (any more)."""


class UnixHTTP:
    """One connection to the socket at `path`; `server` is the engine's own Server header, once it answered."""

    def __init__(self, path: str, timeout: float = TIMEOUT) -> None:
        """Connects. Raises EngineError."""
        self.path = path
        self.server = ""
        self._timeout = timeout
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(timeout)
        try:
            _connect(self._socket, path)
        except OSError as error:
            self._socket.close()
            raise EngineError(_refusal(path, error)) from error
        self._answer: BinaryIO = self._socket.makefile("rb")

    def __enter__(self) -> UnixHTTP:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def peer(self) -> int:
        """The pid of the process that listens (unix(7), SO_PEERCRED), 0 when it is in another PID namespace."""
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("=iII", raw)[0])

    def get(self, resource: str) -> object:
        """The JSON document at `resource`. Raises EngineError (NotFound for status 404)."""
        self._send([resource])
        return self._receive(resource)

    def get_each(self, resources: Sequence[str]) -> Iterator[object]:
        """The document at each resource, None where there is none (status 404). Raises EngineError.

        Requests are sent ahead of the answers (RFC 9112, 9.3.2), as few as fit into the socket's buffer.
        """
        for start in range(0, len(resources), _AHEAD):
            batch = resources[start : start + _AHEAD]
            self._send(batch)
            for resource in batch:
                try:
                    yield self._receive(resource)
                except NotFound:
                    yield None

    def begin(self, resource: str) -> int:
        """Asks for an answer that has no end. Its bytes come at this descriptor, which does not block any more.

        Raises EngineError.
        """
        self._send([resource])
        self._socket.setblocking(False)
        return self._socket.fileno()

    def close(self) -> None:
        """Ends the connection."""
        self._answer.close()
        self._socket.close()

    def _send(self, resources: Sequence[str]) -> None:
        try:
            self._socket.sendall("".join(f"GET {resource} {_REQUEST}" for resource in resources).encode())
        except OSError as error:
            raise EngineError(f"the engine at {self.path} takes no requests: {error}") from error

    def _receive(self, resource: str) -> object:
        try:
            status, body = self._read()
        except TimeoutError as error:
            reason = f"the engine at {self.path} did not answer within {self._timeout:g} s; look whether it hangs"
            raise EngineError(reason) from error
        except (OSError, ValueError) as error:
            raise EngineError(f"the engine at {self.path} broke off its answer to {resource}: {error}") from error
        if status == 404:
            raise NotFound(f"the engine at {self.path} knows no {resource}")
        if status != 200:
            raise EngineError(f"the engine at {self.path} answered {resource} with status {status}")
        try:
            document: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise EngineError(
                f"the engine at {self.path} answered {resource} with something that is no JSON"
            ) from error
        return document

    def _read(self) -> tuple[int, bytes]:
        """Status and body of one answer. Raises ValueError for what is no HTTP, OSError."""
        words = self._line().split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
            raise ValueError("this is no HTTP")
        headers: dict[bytes, bytes] = {}
        while line := self._line():
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        self.server = headers.get(b"server", b"").decode("latin-1")
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            return int(words[1]), self._chunks()
        if b"content-length" in headers:
            return int(words[1]), self._exactly(int(headers[b"content-length"]))
        return int(words[1]), self._answer.read(LARGEST)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := int(self._line().partition(b";")[0], 16):
            total += size
            parts.append(self._exactly(size, total))
            self._line()
        while self._line():
            pass
        return b"".join(parts)

    def _exactly(self, size: int, total: int = 0) -> bytes:
        if not 0 <= size <= LARGEST or total > LARGEST:
            raise ValueError(f"it claims more than {LARGEST} bytes")
        body = self._answer.read(size)
        if len(body) < size:
            raise ValueError("the connection ended early")
        return body

    def _line(self) -> bytes:
        line = self._answer.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise ValueError("the connection ended early" if len(line) < _LONGEST_LINE else "a line has no end")
        return line.rstrip(b"\r\n")


def _connect(channel: socket.socket, path: str) -> None:
    """Connects to a path of any length. Raises OSError."""
    if len(os.fsencode(path)) < 108:
        channel.connect(path)
        return
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        channel.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
    finally:
        os.close(folder)


def _refusal(path: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"{path} may not be opened: run as root, or join the group that owns it"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens at {path}: start the engine, or remove the stale socket"
    if isinstance(error, TimeoutError):
        return f"the engine at {path} takes no connections; look whether it hangs"
    return f"{path} cannot be connected to: {error.strerror or error}"
