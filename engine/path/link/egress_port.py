"""The port of a bridge that a frame leaves by: the one behind which its MAC address lives, if it may go there.

By what the bridge has learned from the conversation (`learning`), then by its forwarding table, else where a flood
finds the address. Of a flood the other ports get copies, which meet the hooks, too; a frame for nobody is lost there.
Source: net/bridge/br_forward.c (should_deliver, br_flood), br_fdb.c.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.link import Link
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.journey import Journey
from engine.path.link.bridge_hooks import flood
from engine.path.link.fdb_learning import learned
from engine.path.link.upper_devices import leave
from engine.path.lookup.bridge_vlans import Refused, released
from engine.path.lookup.broadcast_domain import PLAIN, forwards, may_pass, ports_of
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Ways:
    """A frame's ways out of a bridge: the port that it came in by, None where the bridge itself sends, and the hooks
    that it meets on the way to a port, with the trace where it ends there."""

    bridge: Link
    source: Link | None
    meets: Callable[[Link], Trace | None]


def port_for(journey: Journey, mac: str | None, vlan: int | None, ways: Ways) -> Link | Trace:
    """The port behind which a MAC address lives, once the hooks there are met; or the trace of a frame that ends."""
    netns, bridge, source = journey.netns, ways.bridge, ways.source
    spoke = learned(journey, bridge, mac) if vlan is None else None
    if spoke is not None:
        return _checked(journey, ways, spoke)
    for entry in netns.fdb:
        if entry.mac == mac and entry.master == bridge.index and not entry.local and vlan in (None, entry.vlan):
            port = netns.links_by_index.get(entry.link)
            if port is not None and port.master == bridge.index:
                return _checked(journey, ways, port)
    segment = journey.world.segment(netns, bridge, vlan)
    station = segment.owner(mac or "")
    port = netns.links_by_index.get(station.port) if station is not None and station.port is not None else None
    if port is not None and port.port is not None and not port.port.flood:
        text = f"{bridge.name} has not learned {mac}, and port {port.name} does not flood unknown frames (flood off)"
        journey.step(StepKind.BRIDGE, text, journey.link_ref(port))
        return journey.end(Outcome.BRIDGE_DROP)
    if port is not None and (port.port or PLAIN).learning:
        return _checked(journey, ways, port)
    open_ports = [port for port in reversed(ports_of(netns, bridge)) if may_pass(source, port)]
    carrying = [port for port in open_ports if not isinstance(released(netns, bridge, port, vlan), Refused)]
    hearing = [port for port in carrying if port.port is None or port.port.flood]
    if port is not None and port in open_ports:
        return _among(journey, ways, port, hearing)
    if segment.leaves_view:
        away = next((port for port in reversed(open_ports) if journey.world.segment(netns, port).leaves_view), None)
        if away is not None:
            return leave(journey, away)
    flood(journey, hearing, ways.meets)
    journey.step(StepKind.BRIDGE, f"no port of {bridge.name} leads to {mac}", journey.link_ref(bridge))
    return journey.end(Outcome.BRIDGE_DROP)


def _among(journey: Journey, ways: Ways, port: Link, hearing: list[Link]) -> Link | Trace:
    """The port of a frame that all these ports hear, as its station is behind one that does not learn."""
    place = hearing.index(port) if port in hearing else len(hearing)
    flood(journey, hearing[:place], ways.meets)
    ended = ways.meets(port)
    if ended is None:
        flood(journey, hearing[place + 1 :], ways.meets)
    return ended or port


def _checked(journey: Journey, ways: Ways, port: Link) -> Link | Trace:
    bridge, source = ways.bridge, ways.source
    if may_pass(source, port):
        return ways.meets(port) or port
    if source is not None and source.index == port.index:
        why = f"port {port.name} does not send a frame back out (hairpin off)"
    elif not forwards(port):
        why = f"port {port.name} of {bridge.name} is {port.port.state if port.port and port.works else 'down'}"
    else:
        why = f"ports {source.name if source else ''} and {port.name} of {bridge.name} are isolated from each other"
    journey.step(StepKind.BRIDGE, why, journey.link_ref(port))
    return journey.end(Outcome.BRIDGE_DROP)
