"""Bytes of echoes."""

from __future__ import annotations

import struct

from engine.model.packet import Protocol
from engine.prove.echo import checksum, is_reply, new_ident, request


def test_a_request_has_a_checksum_that_adds_up() -> None:
    body = request(Protocol.ICMP, 4711)
    assert struct.unpack_from("!BBHH", body)[::3] == (8, 4711)
    assert checksum(body) == 0


def test_a_reply_is_known_by_type_and_identifier_with_or_without_an_ip_header() -> None:
    reply = b"\0\0" + request(Protocol.ICMP, 4711)[2:]
    header = b"\x45" + bytes(19)
    assert is_reply(reply, Protocol.ICMP, 4711)
    assert is_reply(header + reply, Protocol.ICMP, 4711)
    assert not is_reply(reply, Protocol.ICMP, 4712)
    assert not is_reply(request(Protocol.ICMP, 4711), Protocol.ICMP, 4711)
    assert not is_reply(b"", Protocol.ICMP, 4711)
    assert is_reply(b"\x81\0" + request(Protocol.ICMPV6, 9)[2:], Protocol.ICMPV6, 9)


def test_identifiers_fit_into_their_field() -> None:
    assert all(1 <= new_ident() <= 0xFFFF for _ in range(200))
