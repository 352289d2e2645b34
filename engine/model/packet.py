"""One packet, as far as forwarding, filtering and NAT can see it."""

from __future__ import annotations

from enum import StrEnum

from engine.model.address import Family, IPAddress, end_of, family_of
from engine.records import dataclass


class Protocol(StrEnum):
    """Transport protocols that a question can ask about, by their /etc/protocols names."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"
    ICMP = "icmp"
    ICMPV6 = "ipv6-icmp"


#: IANA protocol numbers, as `ip protocol`, `meta l4proto` and routing policy rules compare them.
PROTOCOL_NUMBERS: dict[Protocol, int] = {
    Protocol.ICMP: 1,
    Protocol.TCP: 6,
    Protocol.UDP: 17,
    Protocol.ICMPV6: 58,
    Protocol.SCTP: 132,
}

#: Ports that can be asked for.
PORTS = range(1, 65536)
#: Protocols without ports. A question about one of them asks whether the target answers an echo (ping).
ECHO_PROTOCOLS = frozenset({Protocol.ICMP, Protocol.ICMPV6})
#: Type of an echo request and of its reply (RFC 792, RFC 4443).
ECHO: dict[Protocol, tuple[int, int]] = {Protocol.ICMP: (8, 0), Protocol.ICMPV6: (128, 129)}

#: Bits of the TCP flags byte (RFC 9293, 3.1).
TCP_FIN, TCP_SYN, TCP_RST, TCP_PSH, TCP_ACK, TCP_URG = 1, 2, 4, 8, 16, 32


@dataclass(frozen=True, slots=True)
class Packet:
    """An IP packet. Ports are None for protocols without ports; ICMP has type and code instead. `length` is in bytes,
    None where its program decides. `mss` is the size of segments that a SYN announces, None where that is not known.
    `stripped` has options of TCP (by nftables' names) that it lacks though its sender offers them. `tos` is the byte of
    DSCP and ECN (IPv6's traffic class), None where a rule made it what is not known. `number` is an echo's identifier
    where a translation made it another one than its sender's."""

    src: IPAddress
    dst: IPAddress
    protocol: Protocol
    sport: int | None = None
    dport: int | None = None
    tcp_flags: int = 0
    icmp_type: int | None = None
    icmp_code: int | None = None
    ttl: int = 64
    length: int | None = None
    mss: int | None = None
    tos: int | None = 0
    number: int | None = None
    stripped: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.src.version != self.dst.version:
            raise ValueError(f"source {self.src} and destination {self.dst} are of different families")
        for port in (self.sport, self.dport):
            if port is not None and not 0 <= port <= 65535:
                raise ValueError(f"port {port} is not between 0 and 65535")

    @property
    def family(self) -> Family:
        """The IP version of both addresses."""
        return family_of(self.dst)

    def __str__(self) -> str:
        return f"{end_of(self.src, self.sport)} → {end_of(self.dst, self.dport)}/{self.protocol}"
