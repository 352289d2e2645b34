"""A netlink socket of one namespace: sends a request of `engine.apply.rtnetlink`, and waits for the kernel's word.

It belongs to the namespace of the thread that opened it, for life. Not for several threads at once.
Source: netlink(7), rtnetlink(7).
"""

from __future__ import annotations

import os
import socket
import struct

from engine.apply.rtnetlink import IFF_UP, get_link
from engine.records import dataclass

NLMSG_ERROR = 2
IFLA_IFNAME, IFLA_MASTER, IFLA_IFALIAS = 3, 10, 20
BUFFER = 1 << 16

_header = struct.Struct("=IHHII")
_sequence = struct.Struct("=I")
_error = struct.Struct("=i")
_link = struct.Struct("=BxHiII")
_attribute = struct.Struct("=HH")
SEQUENCE_AT = 8


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What is asked of a link: its name, whether it is up, its alias, and the index of its bridge (0 for none)."""

    name: str
    up: bool
    alias: str
    master: int


class Wire:
    """One netlink socket. Raises OSError when refused."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._number = 0

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def do(self, request: bytes) -> bytes | None:
        """Sends a request that asks for an acknowledgement; gives the answer before it, if any.

        Raises OSError with the kernel's errno.
        """
        self._number += 1
        numbered = bytearray(request)
        _sequence.pack_into(numbered, SEQUENCE_AT, self._number)
        self._socket.send(numbered)
        answer: bytes | None = None
        while True:
            data = self._socket.recv(BUFFER)
            at = 0
            while at < len(data):
                length, kind, _flags, number, _port = _header.unpack_from(data, at)
                body = data[at + _header.size : at + length]
                at += length + -length % 4
                if number != self._number:
                    continue
                if kind != NLMSG_ERROR:
                    answer = body
                    continue
                (code,) = _error.unpack_from(body)
                if code:
                    raise OSError(-code, os.strerror(-code))
                return answer

    def link(self, index: int) -> LinkFacts:
        """What a link is. Raises OSError (ENODEV) where there is none of that index."""
        body = self.do(get_link(index)) or b""
        _family, _kind, _index, flags, _change = _link.unpack_from(body)
        found: dict[int, bytes] = {}
        at = _link.size
        while at < len(body):
            length, kind = _attribute.unpack_from(body, at)
            found[kind] = body[at + _attribute.size : at + length]
            at += length + -length % 4
        text = {
            kind: found.get(kind, b"").rstrip(b"\0").decode(errors="replace") for kind in (IFLA_IFNAME, IFLA_IFALIAS)
        }
        master = int.from_bytes(found.get(IFLA_MASTER, b""), "little")
        return LinkFacts(text[IFLA_IFNAME], bool(flags & IFF_UP), text[IFLA_IFALIAS], master)
