"""Builds netlink bytes for tests, so that a parser's input can be read in the test itself."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from engine.model.address import IPAddress


def attr(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes, *, flags: int = 0, sequence: int = 1) -> bytes:
    """One netlink message, padded."""
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body + bytes(-len(body) % 4)


def u32(value: int) -> bytes:
    return struct.pack("=I", value)


def ip(text: str) -> bytes:
    return ip_address(text).packed


def address(text: str) -> IPAddress:
    return ip_address(text)


def name(text: str) -> bytes:
    return text.encode() + b"\0"


def link(index: int, text: str, *attributes: bytes, flags: int = 0x10001, hardware: int = 1) -> tuple[int, bytes]:
    return 16, struct.pack("=BxHiII", 0, hardware, index, flags, 0) + attr(3, name(text)) + b"".join(attributes)


def route(
    family: int, length: int, *attributes: bytes, kind: int = 1, protocol: int = 4, scope: int = 0, table: int = 254
) -> tuple[int, bytes]:
    return 24, struct.pack("=BBBBBBBBI", family, length, 0, 0, table, protocol, scope, kind, 0) + b"".join(attributes)


def rule(family: int, *attributes: bytes, action: int = 1, lengths: tuple[int, int] = (0, 0), flags: int = 0) -> bytes:
    to_length, from_length = lengths
    header = struct.pack("=BBBBBxxBI", family, to_length, from_length, 0, 254, action, flags)
    return header + b"".join(attributes)


def neighbour(family: int, index: int, state: int, *attributes: bytes, flags: int = 0) -> tuple[int, bytes]:
    return 28, struct.pack("=BxxxiHBB", family, index, state, flags, 0) + b"".join(attributes)
