"""A table of arptables-legacy from the entries that the kernel holds. Pure.

An entry asks for parts of an ARP message and for devices, and ends in a target.
A rule's text is a line of arptables(8) that would make it. What a target that is no
verdict does (mangle, CLASSIFY) is not known: such a rule is an `Opaque`. Bytes that are no table raise
`FirewallTextError`.

Sources: include/uapi/linux/netfilter_arp/arp_tables.h (struct arpt_entry), net/ipv4/netfilter/arp_tables.c
(arp_packet_match), arptable_filter.c; include/uapi/linux/netfilter/x_tables.h.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from itertools import pairwise

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    Match,
    Name,
    Opaque,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from engine.observe.firewall.arp_sockopt import Entries
from engine.observe.firewall.errors import FirewallTextError
from engine.records import dataclass

_HOOKS = ("INPUT", "OUTPUT", "FORWARD")
_VERDICTS = {-1: VerdictKind.DROP, -2: VerdictKind.ACCEPT, -5: VerdictKind.RETURN}
#: Where target and next entry are, both from the entry's begin; its counters; a target's name and its verdict.
_lengths, _counters = struct.Struct("=HH"), struct.Struct("=QQ")
_LENGTHS_AT, _COUNTERS_AT, _SIZE = 164, 176, 192
_NAME_AT, _NAME, _VERDICT_AT = 2, 29, 32
_GOTO = 1


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _decimal(raw: bytes) -> str:
    return str(_number(raw))


def _hexadecimal(raw: bytes) -> str:
    return f"{_number(raw):#x}"


def _ip(raw: bytes) -> str:
    return str(IPv4Address(raw))


def _mac(raw: bytes) -> str:
    return raw.hex(":")


@dataclass(frozen=True, slots=True)
class ArpValue:
    """A part of a message: its field, option, places of value and mask in an entry, size, how it is written, and the
    bit of its `!`."""

    field: str
    option: str
    at: int
    mask_at: int
    size: int
    show: Callable[[bytes], str]
    bit: int

    def match(self, value: int, mask: int, negate: bool) -> Match:
        """The condition that asks for a value under a mask."""
        full = mask == (1 << 8 * self.size) - 1
        words = f"{self.option} {self._shown(value)}" + ("" if full else f"/{self._shown(mask)}")
        field = Field(self.field, None if full else mask)
        return Match((field,), ((Interval(value, value),),), negate=negate, text=_not(negate, words))

    def _shown(self, value: int) -> str:
        return self.show(value.to_bytes(self.size, "big"))


@dataclass(frozen=True, slots=True)
class Device:
    """The device that a message comes in or goes out by: field, option, places of name and mask, bit of its `!`."""

    field: str
    option: str
    at: int
    mask_at: int
    bit: int

    def match(self, name: str, begin: bool, negate: bool) -> Match:
        """The condition that asks for a device by its name, or by how that begins."""
        words = _not(negate, f"{self.option} {name}{'+' if begin else ''}")
        return Match((Field(self.field),), ((Name(f"{name}*" if begin else name),),), negate=negate, text=words)


#: What can be asked of a message, in the order in which a rule's text has it.
VALUES = (
    ArpValue("arp hlen", "--h-length", 16, 17, 1, _decimal, 0x20),
    ArpValue("arp operation", "--opcode", 82, 84, 2, _decimal, 0x40),
    ArpValue("arp htype", "--h-type", 86, 88, 2, _decimal, 0x80),
    ArpValue("arp ptype", "--proto-type", 90, 92, 2, _hexadecimal, 0x100),
    ArpValue("arp saddr ip", "-s", 0, 8, 4, _ip, 0x04),
    ArpValue("arp daddr ip", "-d", 4, 12, 4, _ip, 0x08),
    ArpValue("arp saddr ether", "--source-mac", 18, 34, 6, _mac, 0x10),
    ArpValue("arp daddr ether", "--destination-mac", 50, 66, 6, _mac, 0x200),
)
DEVICES = (Device("meta iifname", "-i", 94, 126, 0x01), Device("meta oifname", "-o", 110, 142, 0x02))

#: Where an entry is, where its target is, where the next entry is.
_Row = tuple[int, int, int]


def table(found: Entries) -> Table:
    """The table that the kernel has. Raises FirewallTextError for bytes that are none."""
    try:
        return Table(Backend.XT_LEGACY, "arp", found.name, tuple(_chains(found)))
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise FirewallTextError(f"the table {found.name} of arptables is not understood: {error}") from None


def _chains(found: Entries) -> Iterator[Chain]:
    data = bytes(found.data[found.start :])
    rows = list(_rows(data))
    at = {row[0]: number for number, row in enumerate(rows)}
    marks = [number for number, row in enumerate(rows) if _target(data, row) == "ERROR"]
    users = [(_text(data, rows[mark][1] + _VERDICT_AT, 30), mark + 1, end - 1) for mark, end in pairwise(marks)]
    jumps = {rows[first][0]: name for name, first, _ in users}
    for hook, begin, end in found.chains:
        policy = _VERDICTS[_verdict(data, rows[at[end]])]
        base = BaseChain("filter", _HOOKS[hook].lower(), 0, policy)
        yield Chain(_HOOKS[hook], tuple(_rules(data, _HOOKS[hook], rows[at[begin] : at[end]], jumps)), base)
    for name, first, last in users:
        yield Chain(name, tuple(_rules(data, name, rows[first:last], jumps)))


def _rows(data: bytes) -> Iterator[_Row]:
    place = 0
    while place < len(data):
        target, following = _lengths.unpack_from(data, place + _LENGTHS_AT)
        if not _SIZE <= target < following:
            raise ValueError("an entry leads nowhere")
        yield place, place + target, place + following
        place += following


def _rules(data: bytes, chain: str, rows: list[_Row], jumps: dict[int, str]) -> Iterator[Rule]:
    for index, row in enumerate(rows):
        place = row[0]
        asked = list(_asked(data[place : place + _LENGTHS_AT]))
        does, words = _does(data, row, jumps)
        text = " ".join([f"-A {chain}", *(each.text for each in asked), *([words] if words else [])])
        packets, octets = _counters.unpack_from(data, place + _COUNTERS_AT)
        statements = (*asked, *(Opaque(text) if each is None else each for each in does))
        yield Rule(index, statements, text, packets=packets, bytes=octets)


def _does(data: bytes, row: _Row, jumps: dict[int, str]) -> tuple[tuple[Statement | None, ...], str]:
    """What a rule does, None where that is not known; and the words for it."""
    if name := _target(data, row):
        return (None,), f"-j {name}"
    verdict = _verdict(data, row)
    if verdict == row[2]:  # no target at all
        return (), ""
    if verdict < 0:
        return (RuleVerdict(_VERDICTS[verdict]),), f"-j {_VERDICTS[verdict].upper()}"
    goes = data[row[0] + 158] & _GOTO
    kind = VerdictKind.GOTO if goes else VerdictKind.JUMP
    return (RuleVerdict(kind, jumps[verdict]),), f"-{'g' if goes else 'j'} {jumps[verdict]}"


def _asked(part: bytes) -> Iterator[Match]:
    """The conditions of an entry, from its struct arpt_arp."""
    (inverted,) = struct.unpack_from("=H", part, 160)
    for each in VALUES:
        value, mask = (part[at : at + each.size] for at in (each.at, each.mask_at))
        if any(mask) or inverted & each.bit:
            yield each.match(_number(value), _number(mask), bool(inverted & each.bit))
    for device in DEVICES:
        compared = part[device.mask_at : device.mask_at + 16].rstrip(b"\0")
        if compared:
            name = part[device.at : device.at + len(compared)]
            shown = name.rstrip(b"\0").decode("utf-8", "replace")
            yield device.match(shown, not name.endswith(b"\0"), bool(inverted & device.bit))


def _not(negate: bool, words: str) -> str:
    return f"! {words}" if negate else words


def _target(data: bytes, row: _Row) -> str:
    return _text(data, row[1] + _NAME_AT, _NAME)


def _verdict(data: bytes, row: _Row) -> int:
    return int(struct.unpack_from("=i", data, row[1] + _VERDICT_AT)[0])


def _text(data: bytes, at: int, size: int) -> str:
    return data[at : at + size].partition(b"\0")[0].decode("utf-8", "replace")
