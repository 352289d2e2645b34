"""Captured packets as a pcapng file, with a comment on each packet that names the step. Pure.

Each device of each namespace is an interface of its own ("eth0@web"); packets are Linux cooked captures
(LINKTYPE_LINUX_SLL), because a proof sees devices of all kinds. Times are in nanoseconds.

Sources: draft-ietf-opsawg-pcapng (blocks and options), LINKTYPE_LINUX_SLL of tcpdump.org.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from engine.prove.packets.capture import Captured

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_MAGIC, _UNKNOWN_LENGTH = 0x1A2B3C4D, -1
_LINKTYPE_LINUX_SLL = 113
_OPT_END, _OPT_COMMENT = 0, 1
_SHB_USERAPPL, _IF_NAME, _IF_TSRESOL, _EPB_FLAGS = 4, 2, 9, 2
_NANOSECONDS = b"\x09"
_INBOUND, _OUTBOUND = 1, 2
_SENDER = 8


def file_of(captured: Iterable[Captured], comments: Mapping[Captured, str], title: str = "") -> bytes:
    """The whole file. Packets are in order of time; one without a comment has none in the file either."""
    packets = sorted(captured, key=lambda each: each.when)
    ports = list(dict.fromkeys((each.device, each.netns) for each in packets))
    head = struct.pack("=IHHq", _MAGIC, 1, 0, _UNKNOWN_LENGTH)
    blocks = [_block(_SECTION, head + _options((_OPT_COMMENT, title.encode()), (_SHB_USERAPPL, b"portscope")))]
    for device, netns in ports:
        options = _options((_IF_NAME, f"{device}@{netns}".encode()), (_IF_TSRESOL, _NANOSECONDS))
        blocks.append(_block(_INTERFACE, struct.pack("=HHI", _LINKTYPE_LINUX_SLL, 0, 0) + options))
    for each in packets:
        blocks.append(_packet(ports.index((each.device, each.netns)), each, comments.get(each, "")))
    return b"".join(blocks)


def _packet(interface: int, seen: Captured, comment: str) -> bytes:
    cooked = struct.pack("!HHH", seen.kind, seen.hardware, len(seen.sender))
    data = cooked + seen.sender[:_SENDER].ljust(_SENDER, b"\0") + struct.pack("!H", seen.ethertype) + seen.data
    whole = len(data) + max(seen.length - len(seen.data), 0)
    head = struct.pack("=IIIII", interface, seen.when >> 32, seen.when & 0xFFFFFFFF, len(data), whole)
    flags = struct.pack("=I", _OUTBOUND if seen.outgoing else _INBOUND)
    return _block(_PACKET, head + _padded(data) + _options((_OPT_COMMENT, comment.encode()), (_EPB_FLAGS, flags)))


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("=I", 12 + len(body))
    return struct.pack("=I", kind) + length + body + length


def _options(*options: tuple[int, bytes]) -> bytes:
    """The options that have a value, and the end of options."""
    rows = [struct.pack("=HH", code, len(value)) + _padded(value) for code, value in options if value]
    return b"".join(rows) + struct.pack("=HH", _OPT_END, 0)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
