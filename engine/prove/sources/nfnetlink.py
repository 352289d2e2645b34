"""Netlink for netfilter: how requests are written, and a socket that only listens to what the kernel tells of itself.

`attribute` and `nested` write one attribute, `message` a whole request. An `NfnetlinkListener` joins multicast groups
of the calling thread's namespace; the kernel queues what it sends, and `drain` returns it without waiting.

Sources: include/uapi/linux/netfilter/nfnetlink.h (enum nfnetlink_groups), net/netfilter/nfnetlink.c.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from engine.observe.netlink.client import Message, messages

NETLINK_NETFILTER = 12
SOL_NETLINK, ADD_MEMBERSHIP = 270, 1
SUBSYSTEM_CONNTRACK, SUBSYSTEM_NFTABLES = 1, 10
GROUP_CONNTRACK_NEW, GROUP_CONNTRACK_UPDATE, GROUP_CONNTRACK_DESTROY, GROUP_TRACE = 1, 2, 3, 9

NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_APPEND = 0x1, 0x4, 0x400, 0x800
#: enum nfproto, by nft's name of the family.
FAMILIES = {"inet": 1, "ip": 2, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}
_NESTED = 0x8000
_header = struct.Struct("=IHHII")
_LARGEST = 1 << 16
#: Bytes that may wait to be read. A proof's events are a few hundred messages.
_ROOM = 1 << 22
SO_RCVBUFFORCE = 33


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute that holds others."""
    return attribute(kind | _NESTED, b"".join(parts))


def text(kind: int, value: str) -> bytes:
    """An attribute that holds a name."""
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """An attribute that holds 32 bits in network order (negative numbers as their two's complement)."""
    return attribute(kind, struct.pack("!I", value & 0xFFFFFFFF))


def subject(family: int, resource: int = 0) -> bytes:
    """struct nfgenmsg, which every request begins with."""
    return struct.pack("!BBH", family, 0, resource)


def message(kind: int, flags: int, sequence: int, content: bytes) -> bytes:
    """A request: netlink header, `subject`, attributes. `kind` has the subsystem in its upper byte."""
    return _header.pack(16 + len(content), kind, NLM_F_REQUEST | flags, sequence, 0) + content


def make_room(receiver: socket.socket) -> None:
    """A larger receive buffer: as much as is allowed."""
    for option in (socket.SO_RCVBUF, SO_RCVBUFFORCE):
        with suppress(OSError):
            receiver.setsockopt(socket.SOL_SOCKET, option, _ROOM)


class NfnetlinkListener:
    """Hears multicast groups of the namespace of the thread that makes it. Raises OSError where that is forbidden."""

    def __init__(self, groups: Iterable[int]) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        try:
            make_room(self._socket)
            self._socket.bind((0, 0))
            for group in groups:
                self._socket.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """For selectors: readable when the kernel has told something."""
        return self._socket.fileno()

    def drain(self) -> tuple[list[Message], bool]:
        """What was told since the last call as (type, body), and whether all of it. Raises NetlinkError."""
        heard: list[Message] = []
        whole = True
        while True:
            try:
                data = self._socket.recv(_LARGEST, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return heard, whole
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                whole = False
                continue
            heard += [(kind, body) for kind, _, _, body in messages(data)]

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()
