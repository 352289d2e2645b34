"""Where an IPv6 address means nothing: ::1 on a wire, and a link-local source beyond its link.

The routing decisions of both IP versions are in `routing`; these two stand before and after them.
"""

from __future__ import annotations

from engine.model.link import Link
from engine.model.packet import Packet
from engine.model.trace import Outcome
from engine.path.journey import Journey
from engine.path.lookup.route_decision import Refusal


def loopback_from_outside(journey: Journey, packet: Packet, device: Link) -> Refusal | None:
    """IPv6 drops ::1 from a wire before any rule sees it, and no setting changes that (ip6_rcv_core)."""
    if packet.dst.version == 4 or device.kind == "loopback":
        return None
    for which, address in (("source", packet.src), ("destination", packet.dst)):
        if address.is_loopback:
            text = f"the {which} {address} is a loopback address, which no device carries"
            return Refusal(Outcome.MARTIAN, journey.link_ref(device), text)
    return None


def stays_on_link(journey: Journey, packet: Packet, device: Link, out: Link) -> Refusal | None:
    """No router of IPv6 passes a link-local source on to another link (ip6_forward)."""
    if packet.src.version == 4 or not packet.src.is_link_local or device.index == out.index:
        return None
    text = f"the source {packet.src} is a link-local address, which stays on the link of {device.name}"
    return Refusal(Outcome.MARTIAN, journey.link_ref(device), text)
