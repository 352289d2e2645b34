"""A packet filter for the captures' sockets: patterns as a program of the classic BPF machine. Pure.

A program is a row of alternatives, one for each pattern: its tests in order, and at the first that fails on to the next
alternative. It runs on what a SOCK_DGRAM packet socket sees, which begins with the IP (or ARP) header.

Sources: Linux Documentation/networking/filter.rst, include/uapi/linux/filter.h (SKF_AD_PROTOCOL).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from engine.prove.packets.patterns import Base, Pattern, Test
from engine.records import dataclass

_LOAD = {1: 0x30, 2: 0x28, 4: 0x20}
_LOAD_INDEXED = {1: 0x50, 2: 0x48, 4: 0x40}
_LOAD_IP_HEADER_LENGTH, _LOAD_INDEX = 0xB1, 0x01
_JUMP_EQUAL, _JUMP_SET, _RETURN = 0x15, 0x45, 0x06
_ETHERTYPE = 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PROTOCOL
_ETHERTYPES = {"ip": 0x0800, "ip6": 0x86DD, "arp": 0x0806}
_FRAGMENT_AT, _FRAGMENT_OFFSET = 6, 0x1FFF
_IPV6_HEADER = 40
#: Bytes of a packet that are kept: headers, and what an error quotes.
KEPT = 256

_instruction = struct.Struct("=HBBI")


@dataclass(frozen=True, slots=True)
class _Step:
    """An instruction; `equal` and `unset` are jumps that leave the alternative when the test fails."""

    code: int
    value: int
    fails: str = ""


def program(patterns: Iterable[Pattern]) -> bytes:
    """The instructions (struct sock_filter) that keep the packets of any pattern, and no others."""
    code: list[bytes] = []
    for pattern in patterns:
        steps = list(_alternative(pattern))
        for place, step in enumerate(steps):
            out = len(steps) - place - 1 if step.fails else 0
            jumps = {"equal": (0, out), "unset": (out, 0), "": (0, 0)}[step.fails]
            code.append(_instruction.pack(step.code, *jumps, step.value))
    code.append(_instruction.pack(_RETURN, 0, 0, 0))
    return b"".join(code)


def _alternative(pattern: Pattern) -> Iterator[_Step]:
    yield _Step(_LOAD[2], _ETHERTYPE)
    yield _Step(_JUMP_EQUAL, _ETHERTYPES[pattern.family], "equal")
    if any(test.base is Base.TRANSPORT for test in pattern.tests):
        if pattern.family == "ip":
            yield _Step(_LOAD[2], _FRAGMENT_AT)
            yield _Step(_JUMP_SET, _FRAGMENT_OFFSET, "unset")
            yield _Step(_LOAD_IP_HEADER_LENGTH, 0)
        else:
            yield _Step(_LOAD_INDEX, _IPV6_HEADER)
    for test in pattern.tests:
        yield from _test(test)
    yield _Step(_RETURN, KEPT)


def _test(test: Test) -> Iterator[_Step]:
    """The value in pieces that the machine can load."""
    loads = _LOAD_INDEXED if test.base is Base.TRANSPORT else _LOAD
    offset, rest = test.offset, test.value
    while rest:
        size = 4 if len(rest) >= 4 else 2 if len(rest) >= 2 else 1
        yield _Step(loads[size], offset)
        yield _Step(_JUMP_EQUAL, int.from_bytes(rest[:size], "big"), "equal")
        offset, rest = offset + size, rest[size:]
