"""Bytes of a packet as a `Packet`: what captures and the kernel's trace hold, in the words of the model. Pure.

Fragments after the first, and protocols that no question asks about, are None. An ICMP error quotes the packet that
it is about; `quoted` reads that one. IPv6 extension headers are not followed.
Sources: RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 792, RFC 4443.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from engine.model.address import IPAddress
from engine.model.packet import PROTOCOL_NUMBERS, Packet, Protocol

_PROTOCOLS = {number: protocol for protocol, number in PROTOCOL_NUMBERS.items()}
_ICMP = (Protocol.ICMP, Protocol.ICMPV6)
#: Types of ICMP that are errors and quote a packet (RFC 1122, 3.2.2; those of ICMPv6 are below 128).
_ERRORS4 = frozenset({3, 4, 5, 11, 12})
_FIRST_INFORMATIONAL6 = 128
_IPV4, _IPV6, _ICMP_HEADER = 20, 40, 8
_FRAGMENT_OFFSET = 0x1FFF


def parse_packet(data: bytes) -> Packet | None:
    """The packet whose bytes begin with its IP header; None for what is none, or cut before its ports."""
    if len(data) >= _IPV4 and data[0] >> 4 == 4:
        length = (data[0] & 0xF) * 4
        if struct.unpack_from("!H", data, 6)[0] & _FRAGMENT_OFFSET or length < _IPV4:
            return None
        ends = IPv4Address(data[12:16]), IPv4Address(data[16:20])
        return _packet(ends, data[9], data[length:], data[8], struct.unpack_from("!H", data, 2)[0])
    if len(data) >= _IPV6 and data[0] >> 4 == 6:
        ends6 = IPv6Address(data[8:24]), IPv6Address(data[24:40])
        return _packet(ends6, data[6], data[_IPV6:], data[7], _IPV6 + struct.unpack_from("!H", data, 4)[0])
    return None


def _packet(ends: tuple[IPAddress, IPAddress], number: int, transport: bytes, ttl: int, length: int) -> Packet | None:
    protocol = _PROTOCOLS.get(number)
    if protocol is None or len(transport) < 4:
        return None
    if protocol in _ICMP:
        return Packet(*ends, protocol, icmp_type=transport[0], icmp_code=transport[1], ttl=ttl, length=length)
    sport, dport = struct.unpack_from("!HH", transport)
    flags = transport[13] if protocol is Protocol.TCP and len(transport) > 13 else 0
    return Packet(*ends, protocol, sport, dport, flags, ttl=ttl, length=length)


def is_error(packet: Packet) -> bool:
    """Whether it is a message about another packet."""
    kind = packet.icmp_type
    if kind is None:
        return False
    return kind in _ERRORS4 if packet.protocol is Protocol.ICMP else kind < _FIRST_INFORMATIONAL6


def quoted(data: bytes) -> Packet | None:
    """The packet that an ICMP error quotes; None where the bytes are no error, or too few."""
    packet = parse_packet(data)
    if packet is None or not is_error(packet):
        return None
    start = (data[0] & 0xF) * 4 if packet.dst.version == 4 else _IPV6
    return parse_packet(data[start + _ICMP_HEADER :])
