"""Rules of iptables-nft as lines of iptables-save, written from what the kernel holds. Pure.

iptables-nft stores `-s`, `-i`, `-p`, `--dport` and `-m mark` as loads and comparisons, other matches and targets as
xtables' own structs, and puts a counter between matches and target. `line` writes a rule that consists of nothing
else, in the order that iptables-save prints: addresses, devices and protocol first, then modules as they come. For
anything else, in whatever order or register, it gives None: then iptables-save has to be asked. So a line that is
written here is one that iptables-save would print.
Source: nft-ruleparse*.c, nft-shared.c, nft-ipv4.c and nft-ipv6.c of iptables 1.8.11.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache

from engine.observe.base.memo import Memo
from engine.observe.firewall.fast.nft_dump import (
    Bitwise,
    Compare,
    Counter,
    Expression,
    Extension,
    Immediate,
    Meta,
    Payload,
    Range,
    RawRule,
    expressions,
)
from engine.observe.firewall.xt.extensions import MATCHES, TARGETS
from engine.observe.firewall.xt.save_text import Line
from engine.observe.firewall.xt.structs import ports_words

_DROP, _ACCEPT, _JUMP, _GOTO, _RETURN = 0, 1, -3, -4, -5
_VERDICTS = {_DROP: " -j DROP", _ACCEPT: " -j ACCEPT", _RETURN: " -j RETURN"}
_MARK, _IIFNAME, _OIFNAME, _L4PROTO = 3, 6, 7, 16
_NETWORK, _TRANSPORT = 1, 2

#: Where the addresses and the protocol are in the header of a family, by offset.
_ADDRESSES = {("ip", 12): "-s", ("ip", 16): "-d", ("ip6", 8): "-s", ("ip6", 24): "-d"}
_SIZES = {"ip": 4, "ip6": 16}
_AF = {"ip": socket.AF_INET, "ip6": socket.AF_INET6}
_PROTOCOL_OFFSETS = {("ip", 9)}
#: Protocols that iptables calls by name on every system.
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}
_ORDER = ("-s", "-d", "-i", "-o", "-p")
_ODD_LETTERS = frozenset(" \"\\'")


class UnknownExpression(Exception):
    """The rule has something that is not written here."""


class _Line:
    """The words of one rule while its expressions are read."""

    def __init__(self, family: str, chain: str) -> None:
        self.family, self.chain = family, chain
        self.first: dict[str, str] = {}
        self.protocol = ""
        self.modules: list[str] = []
        self.ports: dict[str, tuple[tuple[int, int], int]] = {}

    def close_ports(self) -> None:
        """Puts the ports that were compared in a row into one module."""
        if not self.ports:
            return
        if self.protocol not in ("tcp", "udp"):
            raise UnknownExpression
        anything = ((0, 0xFFFF), 0)
        (source, no_source), (target, no_target) = (self.ports.get(each, anything) for each in ("--sport", "--dport"))
        self.module(self.protocol, ports_words(source, target, no_source | no_target << 1))
        self.ports = {}

    def module(self, name: str, words: str) -> None:
        """Adds a module with its options."""
        self.modules.append(f" -m {name} {words}".rstrip())

    def parts(self, target: str) -> tuple[str, ...]:
        """The whole line."""
        first = "".join([f" {self.first[name]}" for name in _ORDER if name in self.first])
        return (f"-A {self.chain}", first, *self.modules, target)


def line(rule: RawRule, family: str, chain: str) -> Line | None:
    """The line of a rule in `chain`; None where iptables-save has to be asked."""
    if rule.userdata:
        return None
    try:
        counter, parts = _parts(expressions(rule.expressions), _Line(family, chain))
    except (UnknownExpression, KeyError, ValueError, IndexError, struct.error):
        return None
    return counter.packets, counter.octets, rule.handle, *parts


def _parts(parts: Iterator[Expression], made: _Line) -> tuple[Counter, tuple[str, ...]]:
    for part in parts:
        if isinstance(part, Counter):
            made.close_ports()
            found = made.parts(_target(next(parts, None), made.family))
            if next(parts, None) is not None:
                raise UnknownExpression
            return part, found
        if isinstance(part, Payload | Meta):
            _condition(part, parts, made)
        elif isinstance(part, Extension) and part.kind == "match":
            made.close_ports()
            made.module(*_match(part))
        else:
            raise UnknownExpression
    raise UnknownExpression  # every rule of iptables has a counter


@lru_cache(maxsize=8192)
def _match(part: Extension) -> tuple[str, str]:
    words = MATCHES[part.name].structs[part.revision](part.info)
    if words is None:
        raise UnknownExpression
    return part.name, words


@lru_cache(maxsize=8192)
def _target(part: Expression | None, family: str) -> str:
    if part is None:
        return ""
    if isinstance(part, Immediate):
        if part.code in (_JUMP, _GOTO):
            return f" {'-j' if part.code == _JUMP else '-g'} {part.chain}"
        return _VERDICTS[part.code]
    if isinstance(part, Extension) and part.kind == "target":
        words = TARGETS[part.name].structs[family, part.revision](part.info)
        if words is None:
            raise UnknownExpression
        return f" -j {part.name} {words}".rstrip()
    raise UnknownExpression


def _condition(load: Payload | Meta, parts: Iterator[Expression], made: _Line) -> None:
    """What is compared with a load: one comparison, possibly behind a mask."""
    test = next(parts, None)
    mask = None
    if isinstance(test, Bitwise):
        if test.register != load.register:
            raise UnknownExpression
        mask, test = test.mask, next(parts, None)
    if not isinstance(test, Compare | Range) or test.register != load.register:
        raise UnknownExpression
    if isinstance(load, Payload) and load.base == _TRANSPORT:
        _port(load, mask, test, made)
        return
    made.close_ports()
    option, words = _words(load, mask, test, made.family)
    if option == "mark":
        made.module("mark", words)
        return
    if option in made.first:
        raise UnknownExpression
    made.first[option] = words
    if option == "-p":
        made.protocol = words.removeprefix("-p ")


def _port(load: Payload, mask: bytes | None, test: Compare | Range, made: _Line) -> None:
    option = {(0, 2): "--sport", (2, 2): "--dport"}[load.offset, load.length]
    ends = (test.value, test.value) if isinstance(test, Compare) else (test.low, test.high)
    if mask is not None or option in made.ports:
        raise UnknownExpression
    low, high = (int.from_bytes(end, "big") for end in ends)
    made.ports[option] = (low, high), int(test.negate)


@lru_cache(maxsize=8192)
def _words(load: Payload | Meta, mask: bytes | None, test: Compare | Range, family: str) -> tuple[str, str]:
    """The option that a comparison stands for, and its words."""
    if isinstance(test, Range):
        raise UnknownExpression
    if isinstance(load, Meta):
        option, words = _META[load.key](mask, test.value, test.negate)
    elif load.base != _NETWORK:
        raise UnknownExpression
    elif (family, load.offset) in _PROTOCOL_OFFSETS and load.length == 1:
        option, words = _protocol(mask, test.value, test.negate)
    else:
        option = _ADDRESSES[family, load.offset]
        words = f"{option} {_network(family, load.length, mask, test.value)}"
    return option, f"! {words}" if test.negate and option != "mark" else words


def _network(family: str, length: int, mask: bytes | None, value: bytes) -> str:
    """ADDRESS/LENGTH, or ADDRESS/MASK; a prefix of whole bytes is compared by these alone."""
    size = _SIZES[family]
    if len(value) != length or length > size or (mask is not None and (len(mask) != size or length != size)):
        raise UnknownExpression
    shown = socket.inet_ntop(_AF[family], value.ljust(size, b"\0"))
    return f"{shown}/{length * 8}" if mask is None else address_words(value, mask)


def address_words(value: bytes, mask: bytes) -> str:
    """ADDRESS/LENGTH, or ADDRESS/MASK where the mask is no prefix."""
    return f"{socket.inet_ntop(VERSIONS[len(value)], value)}/{MASKS[mask]}"


def _mask_words(mask: bytes) -> str:
    hosts = int.from_bytes(mask, "big") ^ ((1 << len(mask) * 8) - 1)
    if hosts & (hosts + 1) == 0:
        return str(len(mask) * 8 - hosts.bit_length())
    return socket.inet_ntop(VERSIONS[len(mask)], mask)


VERSIONS = {4: socket.AF_INET, 16: socket.AF_INET6}
MASKS = Memo(_mask_words)


def _protocol(mask: bytes | None, value: bytes, _negate: bool) -> tuple[str, str]:
    if mask is not None:
        raise UnknownExpression
    return "-p", f"-p {PROTOCOLS[value[0]]}"


def _device(option: str) -> Callable[[bytes | None, bytes, bool], tuple[str, str]]:
    """A name with its final zero, or the begin of one without."""

    def words(mask: bytes | None, value: bytes, _negate: bool) -> tuple[str, str]:
        name = value.rstrip(b"\0").decode("ascii")
        if mask is not None or not name or _ODD_LETTERS.intersection(name):
            raise UnknownExpression
        return option, f"{option} {name}" + ("" if value.endswith(b"\0") else "+")

    return words


def _mark(mask: bytes | None, value: bytes, negate: bool) -> tuple[str, str]:
    """Marks are in the machine's byte order."""
    number = struct.unpack("=I", value)[0]
    shown = f"--mark {number:#x}" + (f"/{struct.unpack('=I', mask)[0]:#x}" if mask is not None else "")
    return "mark", f"! {shown}" if negate else shown


_META: dict[int, Callable[[bytes | None, bytes, bool], tuple[str, str]]] = {
    _MARK: _mark,
    _IIFNAME: _device("-i"),
    _OIFNAME: _device("-o"),
    _L4PROTO: _protocol,
}
