"""Rules of iptables-legacy as lines of iptables-save, written from the entries that the kernel holds. Pure.

A table is one row of entries: an address part, matches, and a target. A chain of a user begins behind an entry whose
target is ERROR with the chain's name, and a built-in chain where `Entries.chains` says; the last entry of each is its
policy. A jump tells the place that it goes to, and one to the next entry is no target at all. A table with anything
that `xt_infos` has no words for gives None: then iptables-legacy-save has to be asked. So a line that is written here
is one that iptables-save would print. What stands in many rules alike (an address part, a match, a target) is put into
words once, and remembered by its bytes.

Sources: include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h; libiptc.c
and iptables-save.c of iptables 1.8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from engine.observe.firewall.xt import Draft, Line
from engine.observe.firewall.xt_infos import MATCHES, TARGET_NAMES, TARGETS, Show
from engine.observe.firewall.xt_lines import PROTOCOLS, Unknown, address_words
from engine.observe.firewall.xt_sockopt import Entries
from engine.observe.memo import Memo

_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_ERROR = b"ERROR\0"
_VERDICTS = {-1: "DROP", -2: "ACCEPT", -5: "RETURN"}
_ENDS = {verdict: f" -j {name}" for verdict, name in _VERDICTS.items()}
_IN, _OUT, _SOURCE, _DESTINATION, _PROTOCOL = 0x01, 0x02, 0x08, 0x10, 0x40
_NO_DEVICES = bytes(64)

#: A match or a target: its size, name and revision, and behind these what it works with.
_NAME, _BEHIND = 2, 32
_int, _u16, _lengths = (struct.Struct(form).unpack_from for form in ("=i", "=H", "=HH"))


class _Layout(NamedTuple):
    """How an entry of a family begins; `goto` and `known` are flags of its address part.

    `head` gives the address part, where the target and the next entry are (at `lengths`), packets and octets. `address`
    gives source, destination, their masks, names and masks of devices, protocol, flags, and what is inverted; `none` is
    no address.
    """

    head: struct.Struct
    lengths: int
    address: struct.Struct
    none: bytes
    goto: int
    known: int


_LAYOUTS = {
    "ip": _Layout(struct.Struct("=84s4xHH4xQQ"), 88, struct.Struct("=4s4s4s4s64sHBB"), bytes(4), 2, 2),
    "ip6": _Layout(struct.Struct("=136s4xHH8xQQ"), 140, struct.Struct("=16s16s16s16s64sHxBB3x"), bytes(16), 4, 1 | 4),
}


def draft(table: Entries, family: str) -> Draft | None:
    """The table as lines; None where iptables-save has to be asked."""
    try:
        return _Reader(table, family).draft()
    except (Unknown, KeyError, ValueError, IndexError, struct.error):
        return None


class _Reader:
    """One table, entry by entry."""

    def __init__(self, table: Entries, family: str) -> None:
        self._table, self._family, self._layout = table, family, _LAYOUTS[family]
        self._data = table.data
        #: Where each rule and each policy is.
        self._places: list[int] = []
        #: Of each chain in turn the name, where its policy is (None: a user's), and the number of its first place; then
        #: those of the end of the table.
        self._begins: list[tuple[str, int | None, int]] = []
        #: The chains of a user by where they begin.
        self._jumps: dict[int, str] = {}
        self._walk()

    def _walk(self) -> None:
        """Finds the places, and where chains begin."""
        data, size, lengths, start = self._data, self._layout.head.size, self._layout.lengths, self._table.start
        built_in = {start + begin: (_HOOKS[hook], start + end) for hook, begin, end in self._table.chains}
        place, end, places = start, len(data), self._places
        while place < end:
            target, following = _lengths(data, place + lengths)
            if not size <= target < following:
                raise ValueError("an entry leads nowhere")
            if place in built_in:
                self._begins.append((*built_in[place], len(places)))
            target, following = place + target, place + following
            if data[target + _NAME] and data[target + _NAME : target + _BEHIND].startswith(_ERROR):
                name = self._jumps[following - start] = _text(data[target + _BEHIND : target + _BEHIND + 30])
                self._begins.append((name, None, len(places)))
            else:
                places.append(place)
            place = following
        if self._jumps.pop(end - start, None) is None:
            raise ValueError("the table has no end")

    def draft(self) -> Draft:
        """The chains in their order, each with its rules."""
        made = Draft(self._table.name)
        for (name, policy, first), (_, _, end) in pairwise(self._begins):
            last = self._places[end - 1]
            if end <= first or policy not in (None, last):
                raise ValueError("a chain does not end with its policy")
            made.policies[name] = "-" if policy is None else _VERDICTS[self._verdict(last)]
            made.rules[name] = self._lines(f"-A {name}", self._places[first : end - 1])
        if len(made.policies) != len(self._table.chains) + len(self._jumps):
            raise ValueError("a chain is missing")
        if not TARGET_NAMES.isdisjoint(made.policies):
            raise Unknown  # iptables-save takes a jump there for the target
        return made

    def _verdict(self, place: int) -> int:
        target, _ = _lengths(self._data, place + self._layout.lengths)
        return int(_int(self._data, place + target + _BEHIND)[0])

    def _lines(self, start: str, places: Sequence[int]) -> list[Line]:
        data, unpack, size, begin = self._data, self._layout.head.unpack_from, self._layout.head.size, self._table.start
        addresses, targets, jumps = _ADDRESSES[self._family], _TARGETS[self._family], self._jumps
        made: list[Line] = []
        for place in places:
            address, target, following, packets, octets = unpack(data, place)
            words, goto = addresses[address]
            parts = [words]
            at, target = place + size, place + target
            while at < target:
                (length,) = _u16(data, at)
                parts.append(_MATCHES[data[at : at + length]])
                at += length
            if at != target:
                raise ValueError("a match leads out of its entry")
            following += place
            if data[target + _NAME]:
                parts.append(targets[data[target:following]])
            elif (verdict := _int(data, target + _BEHIND)[0]) < 0:
                parts.append(_ENDS[verdict])
            elif verdict != following - begin:
                parts.append(f" {'-g' if goto else '-j'} {jumps[verdict]}")
            made.append((packets, octets, None, start, *parts))
        return made


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8")


# --- words of what stands in many rules alike -----------------------------------------------------------


def _match_part(raw: bytes) -> str:
    if len(raw) < _BEHIND:
        raise ValueError("a match without a name")
    name, show = _MATCH_NAMES[raw[_NAME:_BEHIND]]
    return _with_words(f" -m {name}", show(raw[_BEHIND:]))


def _target_part(family: str, raw: bytes) -> str:
    name, show = _TARGET_NAMES[family, raw[_NAME:_BEHIND]]
    return _with_words(f" -j {name}", show(raw[_BEHIND:]))


def _with_words(named: str, words: str | None) -> str:
    if words is None:
        raise Unknown
    return f"{named} {words}" if words else named


def _address_part(family: str, raw: bytes) -> tuple[str, int]:
    """` -s … -d … -i … -o … -p …`, and whether a jump is a goto."""
    layout = _LAYOUTS[family]
    source, destination, source_mask, destination_mask, devices, protocol, flags, inverted = layout.address.unpack(raw)
    if flags & ~layout.known or inverted & ~(_IN | _OUT | _SOURCE | _DESTINATION | _PROTOCOL):
        raise Unknown
    words = ""
    if source_mask != layout.none or source != layout.none or inverted & _SOURCE:
        words = f"{_not(inverted & _SOURCE)} -s {address_words(source, source_mask)}"
    if destination_mask != layout.none or destination != layout.none or inverted & _DESTINATION:
        words += f"{_not(inverted & _DESTINATION)} -d {address_words(destination, destination_mask)}"
    if devices != _NO_DEVICES:
        words += _device("-i", devices[:16], devices[32:48], inverted & _IN)
        words += _device("-o", devices[16:32], devices[48:], inverted & _OUT)
    if protocol:
        words += f"{_not(inverted & _PROTOCOL)} -p {PROTOCOLS[protocol]}"
    return words, flags & layout.goto


def _not(inverted: int) -> str:
    return " !" if inverted else ""


def _device(option: str, name: bytes, mask: bytes, inverted: int) -> str:
    """The whole name with its final zero is compared, or the begin that `+` stands behind."""
    compared = mask.find(0) if 0 in mask else len(mask)
    if not compared:
        return ""
    shown = name[:compared].rstrip(b"\0").decode("ascii")
    if not shown or set(" \"\\'").intersection(shown):
        raise Unknown
    return f"{_not(inverted)} {option} {shown}" + ("" if name[compared - 1 : compared] == b"\0" else "+")


def _match_named(raw: bytes) -> tuple[str, Show]:
    name = _text(raw[:-1])
    return name, MATCHES[name, raw[-1]]


def _target_named(key: tuple[str, bytes]) -> tuple[str, Show]:
    family, raw = key
    name = _text(raw[:-1])
    return name, TARGETS[family, name, raw[-1]]


_MATCH_NAMES, _TARGET_NAMES = Memo(_match_named), Memo(_target_named)
_MATCHES = Memo(_match_part)
_TARGETS = {family: Memo(partial(_target_part, family)) for family in _LAYOUTS}
_ADDRESSES = {family: Memo(partial(_address_part, family)) for family in _LAYOUTS}
