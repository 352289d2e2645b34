"""What the parts of an entry of iptables-legacy say and mean: its address part, its matches and its target. Pure.

A part means what its words mean to `xt_parts`, and is remembered by its bytes. Two things are others in nearly every
rule of a large table: the address of one host, and where a translation leads. What these mean is put together from the
bytes, which gives the same and takes a tenth of the time. A part that has no words here, or words that make no sense,
raises one of `UNTOLD`: then iptables-legacy-save has to be asked.

Sources: include/uapi/linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h, netfilter/x_tables.h, nf_nat.h.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from socket import inet_ntop
from typing import Any, NamedTuple

from engine.model.address import IPAddress
from engine.model.firewall import Field, Interval, Match, Nat, NatKind, NatValue, Statement, VerdictKind
from engine.observe.base.memo import Memo
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.fast.xt_lines import MASKS, PROTOCOLS, VERSIONS, UnknownExpression
from engine.observe.firewall.fast.xt_structs import MATCHES, TARGETS, Show
from engine.observe.firewall.xt import rule_parts
from engine.observe.firewall.xt.options import XtContext

Meaning = tuple[Statement, ...]

#: What is raised for a part that has to be asked for.
UNTOLD = (UnknownExpression, KeyError, ValueError, IndexError, struct.error)
#: A match or a target has its size, then its name and revision, and behind these what it works with.
NAMED, BEHIND = 2, 32
#: A target that is no more than a verdict has no name.
STANDARD = bytes(BEHIND - NAMED)
VERDICTS = {-1: "DROP", -2: "ACCEPT", -5: "RETURN"}

_IN, _OUT, _SOURCE, _DESTINATION, _PROTOCOL = 0x01, 0x02, 0x08, 0x10, 0x40
_NO_DEVICES = bytes(64)
_verdict = struct.Struct("=32xi").unpack_from


class AddressPart(NamedTuple):
    """An address part but for its two addresses: functions of these (one behind the other) for its words and what it
    means; and how its rule goes to a chain."""

    words: Callable[[bytes], str]
    meaning: Callable[[bytes], Meaning]
    jump: VerdictKind


class _Side(NamedTuple):
    """What a packet's source or destination has to be: functions of an address, and whether that asks for anything."""

    words: Callable[[bytes], str]
    meaning: Callable[[bytes], Statement]
    asks: bool


class Forms:
    """The parts of a family's entries by their bytes; address parts by what stands behind the two addresses."""

    def __init__(self, family: str, address: str, goto: int, known: int) -> None:
        """`address` gives two masks, names and masks of devices, protocol, flags, and what is inverted.

        `goto` and `known` are flags among these.
        """
        self.family, self._shape, self._goto, self._known = family, struct.Struct(address), goto, known
        self._context = XtContext(family)
        self._range, self._host = _RANGES[family]
        self.addresses = Memo(self._address)
        self.match_words, self.matches = Memo(_match_words), Memo(self._match)
        self.target_words, self.targets = Memo(partial(_target_words, family)), Memo(self._target)

    def _understood(self, words: str) -> Meaning:
        """What words mean that are no comment, which is not kept as a part."""
        try:
            meaning, comment = rule_parts.meaning(self._context, (), words, (words,)) if words else ((), "")
        except FirewallTextError as error:
            raise UnknownExpression from error
        if comment:
            raise UnknownExpression
        return meaning

    def _match(self, raw: bytes) -> Meaning:
        return self._understood(self.match_words[raw])

    def _target(self, raw: bytes) -> Meaning:
        """A translation to one port of one address is put together here."""
        if raw.startswith(_DNAT):
            low, high, first, last = self._range(raw)
            if low == high and first == last:
                to = self._host(low)
                return (Nat(_TRANSLATES, NatValue(to, to, first, last)),)
        return self._understood(self.target_words[raw])

    def _address(self, shape: bytes) -> AddressPart:
        source, destination, devices, protocol, flags, inverted = self._shape.unpack(shape)
        if flags & ~self._known or inverted & ~(_IN | _OUT | _SOURCE | _DESTINATION | _PROTOCOL):
            raise UnknownExpression
        rest = _devices(devices, inverted) if devices != _NO_DEVICES else ""
        if protocol:
            rest += f"{_not(inverted & _PROTOCOL)} -p {PROTOCOLS[protocol]}"
        jump = VerdictKind.GOTO if flags & self._goto else VerdictKind.JUMP
        sides = (
            self._side("-s", "saddr", source, bool(inverted & _SOURCE)),
            self._side("-d", "daddr", destination, bool(inverted & _DESTINATION)),
        )
        size = len(source)
        return AddressPart(_words(size, *sides, rest), _meaning(size, *sides, self._understood(rest)), jump)

    def _side(self, option: str, side: str, mask: bytes, inverted: bool) -> _Side:
        """One host is put together here."""
        begin, end, version = f"{'! ' if inverted else ''}{option} ", f"/{MASKS[mask]}", VERSIONS[len(mask)]
        fields = (Field(f"{self.family} {side}"),)

        def words(address: bytes) -> str:
            return f" {begin}{inet_ntop(version, address)}{end}"

        def host(address: bytes) -> Statement:
            value, text = int.from_bytes(address), f"{begin}{inet_ntop(version, address)}{end}"
            return Match(fields, ((Interval(value, value),),), None, inverted, text)

        network: Memo[bytes, Statement] = Memo(lambda address: self._understood(words(address))[0])
        return _Side(words, host if set(mask) == {0xFF} else network.__getitem__, inverted or any(mask))


