"""The rule set of nftables as the kernel dumps it: tables, chains and rules with their expressions still raw. Pure.

`tables` joins the messages of three dumps (tables, chains, rules) of all families. A rule keeps the bytes of its
expressions; `expressions` splits them into values that `xt_lines` reads, each kind in the form that its class says. An
expression of a kind that has no class here is `Other`.
Sources: include/uapi/linux/netfilter/nf_tables.h, nf_tables_compat.h; net/netfilter/nf_tables_api.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.model.firewall import BaseChain, VerdictKind
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import decodes
from engine.records import dataclass, field

FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
_IP_HOOKS = ("prerouting", "input", "forward", "output", "postrouting")

_TABLE_NAME, _TABLE_HANDLE = 1, 4
_CHAIN_TABLE, _CHAIN_HANDLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_TYPE = 1, 2, 3, 4, 5, 7
_HOOK_NUMBER, _HOOK_PRIORITY = 1, 2
_RULE_TABLE, _RULE_CHAIN, _RULE_HANDLE, _RULE_EXPRESSIONS, _RULE_USERDATA = 1, 2, 3, 4, 7
_HANDLE_BITS = 32

_be32, _be64, _signed = struct.Struct("!I").unpack, struct.Struct("!Q").unpack, struct.Struct("!i").unpack
_header = struct.Struct("=HH").unpack_from
_KIND = 0x3FFF


class RawRule(NamedTuple):
    """A rule: its handle, the bytes of its expressions, and whether it carries data of the program that made it."""

    handle: int
    expressions: bytes
    userdata: bool


@dataclass(slots=True)
class RawChain:
    """A chain and its rules in order. `base` is None for a chain that is only jumped to."""

    name: str
    handle: int
    base: BaseChain | None
    rules: list[RawRule] = field(default_factory=list)


@dataclass(slots=True)
class RawTable:
    """A table and its chains, in the kernel's order."""

    family: str
    name: str
    handle: int
    chains: dict[str, RawChain] = field(default_factory=dict)


@decodes("an nft rule set")
def tables(
    of_tables: Sequence[Message], of_chains: Sequence[Message], of_rules: Sequence[Message]
) -> dict[tuple[str, str], RawTable]:
    """The tables by family and name, in the kernel's order. Raises NetlinkError for damaged bytes."""
    found: dict[tuple[str, str], RawTable] = {}
    for _, body in of_tables:
        table = _table(body)
        found[table.family, table.name] = table
    for _, body in of_chains:
        parts = attributes(body, 4)
        owner = found[_family(body), _text(parts[_CHAIN_TABLE])]
        chain = _chain(owner, parts)
        owner.chains[chain.name] = chain
    for _, body in of_rules:
        parts = attributes(body, 4)
        rules = found[_family(body), _text(parts[_RULE_TABLE])].chains[_text(parts[_RULE_CHAIN])].rules
        handle = int(_be64(parts[_RULE_HANDLE])[0])
        rules.append(RawRule(handle, parts.get(_RULE_EXPRESSIONS, b""), _RULE_USERDATA in parts))
    return found


def table_key(body: bytes) -> tuple[str, str]:
    """Family and name of a table's message. Raises NetlinkError for damaged bytes."""
    if not body:
        raise NetlinkError("the kernel sent an nft table without a family")
    return _family(body), _text(attributes(body, 4).get(_TABLE_NAME, b""))


def _table(body: bytes) -> RawTable:
    family, name = table_key(body)
    return RawTable(family, name, int(_be64(attributes(body, 4)[_TABLE_HANDLE])[0]))


def _family(body: bytes) -> str:
    return FAMILIES.get(body[0], str(body[0]))


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def _chain(table: RawTable, parts: Mapping[int, bytes]) -> RawChain:
    handle = int(_be64(parts[_CHAIN_HANDLE])[0])
    base = None
    if _CHAIN_HOOK in parts:
        hook = attributes(parts[_CHAIN_HOOK])
        number = int(_be32(hook[_HOOK_NUMBER])[0])
        drops = _be32(parts[_CHAIN_POLICY])[0] == 0 if _CHAIN_POLICY in parts else False
        base = BaseChain(
            _text(parts.get(_CHAIN_TYPE, b"filter")),
            _IP_HOOKS[number] if number < len(_IP_HOOKS) else str(number),
            int(_signed(hook[_HOOK_PRIORITY])[0]),
            VerdictKind.DROP if drops else VerdictKind.ACCEPT,
            (table.handle << _HANDLE_BITS) | handle,
        )
    return RawChain(_text(parts[_CHAIN_NAME]), handle, base)


# --- expressions ----------------------------------------------------------------------------------------


