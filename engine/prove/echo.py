"""Echo requests (ping): the socket that sends them, and their bytes.

A ping socket (icmp(7)) needs no privilege where net.ipv4.ping_group_range allows it; else a raw socket is used, which
hears every ICMP message of its namespace, so that a reply is known by its identifier. Both report errors that come
back.

Sources: RFC 792, RFC 4443, RFC 1071; ip(7), IP_RECVERR; net/ipv4/ping.c.
"""

from __future__ import annotations

import secrets
import socket
import struct

from engine.model.address import IPAddress
from engine.model.packet import ECHO, Protocol
from engine.prove.errors import ProveError

_IP_RECVERR, _IPV6_RECVERR = 11, 25
_HEADER = 8
_WORDS = b"portscope proof."


def new_ident() -> int:
    """An identifier for one attempt."""
    return secrets.randbelow(0xFFFF) + 1


def open_client(address: IPAddress, ident: int) -> socket.socket:
    """A socket for echoes in the calling thread's namespace. Raises ProveError where none may be had."""
    six = address.version == 6
    family, number = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    try:
        client = _opened(family, number, ident)
    except OSError as error:
        raise ProveError(f"no echo may be sent from there ({error.strerror}): run as root") from error
    level, option = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if six else (socket.IPPROTO_IP, _IP_RECVERR)
    client.setsockopt(level, option, 1)
    return client


def _opened(family: int, number: int, ident: int) -> socket.socket:
    try:
        client = socket.socket(family, socket.SOCK_DGRAM, number)
    except PermissionError:
        return socket.socket(family, socket.SOCK_RAW, number)
    try:
        client.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", ident))
    except OSError:
        client.close()
        raise
    return client


def request(protocol: Protocol, ident: int) -> bytes:
    """An echo request. The kernel writes the checksum of ICMPv6 itself."""
    body = struct.pack("!BBHHH", ECHO[protocol][0], 0, 0, ident, 1) + _WORDS
    if protocol is Protocol.ICMP:
        body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    return body


def checksum(data: bytes) -> int:
    """The Internet checksum of an even number of bytes."""
    total = sum(int(word) for (word,) in struct.iter_unpack("!H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def is_reply(data: bytes, protocol: Protocol, ident: int) -> bool:
    """Whether what was heard answers the request. A raw socket of IPv4 hears the IP header, too."""
    if protocol is Protocol.ICMP and data[:1] and data[0] >> 4 == 4 and len(data) > _HEADER + len(_WORDS):
        data = data[(data[0] & 0xF) * 4 :]
    if len(data) < _HEADER:
        return False
    kind, _, _, number = struct.unpack_from("!BBHH", data)
    return bool(kind == ECHO[protocol][1] and number == ident)
