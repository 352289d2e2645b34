"""The filter of a capture, run on a machine of our own: it keeps the conversation's packets and nothing else."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest

from engine.model.packet import Packet, Protocol
from engine.prove.packets.bpf import KEPT, program
from engine.prove.packets.capture import address_questions
from engine.prove.packets.patterns import Flow, Pattern, patterns
from tests.prove.packets import tcp, unreachable, wire

ETHERTYPES = {4: 0x0800, 6: 0x86DD}
FLOW = Flow(Protocol.TCP, src=ip_address("10.0.0.1"), sport=50000)
FLOW6 = Flow(Protocol.TCP, src=ip_address("fd00::1"), sport=50000)
SYN, SYN6 = tcp("10.0.0.1", 50000, "10.0.0.2", 80), tcp("fd00::1", 50000, "fd00::2", 80)
ANSWER = tcp("10.0.0.2", 80, "10.0.0.1", 50000, 18)


def run(code: bytes, data: bytes, ethertype: int) -> int:
    """What a machine of classic BPF returns: how many bytes of the packet are kept."""
    steps = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    accumulator = index = place = 0
    while True:
        code_, if_true, if_false, value = steps[place]
        place += 1
        if code_ == 0x06:
            return value
        if code_ in (0x15, 0x45):
            holds = accumulator == value if code_ == 0x15 else bool(accumulator & value)
            place += if_true if holds else if_false
        elif code_ == 0xB1:
            index = (data[value] & 0xF) * 4
        elif code_ == 0x01:
            index = value
        elif value == 0xFFFFF000:
            accumulator = ethertype
        else:
            size = {0x20: 4, 0x28: 2, 0x30: 1}[code_ & ~0x60 | 0x20]
            start = value + (index if code_ & 0x40 else 0)
            if start + size > len(data):
                return 0  # a load beyond the packet ends the program
            accumulator = int.from_bytes(data[start : start + size], "big")


def kept(wanted: tuple[Pattern, ...], packet: Packet, payload: bytes = b"") -> bool:
    return run(program(wanted), wire(packet, payload), ETHERTYPES[packet.dst.version]) == KEPT


@pytest.mark.parametrize(("flow", "packet"), [(FLOW, SYN), (FLOW, ANSWER), (FLOW6, SYN6)], ids=str)
def test_both_directions_of_the_flow_are_kept(flow: Flow, packet: Packet) -> None:
    assert kept(patterns((flow,)), packet)


@pytest.mark.parametrize(
    "packet",
    [
        tcp("10.0.0.1", 50001, "10.0.0.2", 80),
        tcp("10.0.0.9", 50000, "10.0.0.2", 80),
        tcp("10.0.0.2", 80, "10.0.0.9", 50000),
        SYN6,
        unreachable("10.0.0.9", "10.0.0.1"),
    ],
    ids=str,
)
def test_other_packets_are_not_kept(packet: Packet) -> None:
    assert not kept(patterns((FLOW,)), packet)


def test_an_error_is_kept_when_it_quotes_the_flow() -> None:
    error, error6 = unreachable("10.0.0.9", "10.0.0.1"), unreachable("fd00::9", "fd00::1")
    assert kept(patterns((FLOW,)), error, wire(SYN))
    assert kept(patterns((FLOW,)), error, wire(ANSWER))
    assert not kept(patterns((FLOW,)), error, wire(tcp("10.0.0.1", 50001, "10.0.0.2", 80)))
    assert kept(patterns((FLOW6,)), error6, wire(SYN6))


def test_a_later_fragment_is_not_taken_for_ports() -> None:
    data = bytearray(wire(SYN))
    data[7] = 8
    assert run(program(patterns((FLOW,))), bytes(data), 0x0800) == 0


def test_questions_for_an_address_are_kept() -> None:
    wanted = address_questions([ip_address("10.0.0.2"), ip_address("fd00::2")])
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + bytes(6) + ip_address("10.0.0.1").packed + bytes(6)
    assert run(program(wanted), arp + ip_address("10.0.0.2").packed, 0x0806) == KEPT
    assert run(program(wanted), arp + ip_address("10.0.0.3").packed, 0x0806) == 0
    asking = Packet(ip_address("fd00::1"), ip_address("ff02::1:ff00:2"), Protocol.ICMPV6, icmp_type=135, icmp_code=0)
    assert run(program(wanted), wire(asking, ip_address("fd00::2").packed), 0x86DD) == KEPT
    assert run(program(wanted), wire(asking, ip_address("fd00::3").packed), 0x86DD) == 0
