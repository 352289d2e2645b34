"""Calls of Kubernetes' Container Runtime Interface by hand: gRPC is protobuf messages over HTTP/2, of which few do.

A message is a dict of values by field number: text and bytes, numbers (0 is left out), messages, and lists of these for
repeated fields. An answer has the raw values of each field in a list. One connection makes one call.

Sources: RFC 9113 (frames), RFC 7541 (6.2.2: literal header fields), gRPC over HTTP/2, protobuf's wire format,
k8s.io/cri-api (runtime/v1/api.proto).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

Message = Mapping[int, Any]
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, ACK, END_HEADERS = 1, 1, 4
#: Seconds for one call: making a pod takes a tenth of one.
PATIENCE = 60.0


class CallFailed(Exception):
    """The runtime refused a call. Why is in headers that would have to be unpacked first (RFC 7541, 5.2)."""


def call(path: Path, method: str, message: Message) -> dict[int, list[Any]]:
    """Calls a method of the RuntimeService that listens at `path`. Raises CallFailed."""
    body = encode(message)
    names = {":method": "POST", ":scheme": "http", ":path": f"/runtime.v1.RuntimeService/{method}"}
    names |= {":authority": "localhost", "content-type": "application/grpc", "te": "trailers"}
    with socket.socket(socket.AF_UNIX) as channel, channel.makefile("rb") as answers:
        channel.settimeout(PATIENCE)
        channel.connect(str(path))
        channel.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS))
        channel.sendall(frame(HEADERS, END_HEADERS, 1, b"".join(header(*each) for each in names.items())))
        channel.sendall(frame(DATA, END_STREAM, 1, b"\0" + struct.pack(">I", len(body)) + body))
        found = received(channel, answers)
    if len(found) < 5:
        raise CallFailed(f"the container runtime refused {method}")
    return decode(found[5:])


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name: str, value: str) -> bytes:
    """A header that is spelled out."""
    return b"".join([b"\0", bytes([len(name)]), name.encode(), bytes([len(value)]), value.encode()])


def received(channel: socket.socket, answers: BufferedReader) -> bytes:
    """The data of the answer."""
    data = b""
    while len(head := answers.read(9)) == 9:
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        payload = answers.read(size)
        if kind in (SETTINGS, PING) and not flags & ACK:
            channel.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        data += payload if kind == DATA else b""
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            break
    return data


def encode(message: Message) -> bytes:
    """A message as it is sent."""
    return b"".join(
        field(number, each)
        for number, value in message.items()
        for each in (value if isinstance(value, list) else [value])
    )


def field(number: int, value: str | bytes | int | Message) -> bytes:
    """One field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    raw = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else encode(value)
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    """A number, seven bits a byte."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def decode(raw: bytes) -> dict[int, list[Any]]:
    """The fields of a message, as far as they are numbers or bytes."""
    found: dict[int, list[Any]] = {}
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(raw):
        key = number()
        value: int | bytes = number()
        if key & 7 == 2:
            size, value = int(value), raw[at : at + int(value)]
            at += size
        found.setdefault(key >> 3, []).append(value)
    return found
