"""Nouns that several JSON documents hold: a packet's headers, and where something sits."""

from __future__ import annotations

from typing import Any

from engine.model.packet import TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG, Packet
from engine.model.ref import Ref, RefKind

Json = dict[str, Any]

FLAG_NAMES: tuple[tuple[int, str], ...] = (
    (TCP_SYN, "syn"),
    (TCP_ACK, "ack"),
    (TCP_FIN, "fin"),
    (TCP_RST, "rst"),
    (TCP_PSH, "psh"),
    (TCP_URG, "urg"),
)


def packet(header: Packet) -> Json:
    """The headers that rules look at."""
    row: Json = {
        "src": str(header.src),
        "dst": str(header.dst),
        "protocol": str(header.protocol),
        "sport": header.sport,
        "dport": header.dport,
        "ttl": header.ttl,
    }
    if header.tcp_flags:
        row["flags"] = [name for bit, name in FLAG_NAMES if header.tcp_flags & bit]
    if header.icmp_type is not None:
        row |= {"icmp_type": header.icmp_type, "icmp_code": header.icmp_code}
    return row


def pointer(ref: Ref) -> Json:
    """Where something sits. A rule's name keeps the number that counts from 0, as `index` does."""
    name = f"{ref.key[2]}/{ref.key[3]} #{ref.key[4]}" if ref.kind is RefKind.RULE and len(ref.key) > 4 else ref.name
    return {"kind": str(ref.kind), "netns": ref.netns, "name": name, "text": ref.text}
