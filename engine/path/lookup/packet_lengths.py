"""How long the packets are that the kernel makes by itself, in bytes from the header of IP on; None for all others.

TCP's have the options that Linux sends unless it is told not to: segment size, SACK, timestamps and window scale in a
SYN and its answer, timestamps after it, none in a reset.

Sources: net/ipv4/tcp_output.c (tcp_syn_options, tcp_established_options), tcp_ipv4.c (tcp_v4_send_reset),
net/ipv4/icmp.c (__icmp_send), net/ipv6/icmp.c (icmp6_send), ndisc.c (ndisc_ns_create).
"""

from __future__ import annotations

from engine.model.packet import TCP_PSH, TCP_RST, TCP_SYN, Packet, Protocol

#: The header of IP, by version, without options.
HEADER = {4: 20, 6: 40}
#: TCP's header, and its options in a SYN and in what follows.
TCP_HEADER, OF_SYN, OF_LATER = 20, 20, 12
#: The header of ICMP, and how long an error may be, whatever it quotes.
ICMP_HEADER, LONGEST = 8, {4: 576, 6: 1280}
#: The headers of other protocols.
HEADERS_BEHIND = {Protocol.UDP: 8, Protocol.SCTP: 12, Protocol.ICMP: 8, Protocol.ICMPV6: 8}
#: No packet is longer.
LONGEST_PACKET = {4: 0xFFFF, 6: 0xFFFF + 40}
#: A question for a neighbour, or its answer, with the MAC address of who speaks.
DISCOVERY = HEADER[6] + 24 + 8


def of_tcp(version: int, flags: int) -> int | None:
    """A packet of TCP with these flags; one with data (PSH) is its program's."""
    if flags & TCP_PSH:
        return None
    options = 0 if flags & TCP_RST else OF_SYN if flags & TCP_SYN else OF_LATER
    return HEADER[version] + TCP_HEADER + options


def least(packet: Packet) -> int:
    """How long a packet is at least whose length is its program's."""
    header = HEADER[packet.dst.version]
    if packet.protocol is not Protocol.TCP:
        return header + HEADERS_BEHIND.get(packet.protocol, 0)
    options = 0 if "timestamp" in packet.stripped else OF_LATER
    return header + TCP_HEADER + options + bool(packet.tcp_flags & TCP_PSH)


def of_error(version: int, quoted: int | None) -> int | None:
    """An ICMP error about a packet of that length."""
    return None if quoted is None else min(HEADER[version] + ICMP_HEADER + quoted, LONGEST[version])
