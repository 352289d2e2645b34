"""Asks the kernel which firewall tables there are, before any tool is started.

nftables answers a netlink dump of its tables, with the generation that every change counts up; the old xtables
list their tables in /proc/thread-self/net/ip_tables_names and ip6_tables_names. Both only look: listing by
iptables-legacy itself is kept for tables that already exist, because it would create them.
Sources: include/uapi/linux/netfilter/nf_tables.h, nfnetlink.h; net/ipv4/netfilter/ip_tables.c.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Collection, Iterable

from engine.observe.base.errors import NetlinkError
from engine.observe.base.files import small
from engine.observe.firewall.fast import nft_dump
from engine.observe.firewall.fast.nft_dump import RawTable
from engine.observe.netlink.client import Netlink, attributes
from engine.records import dataclass

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10 << 8
_GET_TABLE, _GET_GENERATION = _SUBSYSTEM | 1, _SUBSYSTEM | 16
_GET_CHAIN, _GET_RULE, _GET_SET = _SUBSYSTEM | 4, _SUBSYSTEM | 7, _SUBSYSTEM | 10
_SET_TABLE, _GENERATION_ID = 1, 1
#: struct nfgenmsg: family (unspecified: all), version, resource id.
_ANY_FAMILY = bytes(4)
_NUMBERS = {name: number for number, name in nft_dump.FAMILIES.items()}
#: What a kernel without nftables answers.
_NO_NFTABLES = (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT)


@dataclass(frozen=True, slots=True)
class NftPresence:
    """The nft tables as (family, name) in the kernel's order, and the generation of the rule set that they are of."""

    tables: Collection[tuple[str, str]] = ()
    generation: int = 0


def nft_presence() -> NftPresence:
    """The nft tables of this thread's namespace. Raises NetlinkError or OSError when the kernel refuses."""
    try:
        with Netlink(_NETLINK_NETFILTER) as kernel:
            generation = _generation(kernel)
            tables = tuple(nft_dump.table_key(body) for _, body in kernel.dump(_GET_TABLE, _ANY_FAMILY).messages)
            return NftPresence(tables, generation)
    except NetlinkError as error:
        if error.code in _NO_NFTABLES:
            return NftPresence()
        raise
    except OSError as error:
        if error.errno in _NO_NFTABLES:
            return NftPresence()
        raise


def nft_tables(families: Iterable[str]) -> tuple[dict[tuple[str, str], RawTable], frozenset[tuple[str, str]]]:
    """The tables of some families with all rules, and which of them have sets. Raises NetlinkError or OSError."""
    found: dict[tuple[str, str], RawTable] = {}
    with_sets: set[tuple[str, str]] = set()
    with Netlink(_NETLINK_NETFILTER) as kernel:
        for family in families:
            body = bytes([_NUMBERS[family], 0, 0, 0])
            tables, chains, rules, sets = (
                kernel.dump(kind, body).messages for kind in (_GET_TABLE, _GET_CHAIN, _GET_RULE, _GET_SET)
            )
            found |= nft_dump.tables(tables, chains, rules)
            names = (attributes(each, 4).get(_SET_TABLE, b"") for _, each in sets)
            with_sets |= {(family, name.rstrip(b"\0").decode("utf-8", "replace")) for name in names}
    return found, frozenset(with_sets)


def nft_generation() -> int:
    """The generation of the rule set now. Raises NetlinkError or OSError."""
    with Netlink(_NETLINK_NETFILTER) as kernel:
        return _generation(kernel)


def legacy_tables(family: str) -> tuple[str, ...]:
    """The tables of iptables-legacy ("ip") or ip6tables-legacy ("ip6") that exist. Raises OSError when forbidden."""
    name = "ip_tables_names" if family == "ip" else "ip6_tables_names"
    try:
        return tuple(str(small(f"/proc/thread-self/net/{name}"), "ascii", "replace").split())
    except FileNotFoundError:
        return ()


def _generation(kernel: Netlink) -> int:
    _, body = kernel.ask(_GET_GENERATION, _ANY_FAMILY)
    raw = attributes(body, 4).get(_GENERATION_ID, bytes(4))
    return int(struct.unpack(">I", raw)[0]) if len(raw) == 4 else 0
