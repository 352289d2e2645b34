"""Rules of iptables-legacy as lines of iptables-save, written from the entries that the kernel holds. Pure.

A table is one row of entries: an address part, matches, and a target. A chain of a user begins behind an entry whose
target is ERROR with the chain's name, and a built-in chain where `Entries.chains` says; the last entry of each is its
policy. A jump tells the place that it goes to, and one to the next entry is no target at all. A table with anything
that `xt_infos` has no words for gives None: then iptables-legacy-save has to be asked. So a line that is written here
is one that iptables-save would print.

Sources: include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h; libiptc.c
and iptables-save.c of iptables 1.8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from engine.observe.firewall.xt import Draft, Line
from engine.observe.firewall.xt_infos import MATCHES, TARGETS
from engine.observe.firewall.xt_lines import PROTOCOLS, Unknown, address_words
from engine.observe.firewall.xt_sockopt import Entries

_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_ERROR = b"ERROR\0"
_VERDICTS = {-1: "DROP", -2: "ACCEPT", -5: "RETURN"}
_IN, _OUT, _SOURCE, _DESTINATION, _FRAGMENT, _PROTOCOL = 0x01, 0x02, 0x08, 0x10, 0x20, 0x40

#: Size, name and revision of a match or a target; what it works with stands behind them.
_extension = struct.Struct("=H29sB")
_int = struct.Struct("=i").unpack_from
_u16 = struct.Struct("=H").unpack_from


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are in an entry of a family; `address` is the size of an address, `goto` a flag of the entry."""

    address: int
    protocol: struct.Struct
    lengths: int
    counters: int
    size: int
    goto: int
    flags: int


_LAYOUTS = {
    "ip": _Layout(4, struct.Struct("=HBB"), 88, 96, 112, 2, 1 | 2),
    "ip6": _Layout(16, struct.Struct("=HxBB"), 140, 152, 168, 4, 1 | 4),
}
_lengths, _counters = struct.Struct("=HH").unpack_from, struct.Struct("=QQ").unpack_from


def draft(table: Entries, family: str) -> Draft | None:
    """The table as lines; None where iptables-save has to be asked."""
    try:
        return _Reader(table, family).draft()
    except (Unknown, KeyError, ValueError, IndexError, struct.error):
        return None


class _Reader:
    """One table. A row is an entry: where it is, where its target is, and where the next entry is."""

    def __init__(self, table: Entries, family: str) -> None:
        self._table, self._family, self._layout = table, family, _LAYOUTS[family]
        self._data = table.data
        self._rows = list(self._entries())
        marks = [at for at, (_, target, _) in enumerate(self._rows) if self._data.startswith(_ERROR, target + 2)]
        #: Chains of a user: name, first row, row of the policy.
        self._users = [(self._error(first), first + 1, last - 1) for first, last in pairwise(marks)]
        self._jumps = {self._rows[first][0]: name for name, first, _ in self._users}

    def draft(self) -> Draft:
        """The chains in their order, each with its rules."""
        made = Draft(self._table.name)
        row_at = {row[0]: at for at, row in enumerate(self._rows)}
        for hook, begin, end in self._table.chains:
            made.policies[_HOOKS[hook]] = _VERDICTS[self._verdict(self._rows[row_at[end]])]
            made.rules[_HOOKS[hook]] = self._rules(_HOOKS[hook], row_at[begin], row_at[end])
        for name, first, last in self._users:
            made.policies[name] = "-"
            made.rules[name] = self._rules(name, first, last)
        return made

    def _entries(self) -> Iterator[tuple[int, int, int]]:
        place, end = 0, len(self._data)
        while place < end:
            target, following = _lengths(self._data, place + self._layout.lengths)
            if not self._layout.size <= target < following:
                raise ValueError("an entry leads nowhere")
            yield place, place + target, place + following
            place += following

    def _error(self, at: int) -> str:
        """The name in an ERROR target."""
        begin = self._rows[at][1] + _extension.size
        return _text(self._data[begin : begin + 30])

    def _verdict(self, row: tuple[int, int, int]) -> int:
        return int(_int(self._data, row[1] + _extension.size)[0])

    def _rules(self, chain: str, first: int, last: int) -> list[Line]:
        return [self._line(chain, *row) for row in self._rows[first:last]]

    def _line(self, chain: str, place: int, target: int, following: int) -> Line:
        data, layout = self._data, self._layout
        first, flags = _address_part(data[place : place + layout.lengths - 4], self._family)
        parts = [first] if first else []
        at = place + layout.size
        while at < target:
            (size,) = _u16(data, at)
            if size < _extension.size or at + size > target:
                raise ValueError("a match leads out of its entry")
            parts.append(_match_part(data[at : at + size]))
            at += size
        if data[target + 2]:
            parts.append(_target_part(data[target:following], self._family))
        elif jump := self._jump(_int(data, target + _extension.size)[0], following, flags & layout.goto):
            parts.append(jump)
        packets, octets = _counters(data, place + layout.counters)
        return f"{packets}:{octets}", f"-A {chain}{''.join(parts)}", None, parts

    def _jump(self, verdict: int, following: int, goto: int) -> str:
        if verdict < 0:
            return f" -j {_VERDICTS[verdict]}"
        return "" if verdict == following else f" {'-g' if goto else '-j'} {self._jumps[verdict]}"


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8")


