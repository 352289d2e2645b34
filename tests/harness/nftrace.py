"""The kernel's own account of the rules that a packet met: nf_tables' trace messages, read from netlink.

`Tracer.start` adds tables that mark every packet and bridged frame for tracing as early as it can, and opens a socket
in the namespace that hears the trace (group NFNLGRP_NFTRACE). The kernel queues the messages while it handles the
packet, so after the packet has come to its end they are all there: `stop` collects them and removes the tables. Rules
of iptables-nft and of nft are reported, those of iptables-legacy are not.

Sources: include/uapi/linux/netfilter/nf_tables.h (enum nft_trace_attributes), net/netfilter/nf_tables_trace.c.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.observe.namespaces import Place, apart, enter
from tests.harness.netns import Netns

NETLINK_NETFILTER, SOL_NETLINK, ADD_MEMBERSHIP, GROUP_TRACE = 12, 270, 1, 9
MESSAGE_TRACE = 10 << 8 | 17
TABLE, CHAIN, HANDLE, TYPE, VERDICT, ID, NETWORK, TRANSPORT, POLICY = 1, 2, 3, 4, 5, 6, 8, 9, 16
TYPES = {1: "policy", 2: "return", 3: "rule"}
CODES = {0: "drop", 1: "accept", -1: "continue", -2: "break", -3: "jump", -4: "goto", -5: "return"}
FAMILIES = {1: "inet", 2: "ip", 7: "bridge", 10: "ip6"}
OURS = "portscope_trace"
#: Types of ICMPv6 from here on are not errors (RFC 4443, 2.1).
FIRST_INFORMATIONAL = b"\x80"
#: Before every chain that a scenario may have.
MARKING = f"""
table FAMILY {OURS} {{
    chain pre {{
        type filter hook prerouting priority -1000
        meta nftrace set 1
    }}
    chain out {{
        type filter hook output priority -1000
        meta nftrace set 1
    }}
}}
"""
TRACED = ("ip", "ip6", "bridge")


@dataclass(frozen=True)
class Headers:
    """What tells one packet of a conversation from another. `flags` is TCP's flags byte; ports are 0 for ICMP."""

    protocol: int
    src: str
    dst: str
    sport: int = 0
    dport: int = 0
    flags: int = 0


@dataclass(frozen=True)
class Event:
    """A rule that a packet got through to its end, or the policy of a base chain (then `index` is -1)."""

    headers: Headers
    family: str
    table: str
    chain: str
    index: int
    verdict: str


class Tracer:
    """Hears what happens in one namespace."""

    def __init__(self, netns: Netns) -> None:
        self.netns = netns
        self.indexes, self.silent = _rules(netns)
        self.socket = apart(self._open)

    def _open(self) -> socket.socket:
        enter(Place(os.stat(self.netns.path).st_ino, ways=(self.netns.path,)))
        heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        heard.bind((0, 0))
        heard.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, GROUP_TRACE)
        return heard

    def start(self) -> None:
        """From now on packets are traced."""
        self.netns.run("nft", "-f", "-", stdin="".join(MARKING.replace("FAMILY", family) for family in TRACED))

    def stop(self) -> tuple[Event, ...]:
        """Ends tracing; what was heard, in order."""
        self.netns.run("nft", "-f", "-", stdin="".join(f"delete table {family} {OURS}\n" for family in TRACED))
        heard = []
        with self.socket as source:
            while True:
                try:
                    heard.append(source.recv(1 << 16, socket.MSG_DONTWAIT))
                except BlockingIOError:
                    return tuple(self._events(heard))

    def _events(self, datagrams: list[bytes]) -> Iterator[Event]:
        """A packet's headers come with the first message of a base chain; later ones share its id."""
        seen: dict[int, Headers] = {}
        for family, fields in (message for data in datagrams for message in _messages(data)):
            number = _u32(fields, ID)
            if NETWORK in fields and (headers := _headers(fields)):
                seen[number] = headers
            event = self._event(family, fields, seen.get(number))
            if event is not None:
                yield event

    def _event(self, family: str, fields: dict[int, bytes], headers: Headers | None) -> Event | None:
        table, chain = _text(fields[TABLE]), _text(fields[CHAIN])
        kind = TYPES[_u32(fields, TYPE)]
        if table == OURS or headers is None:
            return None
        if kind == "policy":
            verdict = CODES[_u32(fields, POLICY)]
            quiet = verdict == "accept" and (family, table, chain) in self.silent
            return None if quiet else Event(headers, family, table, chain, -1, verdict)
        if HANDLE not in fields:
            return None
        nested = dict(_attributes(fields[VERDICT]))
        verdict = CODES[struct.unpack(">i", nested[1])[0]]
        if 2 in nested:
            verdict += f" {_text(nested[2])}"
        handle = struct.unpack(">Q", fields[HANDLE])[0]
        return Event(headers, family, table, chain, self.indexes[family, table, chain, handle], verdict)


def _rules(netns: Netns) -> tuple[dict[tuple[str, str, str, int], int], set[tuple[str, str, str]]]:
    """The place of every rule in its chain, by handle; and the chains that have no rules."""
    listed: dict[str, Any] = json.loads(netns.run("nft", "-j", "-a", "list", "ruleset"))
    indexes: dict[tuple[str, str, str, int], int] = {}
    chains: dict[tuple[str, str, str], int] = {}
    for item in listed["nftables"]:
        if chain := item.get("chain"):
            chains.setdefault((chain["family"], chain["table"], chain["name"]), 0)
        if rule := item.get("rule"):
            place = rule["family"], rule["table"], rule["chain"]
            indexes[(*place, rule["handle"])] = chains.setdefault(place, 0)
            chains[place] += 1
    return indexes, {place for place, count in chains.items() if not count}


def _messages(data: bytes) -> Iterator[tuple[str, dict[int, bytes]]]:
    """Family and attributes of every trace message in a datagram."""
    while len(data) >= 20:
        length, kind = struct.unpack_from("=IH", data)
        if kind == MESSAGE_TRACE:
            yield FAMILIES.get(data[16], str(data[16])), dict(_attributes(data[20:length]))
        data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3 :]


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode()


def _u32(fields: dict[int, bytes], key: int) -> int:
    number: int = struct.unpack(">I", fields[key])[0]
    return number


def _headers(fields: dict[int, bytes]) -> Headers | None:
    """The packet, if it is one of IP; neighbour discovery is none of the conversation."""
    ip, transport = fields[NETWORK], fields.get(TRANSPORT, b"")
    if len(ip) >= 40 and ip[0] >> 4 == 6:
        protocol = ip[6]
        src, dst = (socket.inet_ntop(socket.AF_INET6, part) for part in (ip[8:24], ip[24:40]))
        if protocol == socket.IPPROTO_ICMPV6 and transport[:1] >= FIRST_INFORMATIONAL:
            return None
    elif len(ip) >= 20 and ip[0] >> 4 == 4:
        protocol, src, dst = ip[9], socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
    else:
        return None
    if protocol not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) or len(transport) < 4:
        return Headers(protocol, src, dst)
    sport, dport = struct.unpack_from(">HH", transport)
    flags = transport[13] if protocol == socket.IPPROTO_TCP and len(transport) > 13 else 0
    return Headers(protocol, src, dst, sport, dport, flags)
