"""Bytes of packets, as they are on a wire."""

from __future__ import annotations

import struct
from ipaddress import ip_address

from engine.model.packet import PROTOCOL_NUMBERS, Packet, Protocol


def wire(packet: Packet, payload: bytes = b"") -> bytes:
    """The packet's bytes from its IP header on; checksums are zero."""
    body = _transport(packet) + payload
    number = PROTOCOL_NUMBERS[packet.protocol]
    if packet.dst.version == 6:
        head = struct.pack("!IHBB", 6 << 28, len(body), number, packet.ttl)
        return head + packet.src.packed + packet.dst.packed + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, packet.ttl, number, 0)
    return head + packet.src.packed + packet.dst.packed + body


def _transport(packet: Packet) -> bytes:
    if packet.icmp_type is not None:
        return struct.pack("!BBHI", packet.icmp_type, packet.icmp_code or 0, 0, 0)
    ports = struct.pack("!HH", packet.sport or 0, packet.dport or 0)
    if packet.protocol is Protocol.TCP:
        return ports + struct.pack("!IIBBHHH", 0, 0, 0x50, packet.tcp_flags, 0, 0, 0)
    return ports + struct.pack("!HH", 8, 0)


def tcp(src: str, sport: int, dst: str, dport: int, flags: int = 2) -> Packet:
    """A TCP packet, by default a SYN."""
    length = 40 if "." in src else 60
    return Packet(ip_address(src), ip_address(dst), Protocol.TCP, sport, dport, flags, length=length)


def unreachable(src: str, dst: str, code: int = 1) -> Packet:
    """Destination unreachable of either family."""
    if "." in src:
        return Packet(ip_address(src), ip_address(dst), Protocol.ICMP, icmp_type=3, icmp_code=code)
    return Packet(ip_address(src), ip_address(dst), Protocol.ICMPV6, icmp_type=1, icmp_code=code)