@lru_cache(maxsize=1 << 16)
def _match_part(raw: bytes) -> str:
    _, name, revision = _extension.unpack_from(raw)
    words = MATCHES[_text(name), revision](raw[_extension.size :])
    if words is None:
        raise Unknown
    return f" -m {_text(name)} {words}".rstrip()


@lru_cache(maxsize=1 << 16)
def _target_part(raw: bytes, family: str) -> str:
    _, name, revision = _extension.unpack_from(raw)
    words = TARGETS[family, _text(name), revision](raw[_extension.size :])
    if words is None:
        raise Unknown
    return f" -j {_text(name)} {words}".rstrip()


@lru_cache(maxsize=1 << 16)
def _address_part(raw: bytes, family: str) -> tuple[str, int]:
    """`-s … -d … -i … -o … -p …`, and the flags of the entry."""
    layout = _LAYOUTS[family]
    size = layout.address
    source, destination, source_mask, destination_mask = (raw[at * size : (at + 1) * size] for at in range(4))
    devices = raw[4 * size : 4 * size + 64]
    protocol, flags, inverted = layout.protocol.unpack_from(raw, 4 * size + 64)
    if flags & ~layout.flags or inverted & ~(_IN | _OUT | _SOURCE | _DESTINATION | _PROTOCOL):
        raise Unknown
    if family == "ip" and flags & 1:
        raise Unknown  # -f
    words = [
        _address("-s", source, source_mask, inverted & _SOURCE),
        _address("-d", destination, destination_mask, inverted & _DESTINATION),
        _device("-i", devices[:16], devices[32:48], inverted & _IN),
        _device("-o", devices[16:32], devices[48:64], inverted & _OUT),
        _not(inverted & _PROTOCOL, f"-p {PROTOCOLS[protocol]}") if protocol else "",
    ]
    return "".join(f" {each}" for each in words if each), flags


def _not(inverted: int, words: str) -> str:
    return f"! {words}" if inverted else words


def _address(option: str, value: bytes, mask: bytes, inverted: int) -> str:
    if not any(mask) and not any(value) and not inverted:
        return ""
    return _not(inverted, f"{option} {address_words(value, mask)}")


def _device(option: str, name: bytes, mask: bytes, inverted: int) -> str:
    """The whole name with its final zero is compared, or the begin that `+` stands behind."""
    compared = mask.find(0) if 0 in mask else len(mask)
    if not compared:
        return ""
    shown = name[:compared].rstrip(b"\0").decode("ascii")
    if not shown or set(" \"\\'").intersection(shown):
        raise Unknown
    return _not(inverted, f"{option} {shown}" + ("" if name[compared - 1 : compared] == b"\0" else "+"))
