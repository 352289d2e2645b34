"""Echo requests: the kernel answers them itself, unless it is told not to.

Sources: net/ipv4/icmp.c (icmp_echo), net/ipv6/icmp.c (icmpv6_echo_reply), ip-sysctl.rst (icmp_echo_ignore_all,
icmp/echo_ignore_all).
"""

from __future__ import annotations

from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.ip.special_addresses import not_taken, shared
from engine.path.journey import Journey

#: The switch that silences a namespace, by IP version.
IGNORE_ALL = {4: "net.ipv4.icmp_echo_ignore_all", 6: "net.ipv6.icmp.echo_ignore_all"}


def take_echo(journey: Journey) -> Trace:
    """The end of an echo request that its destination has taken in. One for everybody is not answered, as long as
    icmp_echo_ignore_broadcasts has its usual value."""
    everybodys = shared(journey.netns, journey.packet.dst)
    if everybodys is not None and everybodys.kind == "broadcast":
        return not_taken(journey, everybodys, "broadcast addresses answer no echo requests")
    netns, name = journey.netns, IGNORE_ALL[journey.packet.dst.version]
    if netns.sysctl(name):
        text = f"{netns.id} ignores echo requests ({name} = {netns.sysctl(name)})"
        journey.step(StepKind.SYSCTL, text, journey.sysctl_ref(name))
        return journey.end(Outcome.ECHO_IGNORED)
    ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
    journey.step(StepKind.SOCKET, f"{netns.id} answers the echo request itself", ref)
    return journey.end(Outcome.DELIVERED)
