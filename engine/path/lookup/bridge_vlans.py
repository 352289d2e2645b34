"""VLANs in a bridge that filters by them: which VLAN a frame belongs to, and which ports may carry it.

A frame is in the VLAN of its tag, or in the port's PVID where it has none; a port that is no member refuses it. It
leaves with its tag, or without where the port is an untagged member. A bridge that does not filter leaves tags alone.
The bridge's own device is a port of its own in this (`bridge vlan … self`).

Source: net/bridge/br_vlan.c (br_allowed_ingress, br_allowed_egress, br_handle_vlan).
"""

from __future__ import annotations

from engine.model.host import Netns
from engine.model.link import Link


class Refused:
    """A port that the frame's VLAN is not allowed on."""


REFUSED = Refused()
#: A VLAN's number; None for a frame without a tag.
Vlan = int | None


def filters(netns: Netns, bridge: Link) -> bool:
    """Whether the bridge filters by VLAN, and its table is known."""
    if bridge.bridge is None or not bridge.bridge.vlan_filtering:
        return False
    known = bridge.vlans or any(port.vlans for port in netns.ports_by_master.get(bridge.index, ()))
    return bool(known) or not bridge.bridge.default_pvid  # whose ports have none of their own


def admitted(netns: Netns, bridge: Link, port: Link, tag: Vlan) -> Vlan | Refused:
    """The VLAN of a frame that comes in by the port (or, for the bridge's own device, from its own stack)."""
    if not filters(netns, bridge):
        return tag
    if tag is None:
        return next((each.vlan for each in port.vlans if each.pvid), REFUSED)
    return tag if any(each.vlan == tag for each in port.vlans) else REFUSED


def released(netns: Netns, bridge: Link, port: Link, vlan: Vlan) -> Vlan | Refused:
    """The tag that a frame of the VLAN leaves by the port with."""
    if not filters(netns, bridge):
        return vlan
    member = next((each for each in port.vlans if each.vlan == vlan), None)
    if member is None:
        return REFUSED
    return None if member.untagged else vlan


def words(port: Link) -> str:
    """What a port is a member of, for people."""
    if not port.vlans:
        return "no VLAN"
    return ", ".join(f"{each.vlan}{' (PVID)' if each.pvid else ''}" for each in port.vlans[:8])
