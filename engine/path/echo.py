"""Echo requests: the kernel answers them itself, unless it is told not to.

Sources: net/ipv4/icmp.c (icmp_echo), net/ipv6/icmp.c (icmpv6_echo_reply), ip-sysctl.rst (icmp_echo_ignore_all,
icmp/echo_ignore_all).
"""

from __future__ import annotations

from engine.model.host import Netns
from engine.model.packet import Packet
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.journey import Journey

#: The switch that silences a namespace, by IP version.
IGNORE_ALL = {4: "net.ipv4.icmp_echo_ignore_all", 6: "net.ipv6.icmp.echo_ignore_all"}


def is_anycast(netns: Netns, packet: Packet) -> bool:
    """Whether the packet is for an anycast address, such as that of a subnet's routers, which no answer is sent from
    (icmpv6_echo_reply, ipv6_unicast_destination)."""
    if packet.dst.version == 4 or packet.dst in netns.addresses_by_value:
        return False
    return any(route.kind == "anycast" and route.destination.network_address == packet.dst for route in netns.routes)


def take_echo(journey: Journey) -> Trace:
    """The end of an echo request that its destination has taken in."""
    netns, name = journey.netns, IGNORE_ALL[journey.packet.dst.version]
    if netns.sysctl(name):
        text = f"{netns.id} answers no echo requests ({name} = {netns.sysctl(name)})"
        journey.step(StepKind.SYSCTL, text, journey.sysctl_ref(name))
        return journey.end(Outcome.ECHO_IGNORED)
    ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
    journey.step(StepKind.SOCKET, f"{netns.id} answers the echo request itself", ref)
    return journey.end(Outcome.DELIVERED)