class Payload(NamedTuple):
    """Loads `length` bytes at `offset` of a header (1: network, 2: transport) into a register."""

    base: int
    offset: int
    length: int
    register: int


class Meta(NamedTuple):
    """Loads what the kernel knows of the packet (`enum nft_meta_keys`) into a register."""

    key: int
    register: int


class Bitwise(NamedTuple):
    """register = register & mask, without a change of bits."""

    mask: bytes
    register: int


class Compare(NamedTuple):
    """Goes on when the register equals `value`, or with `negate` when it does not."""

    value: bytes
    negate: bool
    register: int


class Range(NamedTuple):
    """Goes on when the register is in the range, ends included."""

    low: bytes
    high: bytes
    negate: bool
    register: int


class Immediate(NamedTuple):
    """A verdict (`enum nft_verdicts`, nf_verdict) and the chain of a jump."""

    code: int
    chain: str


class Counter(NamedTuple):
    """Packets and bytes so far."""

    packets: int
    octets: int


class Extension(NamedTuple):
    """A match or a target of xtables: its name, revision, and the struct that it works with."""

    kind: str
    name: str
    revision: int
    info: bytes


class Other(NamedTuple):
    """Any other expression."""

    name: str


Expression = Payload | Meta | Bitwise | Compare | Range | Immediate | Counter | Extension | Other

#: Expressions that were decoded before, by their bytes: the rules of a host are made of few different ones.
_SEEN: dict[bytes, Expression] = {}
_SEEN_LIMIT = 1 << 16


def expressions(raw: bytes) -> Iterator[Expression]:
    """The expressions of a rule in order. Raises KeyError, ValueError or struct.error for damaged bytes."""
    offset, end = 0, len(raw)
    while offset + 4 <= end:
        length, _ = _header(raw, offset)
        if length < 4 or offset + length > end:
            raise ValueError("an expression leads out of its rule")
        item = raw[offset + 4 : offset + length]
        offset += (length + 3) & ~3
        found = _SEEN.get(item)
        if found is None:
            found = _expression(item)
            if type(found) is not Counter:
                if len(_SEEN) >= _SEEN_LIMIT:
                    _SEEN.clear()
                _SEEN[item] = found
        yield found


def _expression(item: bytes) -> Expression:
    parts = attributes(item)
    name = _text(parts[1])
    build = _BUILDERS.get(name)
    return (build(attributes(parts[2])) if build and 2 in parts else None) or Other(name)


def _number(raw: bytes | None) -> int:
    return int(_be32(raw)[0]) if raw is not None else 0


def _value(raw: bytes) -> bytes:
    """The bytes of a NFTA_DATA_VALUE."""
    return attributes(raw)[1]


def _payload(parts: Mapping[int, bytes]) -> Expression | None:
    if 1 not in parts:
        return None  # a write
    return Payload(_number(parts[2]), _number(parts[3]), _number(parts[4]), _number(parts[1]))


def _meta(parts: Mapping[int, bytes]) -> Expression | None:
    return Meta(_number(parts[2]), _number(parts[1])) if 1 in parts else None


def _bitwise(parts: Mapping[int, bytes]) -> Expression | None:
    """Only a mask in place: other operations and registers are `Other`."""
    if _number(parts.get(6)) != 0 or parts[1] != parts[2] or any(_value(parts[5])):
        return None
    return Bitwise(_value(parts[4]), _number(parts[1]))


def _compare(parts: Mapping[int, bytes]) -> Expression | None:
    operator = _number(parts[2])
    return Compare(_value(parts[3]), operator == 1, _number(parts[1])) if operator in (0, 1) else None


def _range(parts: Mapping[int, bytes]) -> Expression | None:
    return Range(_value(parts[3]), _value(parts[4]), _number(parts[2]) == 1, _number(parts[1]))


def _immediate(parts: Mapping[int, bytes]) -> Expression | None:
    data = attributes(parts[2])
    if 2 not in data:
        return None  # a value, not a verdict
    verdict = attributes(data[2])
    return Immediate(int(_signed(verdict[1])[0]), _text(verdict.get(2, b"")))


def _counter(parts: Mapping[int, bytes]) -> Expression | None:
    return Counter(int(_be64(parts[2])[0]), int(_be64(parts[1])[0]))


def _match(parts: Mapping[int, bytes]) -> Expression | None:
    return Extension("match", _text(parts[1]), _number(parts[2]), parts[3])


def _target(parts: Mapping[int, bytes]) -> Expression | None:
    return Extension("target", _text(parts[1]), _number(parts[2]), parts[3])


_BUILDERS = {
    "payload": _payload,
    "meta": _meta,
    "bitwise": _bitwise,
    "cmp": _compare,
    "range": _range,
    "immediate": _immediate,
    "counter": _counter,
    "match": _match,
    "target": _target,
}
