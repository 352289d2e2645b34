"""What bridges and vxlans learn from the frames of a conversation: behind which port, or end, a MAC address is.

A bridge that has passed a frame on knows its sender's port from then on, whatever it believed before: an entry that was
given by hand moves as well, unless it is sticky. Answers to questions for an address (ARP, neighbour discovery) are the
first frames, so that the target is known before it is sent to. A vxlan knows from the packet around a frame which of
its ends the sender is behind, unless it is told not to learn.

Source: net/bridge/br_input.c (br_handle_frame_finish), br_fdb.c (br_fdb_update), drivers/net/vxlan/vxlan_core.c
(vxlan_snoop).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.path.journey import Journey
from engine.path.lookup.broadcast_domain import PLAIN, L2Host
from engine.path.lookup.device_topology import remotes


def learn(journey: Journey, netns: Netns, bridge: Link, port: Link | None, mac: str | None) -> None:
    """A frame of `mac` has come in by a port of the bridge."""
    if port is None or mac is None or not (port.port or PLAIN).learning:
        return
    fixed = (entry.local or "sticky" in entry.flags for entry in netns.fdb if entry.mac == mac)
    if not any(fixed):
        journey.setting.learned[netns.id, bridge.index, mac] = port.index


def learned(journey: Journey, bridge: Link, mac: str | None) -> Link | None:
    """The port of a bridge in the packet's namespace by which `mac` has spoken."""
    index = journey.setting.learned.get((journey.netns.id, bridge.index, mac or ""))
    return None if index is None else journey.netns.links_by_index.get(index)


def learn_from_answer(journey: Journey, link: Link, station: L2Host) -> None:
    """The question for an address came from `link`, and `station` has answered it: the bridges between know both."""
    here, there = journey.netns, journey.world.netns(station.netns)
    if link.kind == "bridge":
        learn(journey, here, link, here.links_by_index.get(station.port or 0), station.link.mac)
    for each in station.crossed:
        between = journey.world.netns(each.netns)
        learn(journey, between, each.bridge, each.entry, link.mac)
        learn(journey, between, each.bridge, each.exit, station.link.mac)
    if station.link.kind == "bridge":
        learn(journey, there, station.link, there.links_by_index.get(station.entry or 0), link.mac)


def learn_remote(journey: Journey, vxlan: Link, mac: str, source: IPAddress, netns: str = "") -> None:
    """A frame of `mac` has come out of a vxlan of the packet's namespace (or of `netns`), from another end of it. An
    entry that is there already stays."""
    there = journey.world.netns(netns) if netns else journey.netns
    if vxlan.detail.get("learning") == "1" and not any(e.link == vxlan.index and e.mac == mac for e in there.fdb):
        journey.setting.ends[there.id, vxlan.index, mac] = source


def remotes_of(journey: Journey, netns: Netns, vxlan: Link, mac: str | None) -> tuple[IPAddress, ...]:
    """Where a vxlan sends a frame: to the end that `mac` has spoken from, else as its entries say."""
    end = journey.setting.ends.get((netns.id, vxlan.index, mac or ""))
    return remotes(netns, vxlan, mac) if end is None else (end,)
