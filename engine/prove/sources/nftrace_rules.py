"""The rules that make nf_tables trace packets, in a table that nobody else can change and that cannot be left behind.

1. The table belongs to the netlink socket that made it (NFT_TABLE_F_OWNER, Linux 5.12): the kernel removes it when that
   socket closes, also when its process is killed. A kernel that does not know the flag gets no rule at all.
2. Its name begins with `PREFIX`. Each rule sets the trace mark on packets of one `Pattern`, at the earliest: before
   every other chain of PREROUTING and OUTPUT. It decides nothing about a packet.
3. The kernel takes all of it or nothing (one nfnetlink batch).

Sources: include/uapi/linux/netfilter/nf_tables.h, net/netfilter/nf_tables_api.c (nft_rcv_nl_event), nft_meta.c.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
from collections.abc import Iterable, Sequence

from engine.model.host import Netns, Snapshot
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.client import NLMSG_ERROR, messages, parse_error
from engine.prove.packets.patterns import Base, Pattern, Test
from engine.prove.sources.nfnetlink import (
    FAMILIES,
    NETLINK_NETFILTER,
    NLM_F_ACK,
    NLM_F_APPEND,
    NLM_F_CREATE,
    SOL_NETLINK,
    SUBSYSTEM_NFTABLES,
    attribute,
    message,
    nested,
    number,
    subject,
    text,
)
from engine.records import replace

PREFIX = "portscope-"

_SUBSYSTEM = SUBSYSTEM_NFTABLES << 8
_BATCH_BEGIN, _BATCH_END = 16, 17
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = _SUBSYSTEM | 0, _SUBSYSTEM | 3, _SUBSYSTEM | 6
_CREATE = NLM_F_CREATE | NLM_F_ACK
_TABLE_NAME, _TABLE_FLAGS, _OWNER = 1, 2, 0x2
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_TYPE = 1, 3, 4, 7
_HOOK_NUMBER, _HOOK_PRIORITY = 1, 2
_RULE_TABLE, _RULE_CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_LIST_ELEMENT, _EXPRESSION_NAME, _EXPRESSION_DATA, _DATA_VALUE = 1, 1, 2, 1
_REGISTER = 1
_META_PROTOCOL, _META_NFTRACE = 1, 12
_BASES = {Base.NETWORK: 1, Base.TRANSPORT: 2}
_ETHERTYPES = {"ip": 0x0800, "ip6": 0x86DD}
#: The hooks where a packet enters a namespace's rules, by chain name; before raw and connection tracking.
CHAINS = {"pre": 0, "out": 3}
PRIORITY = -1000
_EXT_ACK = 11
#: Seconds that the kernel has to answer; it does so at once.
_PATIENCE = 5.0


class Marking:
    """Tracing of some packets, from now on until `close`, in the namespace of the thread that makes it.

    `families` are nft's: those of the patterns, and "bridge" for frames that a bridge passes on. Raises NetlinkError
    or OSError; then nothing was added.
    """

    def __init__(self, patterns: Sequence[Pattern], families: Iterable[str]) -> None:
        self.name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(2)}"
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        try:
            self._socket.settimeout(_PATIENCE)
            self._socket.bind((0, 0))
            self._socket.setsockopt(SOL_NETLINK, _EXT_ACK, 1)
            requests = batch(self.name, patterns, families)
            self._socket.send(b"".join(requests))
            self._await(len(requests) - 2)
        except BaseException:
            self.close()
            raise

    def _await(self, answers: int) -> None:
        while answers > 0:
            for kind, flags, _, body in messages(self._socket.recv(1 << 16)):
                if kind != NLMSG_ERROR:
                    continue
                if error := parse_error(body, flags):
                    raise error
                answers -= 1

    def close(self) -> None:
        """Ends tracing: the kernel removes the table with the socket."""
        self._socket.close()


def unmarked(snapshot: Snapshot) -> Snapshot:
    """The snapshot without the tables of attempts that this process makes: an instrument is no part of the host."""
    mine = f"{PREFIX}{os.getpid()}-"
    if not any(table.name.startswith(mine) for netns in snapshot.namespaces for table in netns.firewall.tables):
        return snapshot
    return replace(snapshot, namespaces=tuple(_unmarked(netns, mine) for netns in snapshot.namespaces))


def _unmarked(netns: Netns, mine: str) -> Netns:
    kept = tuple(table for table in netns.firewall.tables if not table.name.startswith(mine))
    return replace(netns, firewall=replace(netns.firewall, tables=kept))


def batch(name: str, patterns: Sequence[Pattern], families: Iterable[str]) -> list[bytes]:
    """The messages that make the table in each family, between the two that make them one transaction."""
    requests: list[tuple[int, int, str, bytes]] = []
    for family in families:
        requests.append((_NEW_TABLE, _CREATE, family, text(_TABLE_NAME, name) + number(_TABLE_FLAGS, _OWNER)))
        fitting = [pattern for pattern in patterns if family in (pattern.family, "bridge")]
        for chain, hook in CHAINS.items():
            requests.append((_NEW_CHAIN, _CREATE, family, _chain(name, chain, hook)))
            requests += [
                (_NEW_RULE, _CREATE | NLM_F_APPEND, family, _rule(name, chain, pattern, bridged=family == "bridge"))
                for pattern in fitting
            ]
    if not requests:
        raise NetlinkError("no family to trace")
    inner = [
        message(kind, flags, sequence, subject(FAMILIES[family]) + body)
        for sequence, (kind, flags, family, body) in enumerate(requests, 1)
    ]
    begin = message(_BATCH_BEGIN, 0, 0, subject(0, SUBSYSTEM_NFTABLES))
    end = message(_BATCH_END, 0, len(inner) + 1, subject(0, SUBSYSTEM_NFTABLES))
    return [begin, *inner, end]


def _chain(table: str, chain: str, hook: int) -> bytes:
    hooked = nested(_CHAIN_HOOK, number(_HOOK_NUMBER, hook), number(_HOOK_PRIORITY, PRIORITY))
    return text(_CHAIN_TABLE, table) + text(_CHAIN_NAME, chain) + hooked + text(_CHAIN_TYPE, "filter")


def _rule(table: str, chain: str, pattern: Pattern, *, bridged: bool) -> bytes:
    parts: list[bytes] = []
    if bridged:
        protocol = number(1, _REGISTER) + number(2, _META_PROTOCOL)
        parts += [_expression("meta", protocol), _compare(struct.pack("!H", _ETHERTYPES[pattern.family]))]
    for test in pattern.tests:
        parts += [_load(test), _compare(test.value)]
    one = number(1, _REGISTER) + nested(2, attribute(_DATA_VALUE, b"\1"))
    parts += [_expression("immediate", one), _expression("meta", number(2, _META_NFTRACE) + number(3, _REGISTER))]
    return text(_RULE_TABLE, table) + text(_RULE_CHAIN, chain) + nested(_RULE_EXPRESSIONS, *parts)


def _load(test: Test) -> bytes:
    """NFTA_PAYLOAD_DREG, BASE, OFFSET, LEN."""
    values = (_REGISTER, _BASES[test.base], test.offset, len(test.value))
    return _expression("payload", b"".join(number(kind, value) for kind, value in enumerate(values, 1)))


def _compare(value: bytes) -> bytes:
    """NFTA_CMP_SREG, OP (equal), DATA."""
    return _expression("cmp", number(1, _REGISTER) + number(2, 0) + nested(3, attribute(_DATA_VALUE, value)))


def _expression(name: str, data: bytes) -> bytes:
    return nested(_LIST_ELEMENT, text(_EXPRESSION_NAME, name), nested(_EXPRESSION_DATA, data))
