"""How packets pass a VRF device, which stands for the devices of its routing domain.

1. What a device of the domain hears meets PREROUTING once more, as the VRF device's; that one is where it came in from
   then on.
2. What is made here and leaves by such a device meets OUTPUT and POSTROUTING of the VRF device first, untracked.
3. What a route sends to the VRF device itself is looked up in the domain's table, and goes on as if it was made here;
   NAT of POSTROUTING and the confirmation of its flow wait until then (`hooks`). Its sender gets no error.

Sources: drivers/net/vrf.c (vrf_ip_rcv, vrf_ip_out_direct, vrf_process_v4_outbound, vrf_local_xmit),
net/netfilter/nf_nat_core.c (in_vrf_postrouting).
"""

from __future__ import annotations

from engine.model.link import Link
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.ip.routing import route_in_domain
from engine.path.journey import UNSEEN, Journey
from engine.path.lookup.route_decision import Refusal, RouteDecision
from engine.path.lookup.vrf import domain_of
from engine.path.netfilter.hooks import run_hook


def comes_in(journey: Journey, domain: Link) -> Trace | None:
    """PREROUTING once more. The finished trace where that ends the packet."""
    journey.see(iif=domain.name)
    return run_hook(journey, "prerouting")


def goes_out(journey: Journey, device: Link) -> Trace | None:
    """OUTPUT and POSTROUTING of the VRF device for a packet that is made here and leaves by one of its devices."""
    domain, packet = domain_of(journey.netns, device), journey.packet
    on_link = packet.dst.version == 6 and packet.dst.is_link_local
    if domain is None or packet.dst.is_multicast or on_link:
        return None
    new = journey.skb.track is None and not journey.skb.untracked
    if new:
        journey.skb.untracked = True
        journey.see(ct_state="untracked", ct_status=frozenset())
    journey.see(oif=domain.name)
    ended = run_hook(journey, "output") or run_hook(journey, "postrouting")
    if new:
        journey.skb.untracked = False
        journey.see(ct_state=UNSEEN)
    journey.see(oif=device.name)
    return ended


def sent_into(journey: Journey, domain: Link) -> RouteDecision | Trace:
    """The way on of what a route sends to the VRF device, past OUTPUT of the device that it leaves by. A local one is
    the way back in by the VRF device."""
    way = route_in_domain(journey, journey.packet, domain)
    journey.step(StepKind.LINK, f"{domain.name} sends it on by its table: {way.text}", way.ref)
    if isinstance(way, Refusal) or (way.link is domain and not way.local):
        journey.hidden = True
        return journey.end(way.outcome if isinstance(way, Refusal) else Outcome.LOOP)
    if way.local:
        return way
    journey.see(oif=way.link.name, gateway=way.gateway)
    return run_hook(journey, "output") or way
