"""Transparent proxies: a rule hands the packet to a local socket, whatever its destination.

The rule marks the packet, and a policy rule for the mark has to route it inwards: a packet with a socket is never
forwarded (net/ipv4/ip_forward.c). Where br_netfilter has the rule met at a bridge the socket is forgotten on the way up
(ip_rcv_core, ip6_rcv_core). A socket that is not a transparent one (IP_TRANSPARENT) is none to the rule; where
that was not read it is taken for one.

A later packet is given to its connection, which is looked up by the packet as the rule sees it. Where the destination
is translated behind the rule the connection has another one: the listening socket gets the packet and refuses it.

Source: net/netfilter/xt_TPROXY.c (no socket: drop), nft_tproxy.c (no socket: the rule does not hold),
net/ipv4/netfilter/nf_tproxy_ipv4.c (nf_tproxy_laddr4), net/netfilter/nf_tproxy.h (nf_tproxy_sk_is_transparent).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.firewall import Tproxy
from engine.model.packet import Packet, Protocol
from engine.model.traffic import Listener
from engine.path.journey import Assigned, Journey
from engine.path.lookup.flow import tuple_of
from engine.path.lookup.sockets import find_listener
from engine.records import replace


def hand_over(journey: Journey, statement: Tproxy) -> tuple[str, bool]:
    """Gives the packet to the socket and marks it: what was done, in words, and whether there is a socket."""
    towards = _towards(journey, statement)
    where = f"{towards.dst}:{towards.dport}"
    found = socket_for(journey, statement)
    if found is None:
        return f"tproxy: no socket at {where} with IP_TRANSPARENT", False
    journey.skb.assigned = Assigned(found, tuple_of(journey.packet))
    journey.see(mark=(journey.context.mark & statement.keep) ^ statement.value)
    return f"tproxy to {where}", True


def socket_for(journey: Journey, statement: Tproxy) -> Listener | None:
    """The socket that the packet would be handed to."""
    device = journey.netns.links_by_name.get(journey.context.iif)
    if device is None or journey.packet.protocol not in (Protocol.TCP, Protocol.UDP):
        return None
    found = find_listener(journey.netns, _towards(journey, statement), device)
    return None if found is None or found.transparent is False else found


def _towards(journey: Journey, statement: Tproxy) -> Packet:
    """The packet as if it were for the socket: what the rule leaves open is the device's address, the packet's port."""
    packet = journey.packet
    address = statement.address or _own_address(journey) or packet.dst
    return replace(packet, dst=address, dport=statement.port or packet.dport)


def _own_address(journey: Journey) -> IPAddress | None:
    device = journey.netns.links_by_name.get(journey.context.iif)
    version = journey.packet.dst.version
    own = (a.address for a in journey.netns.addresses if device and a.link == device.index)
    return next((address for address in own if address.version == version), None)
