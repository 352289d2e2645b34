"""Policy routing rules of both families, from one RTM_GETRULE dump.

Every selector of the noun is read; `text` is the line of `ip rule`. The rules of most namespaces are the
kernel's own five, so that a parsed message is remembered by its bytes.

Sources: ip-rule(8), include/uapi/linux/fib_rules.h, net/core/fib_rules.c.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from engine.model.address import Family
from engine.model.route import PolicyRule
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import AF_INET, AF_INET6, decodes, network, text, u8, u32
from engine.observe.netlink.policy_rule_text import rule_text
from engine.observe.netlink.reader import Reader
from engine.records import replace

RTM_NEWRULE, RTM_GETRULE = 32, 34

_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_GOTO, _FRA_PRIORITY, _FRA_FWMARK, _FRA_FLOW = 1, 2, 3, 4, 6, 10, 11
_FRA_SUPPRESS_PREFIXLEN, _FRA_TABLE, _FRA_FWMASK, _FRA_OIFNAME = 14, 15, 16, 17
_FRA_L3MDEV, _FRA_UID_RANGE, _FRA_IP_PROTO, _FRA_SPORT_RANGE, _FRA_DPORT_RANGE, _FRA_DSCP = 19, 20, 22, 23, 24, 25
_INVERT = 0x2
_NO_SUPPRESSION = 0xFFFFFFFF
_ANY_MARK = 0xFFFFFFFF

_fib_rule_hdr = struct.Struct("=BBBBBxxBI")
_ports = struct.Struct("=HH")
_uids = struct.Struct("=II")
_REQUEST = bytes(_fib_rule_hdr.size)

ACTIONS = {1: "table", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
#: Selectors that the noun has no field for: attribute, words of `ip rule`, number format, byte order, and the
#: value that restricts nothing.
_UNMODELLED: tuple[tuple[int, str, str, Literal["big", "little"], int | None], ...] = (
    (12, "tun_id", "d", "big", None),
    (13, "suppress_ifgroup", "d", sys.byteorder, None),
    (26, "flowlabel", "#x", "big", None),
    (28, "sport mask", "#x", sys.byteorder, 0xFFFF),
    (29, "dport mask", "#x", sys.byteorder, 0xFFFF),
    (30, "dscp mask", "#x", sys.byteorder, 0x3F),
)


def read_rules(reader: Reader) -> tuple[PolicyRule, ...]:
    """All policy rules of the reader's namespace, in the order in which the kernel tries them."""
    return reader.read("policy rules", RTM_GETRULE, _REQUEST, parse_rules)


@decodes("a policy rule")
def parse_rules(messages: Sequence[Message]) -> tuple[PolicyRule, ...]:
    """The IPv4 and IPv6 rules in RTM_NEWRULE messages. Raises NetlinkError on damaged bytes."""
    rows = (_parse_rule(body) for kind, body in messages if kind == RTM_NEWRULE)
    return tuple(row for row in rows if row is not None)


@lru_cache(maxsize=4096)
def _parse_rule(body: bytes) -> PolicyRule | None:
    number, to_length, from_length, tos, table, action, flags = _fib_rule_hdr.unpack_from(body)
    if number not in (AF_INET, AF_INET6):
        return None
    found = attributes(body, 12)
    rule = PolicyRule(
        family=Family.INET if number == AF_INET else Family.INET6,
        priority=_optional(found, _FRA_PRIORITY) or 0,
        action=ACTIONS.get(action, str(action)),
        table=_optional(found, _FRA_TABLE) or table,
        source=network(found.get(_FRA_SRC), from_length, number) if from_length else None,
        destination=network(found.get(_FRA_DST), to_length, number) if to_length else None,
        iif=text(found[_FRA_IIFNAME]) if _FRA_IIFNAME in found else None,
        oif=text(found[_FRA_OIFNAME]) if _FRA_OIFNAME in found else None,
        fwmark=(_optional(found, _FRA_FWMARK) or 0) if _FRA_FWMARK in found or _FRA_FWMASK in found else None,
        fwmask=u32(found[_FRA_FWMASK]) if _FRA_FWMASK in found else _ANY_MARK,
        tos=u8(found[_FRA_DSCP]) << 2 if _FRA_DSCP in found else tos,
        ip_protocol=u8(found[_FRA_IP_PROTO]) if _FRA_IP_PROTO in found else None,
        sport=_pair(_ports, found.get(_FRA_SPORT_RANGE)),
        dport=_pair(_ports, found.get(_FRA_DPORT_RANGE)),
        uid_range=_pair(_uids, found.get(_FRA_UID_RANGE)),
        suppress_prefixlength=_suppression(found),
        goto=_optional(found, _FRA_GOTO),
        invert=bool(flags & _INVERT),
        l3mdev=bool(u8(found.get(_FRA_L3MDEV, b"\0"))),
        unmodelled=_unmodelled(found),
        realm=_optional(found, _FRA_FLOW) or 0,
    )
    return replace(rule, text=rule_text(rule, flags, found))


def _unmodelled(found: Mapping[int, bytes]) -> tuple[str, ...]:
    values = ((row, int.from_bytes(found[row[0]], row[3])) for row in _UNMODELLED if row[0] in found)
    return tuple(f"{name} {value:{layout}}" for (_, name, layout, _, empty), value in values if value != empty)


def _optional(found: Mapping[int, bytes], kind: int) -> int | None:
    return u32(found[kind]) if kind in found else None


def _pair(layout: struct.Struct, raw: bytes | None) -> tuple[int, int] | None:
    if raw is None:
        return None
    low, high = layout.unpack(raw)
    return low, high


def _suppression(found: Mapping[int, bytes]) -> int | None:
    """The kernel sends all ones for "suppress nothing"."""
    length = _optional(found, _FRA_SUPPRESS_PREFIXLEN)
    return None if length == _NO_SUPPRESSION else length
