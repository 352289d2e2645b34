"""Bytes of packets as values, and errors with what they quote."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.packet import Packet
from engine.prove.packets.headers import is_error, parse_packet, quoted
from tests.prove.packets import tcp, unreachable, wire

SYN = tcp("10.0.0.1", 50000, "10.0.0.2", 80)
SYN6 = tcp("fd00::1", 50000, "fd00::2", 80)


@pytest.mark.parametrize("packet", [SYN, SYN6, replace(SYN, tcp_flags=18, ttl=3)], ids=str)
def test_bytes_are_read_as_the_packet_that_they_are(packet: Packet) -> None:
    assert parse_packet(wire(packet)) == packet


@pytest.mark.parametrize(
    ("error", "about"), [(unreachable("10.0.0.9", "10.0.0.1"), SYN), (unreachable("fd00::9", "fd00::1"), SYN6)], ids=str
)
def test_an_error_quotes_the_packet_that_it_is_about(error: Packet, about: Packet) -> None:
    data = wire(error, wire(about))
    read = parse_packet(data)
    assert read is not None
    assert is_error(read)
    assert quoted(data) == about


def test_an_answer_to_a_ping_quotes_nothing() -> None:
    reply = replace(unreachable("10.0.0.9", "10.0.0.1", 0), icmp_type=0)
    assert not is_error(reply)
    assert quoted(wire(reply, wire(SYN))) is None


def test_what_is_cut_or_a_later_fragment_is_no_packet() -> None:
    data = bytearray(wire(SYN))
    assert parse_packet(bytes(data[:22])) is None
    data[7] = 1
    assert parse_packet(bytes(data)) is None
    assert parse_packet(b"") is None


@given(st.binary(max_size=120))
def test_no_bytes_raise(data: bytes) -> None:
    parse_packet(data)
    quoted(data)
