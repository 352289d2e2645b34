"""The port of a bridge that a frame leaves by: the one behind which its MAC address lives, if it may go there.

By what the bridge has learned from the conversation (`learning`), then by its forwarding table, else where a flood
finds the address; a frame for nobody goes out by every port and is lost.
Source: net/bridge/br_forward.c (should_deliver, br_flood), br_fdb.c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model.link import Link
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.frames import flood
from engine.path.journey import Journey
from engine.path.learning import learned
from engine.path.segment import PLAIN, forwards, may_pass, ports_of
from engine.path.stacked import leave
from engine.path.vlans import Refused, released


@dataclass(frozen=True, slots=True)
class Ways:
    """A frame's ways out of a bridge: the port that it came in by, None where the bridge itself sends, and the hooks
    that it meets on the way to a port."""

    bridge: Link
    source: Link | None
    meets: Callable[[Link], Trace | None]


def port_for(journey: Journey, mac: str | None, vlan: int | None, ways: Ways) -> Link | Trace:
    """The port behind which a MAC address lives: by the forwarding table, else where a flood finds it."""
    netns, bridge, source = journey.netns, ways.bridge, ways.source
    spoke = learned(journey, bridge, mac) if vlan is None else None
    if spoke is not None:
        return _checked(journey, bridge, source, spoke)
    for entry in netns.fdb:
        if entry.mac == mac and entry.master == bridge.index and not entry.local and vlan in (None, entry.vlan):
            port = netns.links_by_index.get(entry.link)
            if port is not None and port.master == bridge.index:
                return _checked(journey, bridge, source, port)
    segment = journey.world.segment(netns, bridge, vlan)
    station = segment.owner(mac or "")
    port = netns.links_by_index.get(station.port) if station is not None and station.port is not None else None
    if port is not None and port.port is not None and not port.port.flood:
        text = (
            f"{bridge.name} has not learned where {mac} is, and port {port.name} takes no unknown frames (flood is off)"
        )
        journey.step(StepKind.BRIDGE, text, journey.link_ref(port))
        return journey.end(Outcome.BRIDGE_DROP)
    if port is not None and ((port.port or PLAIN).learning or may_pass(source, port)):
        return _checked(journey, bridge, source, port)
    open_ports = [port for port in reversed(ports_of(netns, bridge)) if may_pass(source, port)]
    if segment.leaves_view:
        away = next((port for port in reversed(open_ports) if journey.world.segment(netns, port).leaves_view), None)
        if away is not None:
            return leave(journey, away)
    carrying = (port for port in open_ports if not isinstance(released(netns, bridge, port, vlan), Refused))
    flood(journey, (port for port in carrying if port.port is None or port.port.flood), ways.meets)
    journey.step(StepKind.BRIDGE, f"no port of {bridge.name} leads to {mac}", journey.link_ref(bridge))
    return journey.end(Outcome.BRIDGE_DROP)


def _checked(journey: Journey, bridge: Link, source: Link | None, port: Link) -> Link | Trace:
    if may_pass(source, port):
        return port
    if source is not None and source.index == port.index:
        why = f"port {port.name} may not send back what it received (hairpin is off)"
    elif not forwards(port):
        why = f"port {port.name} of {bridge.name} is {port.port.state if port.port and port.works else 'down'}"
    else:
        why = f"ports {source.name if source else ''} and {port.name} of {bridge.name} are isolated from each other"
    journey.step(StepKind.BRIDGE, why, journey.link_ref(port))
    return journey.end(Outcome.BRIDGE_DROP)
