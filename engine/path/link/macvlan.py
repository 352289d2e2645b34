"""Devices on one wire that do not hear each other: macvlan and ipvlan devices, and the namespace of their lower device.

What one of them sends leaves by the wire, and a wire gives nothing back; so nobody in view answers, though the wire
itself may lead out of view. A switch that reflects (mode vepa) is out of view and may.

Source: drivers/net/macvlan.c (macvlan_queue_xmit), drivers/net/ipvlan/ipvlan_core.c.
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.path.lookup.addresses import is_local
from engine.path.lookup.device_topology import IPVLANS, MACVLANS
from engine.path.world import World


def kept_apart(world: World, netns: Netns, link: Link, towards: IPAddress) -> str:
    """Why the owner of an address on the same wire does not hear the question, though it leaves by that wire; "" where
    nobody in view has it there."""
    wiring = world.wiring
    shares = link.kind in MACVLANS | IPVLANS
    lower = wiring.below(netns, link) if shares else (netns, link)
    if lower is None or (shares and link.detail.get("mode") == "vepa"):
        return ""
    if shares and is_local(lower[0], world.fib(lower[0]), towards):
        return f"{lower[0].id} has {towards}, but receives no frames from {link.kind} devices on {lower[1].name}"
    for there, other in wiring.above(*lower):
        if other.kind in MACVLANS | IPVLANS and towards in there.addresses_by_value and there.id != netns.id:
            where = f"{other.kind} {other.name}"
            return f"{there.id} has {towards} on {where}, which gets no frames from its parent {link.name}"
    return ""
