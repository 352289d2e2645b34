"""ipvlan devices that route (modes l3 and l3s): the lower device's namespace sends for them, with l3s hears for them.

1. What such a device sends goes to a sibling that has the address; else the lower device's namespace looks it up, for
   that device alone, and it meets OUTPUT and POSTROUTING there. Its sender gets no error for what fails.
2. In mode l3 a device takes what comes in by the lower device for its address before any rule there sees it. In mode
   l3s it meets PREROUTING and INPUT of the lower device's namespace.
3. No one answers ARP for its address.

Source: drivers/net/ipvlan/ipvlan_core.c (ipvlan_xmit_mode_l3, ipvlan_process_v4_outbound, ipvlan_handle_mode_l3),
ipvlan_l3s.c (ipvlan_l3_rcv, ipvlan_nf_input).
"""

from __future__ import annotations

from engine.model.link import Link
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.fields.table import NO_SOCKET
from engine.path.ip.routing import route_input, route_output
from engine.path.journey import Journey
from engine.path.lookup.device_topology import IPVLANS, Place
from engine.path.lookup.route_decision import Refusal, RouteDecision
from engine.path.netfilter.hooks import run_hook
from engine.path.stages import RoutedBelow

L3, L3S = "l3", "l3s"


def routes(link: Link) -> bool:
    """Whether an ipvlan device is in a mode that routes."""
    return link.kind in IPVLANS and link.detail.get("mode") in (L3, L3S)


def handed_down(journey: Journey, link: Link, lower: Place) -> RoutedBelow | Trace:
    """What a device sends, on to the namespace of its lower device; a private one has nothing to do with siblings."""
    there, below = lower
    if link.detail.get("flags") == "private" and any(
        journey.packet.dst in netns.addresses_by_value for netns, _ in journey.world.wiring.above(*lower)
    ):
        text = f"{link.name} is private: it sends nothing to other {link.kind} devices on {below.name}"
        journey.step(StepKind.LINK, text, journey.link_ref(link))
        return journey.end(Outcome.BRIDGE_DROP)
    mode = link.detail["mode"]
    text = f"{link.name} hands it to {there.id}, which routes for it (ipvlan mode {mode})"
    journey.step(StepKind.LINK, text, journey.link_ref(link))
    if there.id != journey.netns.id:
        journey.enter(there)
    return RoutedBelow(below)


def sent_for(journey: Journey, stage: RoutedBelow) -> RouteDecision | Trace:
    """The way that the lower device's namespace finds, past its OUTPUT."""
    journey.see(socket_device=stage.link.name, uid=NO_SOCKET)
    way = route_output(journey, journey.packet)
    journey.see(socket_device="")
    journey.step(StepKind.LINK, f"{journey.netns.id} sends it: {way.text}", way.ref)
    if isinstance(way, Refusal):
        journey.hidden = True
        return journey.end(way.outcome)
    journey.see(iif="", oif=way.link.name, gateway=way.gateway)
    return run_hook(journey, "output") or way


def heard_for(journey: Journey, device: Link) -> Place | None:
    """The device in mode l3s for whose address a packet came in by the lower device."""
    for there, above in journey.world.wiring.above(journey.netns, device):
        if above.kind in IPVLANS and above.detail.get("mode") == L3S and journey.packet.dst in there.addresses_by_value:
            return there, above
    return None


def handed_up(journey: Journey, device: Link, owner: Place) -> Trace:
    """INPUT of the lower device's namespace, then the socket of the device's own."""
    there, above = owner
    ended = run_hook(journey, "input")
    if ended:
        return ended
    journey.step(StepKind.LINK, f"{device.name} → {above.name} (ipvlan mode {L3S})", journey.link_ref(device))
    if there.id != journey.netns.id:
        journey.enter(there)
    journey.see(iif=above.name)
    way = route_input(journey, journey.packet, above)
    if isinstance(way, Refusal):
        journey.step(StepKind.ROUTE, way.text, way.ref)
        return journey.end(way.outcome)
    return journey.endpoint(journey, above)
