"""Which IPsec policy a packet meets: the first of those of a direction that it fits. In IPv4 loopback has none.

What comes in is compared with the ends that it had on the wire, before rules translated it. The device of a policy is
the one that the packet leaves by; what is taken in has loopback for it.
Sources: net/xfrm/xfrm_policy.c (xfrm_policy_match, xfrm_selector_match, decode_session4), net/netfilter/nf_nat_core.c
(nf_nat_ipv4_decode_session), net/ipv4/devinet.c (inetdev_event).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.ipsec import IpsecPolicy
from engine.model.packet import ECHO_PROTOCOLS, PROTOCOL_NUMBERS, Packet
from engine.model.trace import Context
from engine.path.lookup.fib import LOOPBACK

#: Ends of a packet: addresses, and ports (of ICMP its type and code).
_Ends = tuple[IPAddress, IPAddress, int, int]


def met(netns: Netns, direction: str, packet: Packet, context: Context) -> IpsecPolicy | None:
    """The policy of a direction that the packet meets in the namespace, as it is now."""
    if netns.firewall.ipsec is None:
        return None
    device = netns.links_by_name.get(context.iif if direction == "in" else context.oif)
    if device is not None and device.kind == "loopback" and packet.dst.version == 4:
        return None
    ends = _ends(packet) if direction == "out" else _on_the_wire(packet, context)
    if direction == "in":
        device = netns.links_by_name.get(LOOPBACK)
    index = device.index if device is not None else 0
    for policy in netns.firewall.ipsec.policies:
        if policy.direction == direction and _fits(
            policy, ends, PROTOCOL_NUMBERS[packet.protocol], context.mark, index
        ):
            return policy
    return None


def _fits(policy: IpsecPolicy, ends: _Ends, protocol: int, mark: int, device: int) -> bool:
    source, destination, sport, dport = ends
    value, mask = policy.mark
    return (
        source in policy.source
        and destination in policy.destination
        and policy.protocol in (None, protocol)
        and policy.link in (0, device)
        and mark & mask == value
        and (sport ^ policy.sport[0]) & policy.sport[1] == 0
        and (dport ^ policy.dport[0]) & policy.dport[1] == 0
    )


def _ends(packet: Packet) -> _Ends:
    if packet.protocol in ECHO_PROTOCOLS:
        return packet.src, packet.dst, packet.icmp_type or 0, packet.icmp_code or 0
    return packet.src, packet.dst, packet.sport or 0, packet.dport or 0


def _on_the_wire(packet: Packet, context: Context) -> _Ends:
    """As they were before a rule translated them."""
    source, destination, sport, dport = _ends(packet)
    flow = context.ct_reply if context.ct_reply_direction else context.ct_original
    if flow is None or not context.ct_status & {"snat", "dnat"}:
        return source, destination, sport, dport
    if packet.protocol in ECHO_PROTOCOLS:
        return flow.src, flow.dst, sport, dport
    return flow.src, flow.dst, flow.sport or 0, flow.dport or 0
