"""The fields that are in the packet itself: the headers of IP and of what it carries."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from engine.model.packet import PROTOCOL_NUMBERS, TCP_RST, TCP_SYN, Packet, Protocol
from engine.path.lookup.packet_lengths import HEADER, LONGEST_PACKET, least
from engine.path.lookup.values import UNKNOWN, Read, Unknown
from engine.path.lookup.view import View

#: Options of TCP that Linux offers unless it is told otherwise.
OFFERED = frozenset({"maxseg", "sack-perm", "timestamp", "window"})


def opens(packet: Packet) -> bool:
    """Whether it announces the size of segments, as TCP's SYN and SYN/ACK do."""
    return packet.protocol is Protocol.TCP and bool(packet.tcp_flags & TCP_SYN)


def family(view: View) -> str:
    """The packet's IP version, by nftables' name."""
    return "ipv4" if view.packet.dst.version == 4 else "ipv6"


def offers(packet: Packet, option: str) -> bool:
    """Whether it has an option of TCP, by nftables' name: what opens a connection has all, what follows the time."""
    if packet.protocol is not Protocol.TCP or packet.tcp_flags & TCP_RST or option in packet.stripped:
        return False
    return option in OFFERED and (bool(packet.tcp_flags & TCP_SYN) or option == "timestamp")


def _option(option: str) -> Read:
    return lambda view: "exists" if offers(view.packet, option) else "missing"


def _length(view: View) -> int | Unknown:
    packet = view.packet
    return Unknown(least(packet), LONGEST_PACKET[packet.dst.version]) if packet.length is None else packet.length


def _payload6(view: View) -> int | Unknown | None:
    """What is behind the header of IPv6."""
    if view.packet.dst.version == 4:
        return None
    length = _length(view)
    if isinstance(length, Unknown) and length.least is not None and length.most is not None:
        return Unknown(length.least - HEADER[6], length.most - HEADER[6])
    return length if isinstance(length, Unknown) else length - HEADER[6]


def _v4(value: object) -> int | None:
    return int(value) if isinstance(value, IPv4Address) else None


def _v6(value: object) -> int | None:
    return int(value) if isinstance(value, IPv6Address) else None


def _port(protocol: Protocol, end: str) -> Read:
    def value(view: View) -> int | None:
        packet = view.packet
        if packet.protocol is not protocol:
            return None
        return packet.sport if end == "sport" else packet.dport

    return value


def _icmp(protocol: Protocol, part: str) -> Read:
    def value(view: View) -> int | None:
        packet = view.packet
        if packet.protocol is not protocol:
            return None
        return packet.icmp_type if part == "type" else packet.icmp_code

    return value


def _tcp_flags(view: View) -> int | None:
    return view.packet.tcp_flags if view.packet.protocol is Protocol.TCP else None


def _number(packet: Packet) -> int:
    return PROTOCOL_NUMBERS[packet.protocol]


def _mss(absent: str | None) -> Read:
    """The size of segments that it announces; `absent` for packets of TCP that announce none."""

    def value(view: View) -> int | str | Unknown | None:
        packet = view.packet
        if not offers(packet, "maxseg"):
            return absent if packet.protocol is Protocol.TCP else None
        return UNKNOWN if packet.mss is None else packet.mss

    return value


def _tos(version: int, shift: int = 0) -> Read:
    """The byte of DSCP and ECN in one IP version's header, or the part of it that is left of `shift`."""

    def value(view: View) -> int | Unknown | None:
        packet = view.packet
        if packet.dst.version != version:
            return None
        return UNKNOWN if packet.tos is None else packet.tos >> shift

    return value


def _of(version: int, constant: int | str | None) -> Read:
    """What is the same in all packets of an IP version: they are whole, without options of IPv4 or further headers of
    IPv6; None is what none of them has."""
    return lambda view: constant if view.packet.dst.version == version else None


def _ecn(version: int) -> Read:
    def value(view: View) -> int | Unknown | None:
        packet = view.packet
        if packet.dst.version != version:
            return None
        return UNKNOWN if packet.tos is None else packet.tos & 0x03

    return value


FIELDS: dict[str, Read] = {
    "ip saddr": lambda view: _v4(view.packet.src),
    "ip daddr": lambda view: _v4(view.packet.dst),
    "ip6 saddr": lambda view: _v6(view.packet.src),
    "ip6 daddr": lambda view: _v6(view.packet.dst),
    "ip protocol": lambda view: _number(view.packet) if view.packet.dst.version == 4 else None,
    "ip6 nexthdr": lambda view: _number(view.packet) if view.packet.dst.version == 6 else None,
    "ip ttl": lambda view: view.packet.ttl if view.packet.dst.version == 4 else None,
    "ip6 hoplimit": lambda view: view.packet.ttl if view.packet.dst.version == 6 else None,
    "ip dscp": _tos(4, 2),
    "ip6 dscp": _tos(6, 2),
    "ip ecn": _ecn(4),
    "ip6 ecn": _ecn(6),
    "ip tos": _tos(4),
    "ip6 tos": _tos(6),
    "ip version": _of(4, 4),
    "ip hdrlength": _of(4, 5),
    "ip6 version": _of(6, 6),
    **{f"ip option {name}": _of(4, "missing") for name in ("lsrr", "rr", "ssrr", "ra")},
    **{f"exthdr {name}": _of(6, "missing") for name in ("frag", "hbh", "rt", "dst", "mh", "srh")},
    "nft exthdr": _of(6, None),
    **{f"xt {name}": _of(6, None) for name in ("frag", "hbh", "rt", "dst", "srh")},
    "ip length": lambda view: _length(view) if view.packet.dst.version == 4 else None,
    "ip6 length": _payload6,
    "meta l4proto": lambda view: _number(view.packet),
    "meta nfproto": family,
    "meta length": _length,
    "ip frag-off": lambda view: 0 if view.packet.dst.version == 4 else None,
    "ip fragment": lambda _view: "first",
    "tcp sport": _port(Protocol.TCP, "sport"),
    "tcp dport": _port(Protocol.TCP, "dport"),
    "tcp flags": _tcp_flags,
    **{f"tcp option {name}": _option(name) for name in (*OFFERED, "sack", "md5sig", "mptcp", "fastopen")},
    "tcp option maxseg size": _mss(None),
    "tcp option maxseg size or none": _mss(""),
    "udp sport": _port(Protocol.UDP, "sport"),
    "udp dport": _port(Protocol.UDP, "dport"),
    "sctp sport": _port(Protocol.SCTP, "sport"),
    "sctp dport": _port(Protocol.SCTP, "dport"),
    "th sport": lambda view: view.packet.sport,
    "th dport": lambda view: view.packet.dport,
    "icmp type": _icmp(Protocol.ICMP, "type"),
    "icmp code": _icmp(Protocol.ICMP, "code"),
    "icmpv6 type": _icmp(Protocol.ICMPV6, "type"),
    "icmpv6 code": _icmp(Protocol.ICMPV6, "code"),
}
