"""Asks the kernel which firewall tables there are, before any tool is started.

nftables answers a netlink dump of its tables, with the generation that every change counts up; the old xtables
list their tables in /proc/thread-self/net/ip_tables_names and ip6_tables_names. Both only look: listing by
iptables-legacy itself is kept for tables that already exist, because it would create them.
Sources: include/uapi/linux/netfilter/nf_tables.h, nfnetlink.h; net/ipv4/netfilter/ip_tables.c.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass
from pathlib import Path

from engine.observe.errors import NetlinkError
from engine.observe.netlink import Netlink, attributes

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10 << 8
_GET_TABLE, _GET_GENERATION = _SUBSYSTEM | 1, _SUBSYSTEM | 16
_TABLE_NAME, _GENERATION_ID = 1, 1
#: struct nfgenmsg: family (unspecified: all), version, resource id.
_ANY_FAMILY = bytes(4)

_FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
#: What a kernel without nftables answers.
_NO_NFTABLES = (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT)


@dataclass(frozen=True, slots=True)
class NftPresence:
    """The nft tables as (family, name), and the generation of the rule set that they are of."""

    tables: frozenset[tuple[str, str]] = frozenset()
    generation: int = 0


def nft_presence() -> NftPresence:
    """The nft tables of this thread's namespace. Raises NetlinkError or OSError when the kernel refuses."""
    try:
        with Netlink(_NETLINK_NETFILTER) as kernel:
            generation = _generation(kernel)
            tables = frozenset(_table(body) for _, body in kernel.dump(_GET_TABLE, _ANY_FAMILY).messages)
            return NftPresence(tables, generation)
    except NetlinkError as error:
        if error.code in _NO_NFTABLES:
            return NftPresence()
        raise
    except OSError as error:
        if error.errno in _NO_NFTABLES:
            return NftPresence()
        raise


def nft_generation() -> int:
    """The generation of the rule set now. Raises NetlinkError or OSError."""
    with Netlink(_NETLINK_NETFILTER) as kernel:
        return _generation(kernel)


def legacy_tables(family: str) -> tuple[str, ...]:
    """The tables of iptables-legacy ("ip") or ip6tables-legacy ("ip6") that exist. Raises OSError when forbidden."""
    name = "ip_tables_names" if family == "ip" else "ip6_tables_names"
    try:
        return tuple(Path("/proc/thread-self/net", name).read_text(encoding="ascii").split())
    except FileNotFoundError:
        return ()


def _generation(kernel: Netlink) -> int:
    _, body = kernel.ask(_GET_GENERATION, _ANY_FAMILY)
    raw = attributes(body, 4).get(_GENERATION_ID, bytes(4))
    return int(struct.unpack(">I", raw)[0]) if len(raw) == 4 else 0


def _table(body: bytes) -> tuple[str, str]:
    if not body:
        raise NetlinkError("the kernel sent an nft table without a family")
    name = attributes(body, 4).get(_TABLE_NAME, b"").rstrip(b"\0").decode("utf-8", "replace")
    return _FAMILIES.get(body[0], str(body[0])), name
