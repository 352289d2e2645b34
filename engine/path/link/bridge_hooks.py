"""The hooks that a frame meets at a bridge: chains of the bridge family, and the hooks of IP that br_netfilter calls.

br_netfilter stands among the chains of the bridge family: at priority 0 in PREROUTING and FORWARD, after everything in
POSTROUTING. A chain of priority 0 runs before it, having been registered after the first bridge was made. For ARP it
calls FORWARD alone, with the ports as devices. INPUT and OUTPUT are the bridge's own. A frame that nobody's port is
known for is sent by every port, and meets the hooks anew with each.

Sources: net/bridge/br_netfilter_hooks.c (br_nf_ops, br_nf_hook_thresh, br_nf_forward_arp), br_forward.c (br_flood),
br_input.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.model.link import Link
from engine.model.trace import Trace
from engine.path.journey import Journey, Out
from engine.path.netfilter.hooks import FIRST_PRIORITY, LAST_PRIORITY, run_hook

#: Priorities of chains before br_netfilter's place, and behind it (NF_BR_PRI_BRNF).
BEFORE, BEHIND = range(FIRST_PRIORITY, 1), range(1, LAST_PRIORITY + 1)


def comes_in(journey: Journey, bridge: Link, port: Link, *, calls: bool) -> Trace | None:
    """PREROUTING as far as br_netfilter's place, and IP's where the bridge calls it."""
    journey.see(iif=port.name, oif="", physin="", physout="")
    ended = run_hook(journey, "prerouting", "bridge", among=BEFORE)
    if ended or not calls or journey.context.arp:
        return ended
    journey.see(iif=bridge.name, physin=port.name)
    return run_hook(journey, "prerouting")


def came_in(journey: Journey, port: Link) -> Trace | None:
    """The rest of PREROUTING."""
    journey.see(iif=port.name)
    return run_hook(journey, "prerouting", "bridge", among=BEHIND)


def goes_up(journey: Journey, bridge: Link, port: Link) -> Trace | None:
    """INPUT: from a port to the bridge's own stack (br_pass_frame_up)."""
    journey.see(iif=port.name, oif="")
    ended = run_hook(journey, "input", "bridge")
    journey.see(iif=bridge.name)
    return ended


def passes(journey: Journey, bridge: Link, port: Link, out: Link, *, calls: bool) -> Trace | None:
    """FORWARD and POSTROUTING: from a port to another one."""

    def by_ports() -> None:
        journey.see(iif=port.name, oif=out.name, physout="")

    def by_bridge(hook: str) -> Trace | None:
        if not calls:
            return None
        if journey.context.arp:
            return run_hook(journey, "forward", "arp") if hook == "forward" else None
        # POSTROUTING is called without a device that the packet came in by (br_nf_post_routing).
        came = bridge.name if hook == "forward" else ""
        journey.see(iif=came, oif=bridge.name, physin=port.name, physout=out.name)
        journey.skb.out = Out(bridge, journey.packet.dst)
        ended = run_hook(journey, hook)
        by_ports()
        return ended

    by_ports()
    return (
        run_hook(journey, "forward", "bridge", among=BEFORE)
        or by_bridge("forward")
        or run_hook(journey, "forward", "bridge", among=BEHIND)
        or run_hook(journey, "postrouting", "bridge")
        or by_bridge("postrouting")
    )


def goes_out(journey: Journey, out: Link) -> Trace | None:
    """OUTPUT and POSTROUTING: what the bridge's own stack sends (br_dev_xmit)."""
    journey.see(oif=out.name)
    return run_hook(journey, "output", "bridge") or run_hook(journey, "postrouting", "bridge")


def flood(journey: Journey, ports: Iterable[Link], meets: Callable[[Link], Trace | None]) -> None:
    """A copy of the frame by each port. What becomes of the copies does not matter; their flow is the same one."""
    packet, context, out = journey.packet, journey.context, journey.skb.out
    for port in ports:
        meets(port)
        journey.packet, journey.context, journey.skb.out = packet, context, out
