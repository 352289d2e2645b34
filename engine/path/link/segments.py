"""From one host to another: a frame that leaves by a device goes to the joined device behind which its MAC address is.

Which devices share a segment is in the snapshot (`Join`). A switch takes a frame to the one port behind which its
address is; a frame for any other address leaves for a machine that the snapshot does not show.
"""

from __future__ import annotations

from engine.model.trace import StepKind, Trace
from engine.path.journey import Journey
from engine.path.link.upper_devices import leave
from engine.path.lookup.device_topology import Place
from engine.path.stages import Arrive, OnWire


def across(journey: Journey, stage: OnWire) -> Arrive | Trace:
    """Takes the frame to the other host that has its MAC address; it leaves the snapshot where none has."""
    link = stage.link
    beside = journey.world.wiring.beside(journey.netns, link)
    place = next((each for each in beside if _leads_to(journey, each, stage)), None)
    if place is None:
        strange = stage.mac is not None and bool(beside)
        return leave(journey, link, f"no host here has {stage.mac}" if strange else "")
    there, far = place
    journey.step(StepKind.LINK, f"{link.name} → {far.name} of {there.id}", journey.link_ref(link))
    journey.enter(there)
    return Arrive(far, stage.mac, stage.source_mac, stage.vlan)


def _leads_to(journey: Journey, place: Place, stage: OnWire) -> bool:
    if stage.mac in (None, place[1].mac):
        return True
    return journey.world.heard(*place, stage.vlan).owner(stage.mac or "") is not None
