"""Frames of devices that stand on others: how they go down to a lower device, and how they come up from it.

1. A vlan device tags what it sends, and takes the frames with its tag before any bridge sees them.
2. A macvlan device takes the frames for its MAC address. It speaks to others on the same lower device only in mode
   bridge, and never to the lower device's own namespace: what it sends leaves by the wire. So a host and its own
   macvlan containers do not reach each other. In mode source it takes only what comes from an address of its list.
   Rules of the lower device's namespace never see its packets.
3. An ipvlan device shares the lower device's MAC address, and takes the packets for its IP addresses; the rest as 2.
   Its modes l3 and l3s route with the host's tables (`ipvlan`).
4. A bond or team sends by its active port and takes what any of its ports hears.

Sources: net/8021q/vlan_core.c (vlan_do_receive), net/core/dev.c (__netif_receive_skb_core), drivers/net/macvlan.c
(macvlan_handle_frame, macvlan_queue_xmit), drivers/net/ipvlan/ipvlan_core.c (ipvlan_xmit_mode_l2).
"""

from __future__ import annotations

from engine.model.link import Link
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.journey import Journey
from engine.path.link.fdb_learning import remotes_of
from engine.path.link.ipvlan import L3S, handed_down, routes
from engine.path.lookup.device_topology import (
    BONDS,
    IPVLANS,
    MACVLANS,
    STACKED,
    Place,
    active_port,
    bond_of,
    listens_to,
    told_elsewhere,
)
from engine.path.stages import Arrive, Next, OnWire, Tunnelled

#: What is said of a device whose far end a snapshot cannot show, by its kind.
BEYOND: dict[str, str] = {
    "wireguard": "a WireGuard tunnel: its peers are not read",
    "tun": "a tunnel served by a program",
    "vxlan": "a vxlan with its remote end outside of the snapshot",
    "gre": "a GRE tunnel",
    "gretap": "a GRE tunnel",
    "ipip": "an IP-in-IP tunnel",
    "sit": "an IPv6-in-IPv4 tunnel",
    "geneve": "a Geneve tunnel",
    "xfrm": "an IPsec interface",
    "vti": "an IPsec interface",
    "ppp": "a point-to-point line",
    "dummy": "a dummy device, which discards frames",
}


def leave(journey: Journey, link: Link, why: str = "") -> Trace:
    """The packet goes where the snapshot does not see."""
    reason = why or BEYOND.get(link.kind, "")
    text = f"leaves the snapshot via {link.name}{f' ({reason})' if reason else ''}"
    journey.step(StepKind.LINK, text, journey.link_ref(link))
    return journey.end(Outcome.LEAVES_VIEW)


def sent_below(journey: Journey, stage: OnWire) -> Next | None:
    """Where a frame goes that a stacked device sends; None for a device that stands on no other."""
    link = stage.link
    if link.kind in BONDS:
        port = active_port(journey.netns, link)
        if port is None:
            return leave(journey, link, "none of its ports is up")
        journey.step(StepKind.LINK, f"{link.name} sends by its port {port.name}", journey.link_ref(port))
        return OnWire(port, stage.mac, stage.source_mac, stage.vlan)
    if link.kind == "vxlan":
        return _into_vxlan(journey, stage)
    if link.kind not in STACKED:
        return None
    if not link.works:
        journey.step(StepKind.LINK, f"{link.name} has no carrier: the device below it has none", journey.link_ref(link))
        return journey.end(Outcome.LINK_DOWN)
    for place in journey.world.wiring.siblings(journey.netns, link):
        if _takes(journey, place, stage):
            return _up(journey, place, f"{link.name} → {place[1].name}, on the same device", stage)
    lower = journey.world.wiring.below(journey.netns, link)
    number = link.detail.get("id", "")
    if lower is None or (link.kind == "vlan" and (stage.vlan is not None or not number.isdecimal())):
        return leave(journey, link, "its parent device is not in the snapshot")
    if routes(link):
        return handed_down(journey, link, lower)
    tag = int(number) if link.kind == "vlan" else stage.vlan
    words = f"{link.name} sends by {lower[1].name}{f' with tag {tag}' if link.kind == 'vlan' else ''}"
    journey.step(StepKind.LINK, words, journey.link_ref(link))
    if lower[0].id != journey.netns.id:
        journey.enter(lower[0])
    return OnWire(lower[1], stage.mac, stage.source_mac, tag)


def _into_vxlan(journey: Journey, stage: OnWire) -> Next:
    """A vxlan sends a frame to the remote of its forwarding entry (vxlan_xmit)."""
    link = stage.link
    far = remotes_of(journey, journey.netns, link, stage.mac)
    if len(far) == 1 and stage.vlan is None:
        return Tunnelled(link, stage.mac, stage.source_mac, far[0])
    if not far and not told_elsewhere(journey.netns, link):
        text = f"{link.name} has no entry for {stage.mac} and no default entry: it drops the frame"
        journey.step(StepKind.LINK, text, journey.link_ref(link))
        return journey.end(Outcome.BRIDGE_DROP)
    return leave(journey, link, "" if far else "it has no entry for the address")


def heard_above(journey: Journey, stage: Arrive) -> Next | None:
    """The device above that takes a frame which the link below has heard; None where that one keeps it."""
    link = stage.link
    bond = bond_of(journey.netns, link)
    if bond is not None:
        journey.step(StepKind.LINK, f"{link.name} is a port of {bond.name}", journey.link_ref(bond))
        return Arrive(bond, stage.mac, stage.source_mac, stage.vlan)
    for place in journey.world.wiring.above(journey.netns, link):
        above = place[1]
        if above.kind == "vlan" and stage.vlan is not None and above.detail.get("id") == str(stage.vlan):
            untagged = Arrive(above, stage.mac, stage.source_mac)
            return _up(journey, place, f"{above.name} takes frames with tag {stage.vlan}", untagged)
        if above.detail.get("mode") == L3S:
            continue  # heard by the lower device's own stack
        if above.kind in MACVLANS | IPVLANS and stage.vlan is None and _takes(journey, place, stage):
            return _up(journey, place, f"{link.name} → {above.name}", stage)
    return None


def _takes(journey: Journey, place: Place, frame: OnWire | Arrive) -> bool:
    """Whether a device above takes a frame of the device below it."""
    there, above = place
    if not above.up or not listens_to(above, frame.source_mac):
        return False
    if above.kind in IPVLANS:
        return journey.packet.dst in there.addresses_by_value
    return above.mac == frame.mac or above.detail.get("mode") == "passthru"


def _up(journey: Journey, place: Place, words: str, frame: OnWire | Arrive) -> Next:
    """On to a device above, which may be in another namespace."""
    there, link = place
    journey.step(StepKind.LINK, words, journey.link_ref(frame.link))
    if there.id != journey.netns.id:
        journey.enter(there)
    else:
        journey.detach()
    return Arrive(link, frame.mac, frame.source_mac, frame.vlan)
