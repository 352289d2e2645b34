"""The size of TCP's segments (MSS): what a SYN, or the SYN/ACK, announces, and what rules make of it.

1. Who sends it announces what the route says (`advmss`), else what the MTU of the way lets through, less the headers of
   IP and TCP without options (tcp_connect_init, tcp_make_synack; ipv4_default_advmss, ip6_default_advmss). The MTU is
   the one that was learned for the address, else the route's, else the device's (ip_dst_mtu_maybe_forward).
2. A rule only makes it smaller. One that takes it from the path takes the smaller of the ways on and back
   (tcpmss_mangle_packet of xt_TCPMSS.c, get_tcpmss of nft_rt.c, nft_exthdr_tcp_set_eval).

A program may ask for less (TCP_MAXSEG), and what is out of view has another MTU: the answer says that it rests on this.
"""

from __future__ import annotations

from engine.model.firewall import SetMss
from engine.path.fields.header import opens
from engine.path.fields.route import HEADERS, LARGEST, fitting, mtu_towards
from engine.path.journey import Journey
from engine.path.lookup.route_decision import RouteDecision
from engine.records import replace

#: What is announced at least (min_adv_mss), by IP version: of IPv6 what its smallest MTU leaves.
LEAST = {4: 256, 6: 1220}


def announced(mtu: int, version: int) -> int:
    """What the sender of a SYN announces whose packets may be as large as `mtu`."""
    return max(min(mtu, LARGEST[version]) - HEADERS[version], LEAST[version])


def announce(journey: Journey, way: RouteDecision) -> None:
    """Puts it into a packet that is made here."""
    packet = journey.packet
    if opens(packet):
        mtu = mtu_towards(journey.netns, packet.dst, way.route, way.link)
        journey.packet = replace(packet, mss=way.route.advmss or announced(mtu, packet.dst.version))


def set_mss(journey: Journey, statement: SetMss) -> str:
    """Runs a rule's statement; what it did, in words."""
    packet = journey.packet
    if packet.mss is None:
        return ""
    wanted = (
        fitting(journey.netns, journey.world.fib(journey.netns), packet, journey.context)
        if statement.value is None
        else statement.value
    )
    if wanted < packet.mss:
        journey.packet = replace(packet, mss=wanted)
    return f"mss set {min(wanted, packet.mss)}"