def _words(size: int, source: _Side, destination: _Side, rest: str) -> Callable[[bytes], str]:
    """The words of an address part: of a side that asks for nothing only where it has an address all the same."""
    nowhere = bytes(size)

    def words(hosts: bytes) -> str:
        low, high = hosts[:size], hosts[size:]
        of_source = source.words(low) if source.asks or low != nowhere else ""
        of_destination = destination.words(high) if destination.asks or high != nowhere else ""
        return f"{of_source}{of_destination}{rest}"

    return words


def _meaning(size: int, source: _Side, destination: _Side, rest: Meaning) -> Callable[[bytes], Meaning]:
    """What these words mean. Most rules ask for one of the addresses, or for none."""
    nowhere, none, low, high = bytes(size), bytes(2 * size), source.meaning, destination.meaning

    def of_both(hosts: bytes) -> Meaning:
        return (low(hosts[:size]), high(hosts[size:]), *rest)

    def of_source(hosts: bytes) -> Meaning:
        return (low(hosts[:size]), *rest) if hosts[size:] == nowhere else of_both(hosts)

    def of_destination(hosts: bytes) -> Meaning:
        return (high(hosts[size:]), *rest) if hosts[:size] == nowhere else of_both(hosts)

    def of_none(hosts: bytes) -> Meaning:
        if hosts == none:
            return rest
        return of_source(hosts) if hosts[size:] == nowhere else of_destination(hosts)

    if source.asks:
        return of_both if destination.asks else of_source
    return of_destination if destination.asks else of_none


def _not(inverted: int) -> str:
    return " !" if inverted else ""


def _devices(names: bytes, inverted: int) -> str:
    incoming = _device("-i", names[:16], names[32:48], inverted & _IN)
    return incoming + _device("-o", names[16:32], names[48:], inverted & _OUT)


def _device(option: str, name: bytes, mask: bytes, inverted: int) -> str:
    """The whole name with its final zero is compared, or the begin that `+` stands behind."""
    compared = mask.find(0) if 0 in mask else len(mask)
    if not compared:
        return ""
    shown = name[:compared].rstrip(b"\0").decode("ascii")
    if not shown or set(" \"\\'").intersection(shown):
        raise UnknownExpression
    return f"{_not(inverted)} {option} {shown}" + ("" if name[compared - 1 : compared] == b"\0" else "+")


def _match_words(raw: bytes) -> str:
    if len(raw) < BEHIND:
        raise ValueError("a match without a name")
    name, show = _MATCH_NAMES[raw[NAMED:BEHIND]]
    return _with_words(f" -m {name}", show(raw[BEHIND:]))


def _target_words(family: str, raw: bytes) -> str:
    if raw[NAMED:BEHIND] == STANDARD:
        return f" -j {VERDICTS[_verdict(raw)[0]]}"
    name, show = _TARGET_NAMES[family, raw[NAMED:BEHIND]]
    return _with_words(f" -j {name}", show(raw[BEHIND:]))


def _with_words(named: str, words: str | None) -> str:
    if words is None:
        raise UnknownExpression
    return f"{named} {words}" if words else named


def _match_named(raw: bytes) -> tuple[str, Show]:
    name = text(raw[:-1])
    return name, MATCHES[name, raw[-1]]


def _target_named(key: tuple[str, bytes]) -> tuple[str, Show]:
    family, raw = key
    name = text(raw[:-1])
    return name, TARGETS[family, name, raw[-1]]


def text(raw: bytes) -> str:
    """What stands before the first zero."""
    return raw.partition(b"\0")[0].decode("utf-8")


_MATCH_NAMES, _TARGET_NAMES = Memo(_match_named), Memo(_target_named)

#: How DNAT of revision 2 to an address and a port begins: its size, name and revision, and the flags for these two.
_DNAT = struct.pack("=H29sBI", 80, b"DNAT", 2, 1 | 2)
_TRANSLATES = NatKind.DNAT
#: Both addresses and both ports of its struct nf_nat_range2 in each family, and what makes an address of one of these.
_RANGES: dict[str, tuple[Callable[[bytes], tuple[Any, ...]], Callable[[Any], IPAddress]]] = {
    "ip": (struct.Struct("!36xI12xI12xHH8x").unpack, IPv4Address),
    "ip6": (struct.Struct("!36x16s16sHH8x").unpack, IPv6Address),
}

FORMS = {
    "ip": Forms("ip", "=4s4s64sHBB", goto=2, known=2),
    "ip6": Forms("ip6", "=16s16s64sHxBB3x", goto=4, known=1 | 4),
}
