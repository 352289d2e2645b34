"""A lean netlink client: one dump request, its messages, their attributes, and nothing else.

How it works:
1. A `Netlink` is one AF_NETLINK socket. It belongs to the namespace of the thread that opened it, for life.
2. `dump` sends one request and gives back every message of the answer as (type, body) with the body
   still raw; `attributes` splits a body into attributes and leaves their values as bytes, so that
   nothing is decoded which no reader asks for.
3. A kernel that can checks requests strictly (NETLINK_GET_STRICT_CHK): a filter that it does not know is
   an error, not a silently longer answer.
4. A dump during which the tables changed (NLM_F_DUMP_INTR) is made again; one that keeps changing is
   returned with `consistent` false, which the snapshot shows as a gap.
5. Bytes that are no netlink raise `NetlinkError`, as do refusals, with the kernel's own words
   (NETLINK_EXT_ACK). A socket that cannot be opened raises OSError.

Sources: Linux Documentation/userspace-api/netlink/intro.rst, include/uapi/linux/netlink.h.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType

from engine.observe.base.errors import NetlinkError
from engine.records import dataclass

NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN = 2, 3, 4
NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x10, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200

_SOL_NETLINK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK = 270, 11, 12
_NLMSGERR_ATTR_MSG = 1
#: The type bits of an attribute: without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
_ATTRIBUTE_TYPE = 0x3FFF
#: The kernel fills at most 32 KiB a read when the reader's buffer allows it; one answer alone can be larger.
_BUFFER = 64 * 1024
_ATTEMPTS = 3

_header = struct.Struct("=IHHII")
_attribute = struct.Struct("=HH").unpack_from
_int = struct.Struct("=i").unpack_from

#: A message: its type, and what follows the netlink header.
Message = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Dump:
    """The answer to a dump request. `consistent` is false when the tables changed while they were read."""

    messages: tuple[Message, ...]
    consistent: bool = True


def attributes(body: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes of `body` from `offset` on, by type; of a type that comes twice, the last.

    Raises NetlinkError when a length leads out of the body.
    """
    found: dict[int, bytes] = {}
    end = len(body)
    while offset + 4 <= end:
        length, kind = _attribute(body, offset)
        if length < 4 or offset + length > end:
            raise NetlinkError(f"a netlink attribute claims {length} bytes where {end - offset} are left")
        found[kind & _ATTRIBUTE_TYPE] = body[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def attribute_list(body: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """As `attributes`, for types that come several times: type and value in their order."""
    end = len(body)
    while offset + 4 <= end:
        length, kind = _attribute(body, offset)
        if length < 4 or offset + length > end:
            raise NetlinkError(f"a netlink attribute claims {length} bytes where {end - offset} are left")
        yield kind & _ATTRIBUTE_TYPE, body[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def messages(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """The messages of one read: type, flags, sequence number, body.

    Raises NetlinkError when a length leads out of the data.
    """
    for kind, flags, sequence, _, body in ported_messages(data):
        yield kind, flags, sequence, body


def ported_messages(data: bytes) -> Iterator[tuple[int, int, int, int, bytes]]:
    """The messages of one read: type, flags, sequence number, the port of the socket that is behind it, body.

    A port that is negative is no process's id. Raises NetlinkError when a length leads out of the data.
    """
    offset, end = 0, len(data)
    while offset + 16 <= end:
        length, kind, flags, sequence, port = _header.unpack_from(data, offset)
        if length < 16 or offset + length > end:
            raise NetlinkError(f"a netlink message claims {length} bytes where {end - offset} are left")
        yield kind, flags, sequence, port, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def parse_error(body: bytes, flags: int = 0) -> NetlinkError | None:
    """What an NLMSG_ERROR says; None when it is an acknowledgement."""
    if len(body) < 4:
        return NetlinkError("the kernel sent a netlink error without a number")
    (code,) = _int(body)
    if code == 0:
        return None
    words = ""
    if flags & NLM_F_ACK_TLVS and len(body) >= 20:
        length = 16 if flags & NLM_F_CAPPED else max(16, struct.unpack_from("=I", body, 4)[0])
        words = _kernel_words(body, 4 + ((length + 3) & ~3))
    return _refusal(-code, words)


def parse_done(body: bytes) -> NetlinkError | None:
    """What an NLMSG_DONE says about its dump: None, or the error that ended it early."""
    code = _int(body)[0] if len(body) >= 4 else 0
    return _refusal(-code, _kernel_words(body, 4)) if code < 0 else None


def _kernel_words(body: bytes, offset: int) -> str:
    try:
        raw = attributes(body, offset).get(_NLMSGERR_ATTR_MSG, b"")
    except NetlinkError:
        return ""
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def _refusal(code: int, words: str) -> NetlinkError:
    reason = os.strerror(code) if code > 0 else f"error {code}"
    return NetlinkError(f"the kernel refused: {reason}" + (f" ({words})" if words else ""), max(code, 0))


_of_thread = threading.local()


def _buffer_of_thread() -> memoryview:
    """Where a thread's answers arrive. All of its sockets share it: an answer is copied out as soon as it is read."""
    view: memoryview | None = getattr(_of_thread, "view", None)
    if view is None:
        view = _of_thread.view = memoryview(bytearray(_BUFFER))
    return view


class Netlink:
    """One netlink socket, in the network namespace of the thread that makes it. Raises OSError when refused."""

    def __init__(self, protocol: int = socket.NETLINK_ROUTE) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._view = _buffer_of_thread()
        self._sequence = 0
        try:
            self._socket.bind((0, 0))
            for option in (_NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
                with suppress(OSError):  # a kernel older than 4.20 answers all the same
                    self._socket.setsockopt(_SOL_NETLINK, option, 1)
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the socket; a dump that is still on its way is dropped by the kernel."""
        self._socket.close()

    def dump(self, kind: int, body: bytes) -> Dump:
        """All messages that answer the dump request `kind` with the header `body`. Raises NetlinkError, OSError."""
        for _ in range(_ATTEMPTS - 1):
            answer = self._dump_once(kind, body)
            if answer.consistent:
                return answer
        return self._dump_once(kind, body)

    def ask(self, kind: int, body: bytes) -> Message:
        """The one message that answers a request which is no dump. Raises NetlinkError, OSError."""
        self._send(kind, NLM_F_REQUEST, body)
        while True:
            for answer, flags, sequence, content in messages(self._receive()):
                if sequence != self._sequence:
                    continue
                if answer == NLMSG_ERROR:
                    raise parse_error(content, flags) or NetlinkError("the kernel answered with nothing")
                return answer, content

    def _dump_once(self, kind: int, body: bytes) -> Dump:
        self._send(kind, NLM_F_REQUEST | NLM_F_DUMP, body)
        found: list[Message] = []
        consistent = True
        while True:
            for answer, flags, sequence, content in messages(self._receive()):
                if sequence != self._sequence:
                    continue
                if flags & NLM_F_DUMP_INTR:
                    consistent = False
                if answer >= 16:
                    found.append((answer, content))
                elif error := _ending(answer, flags, content):
                    raise error
                elif answer in (NLMSG_DONE, NLMSG_ERROR):
                    return Dump(tuple(found), consistent)

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.send(_header.pack(16 + len(body), kind, flags, self._sequence, 0) + body)

    def _receive(self) -> bytes:
        length = self._socket.recv_into(self._view, 0, socket.MSG_TRUNC)
        if length > _BUFFER:
            raise NetlinkError(f"the kernel's answer of {length} bytes is larger than the buffer")
        return bytes(self._view[:length])


def _ending(kind: int, flags: int, body: bytes) -> NetlinkError | None:
    """The error in a control message, if it is one."""
    if kind == NLMSG_ERROR:
        return parse_error(body, flags)
    if kind == NLMSG_DONE:
        return parse_done(body)
    return NetlinkError("the kernel lost a part of the answer") if kind == NLMSG_OVERRUN else None
