"""All that was seen of one attempt, as values: what the posts bring back and `compare` reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.host import Gap
from engine.model.link import Neighbour
from engine.model.proof import Drop, FlowSeen, Growth, ProofRow, RuleSeen, Sighting
from engine.model.trace import Step
from engine.prove.packets.capture import Captured
from engine.prove.packets.headers import parse_packet, quoted
from engine.prove.packets.packet_matching import ObservedTalk, leg_of
from engine.records import dataclass, field

#: Where the kernel would send a step's packet, in a step's words, and the errno of a refusal.
Way = tuple[str, int]


@dataclass(frozen=True)
class Evidence:
    """What was seen, by kind. `traced`, `captured_in`, `counted_in` name the namespaces where the kind was to be had.

    `names` has a row for the look-up's first question to a server. `ways` has the kernel's answer for routing steps, by
    the identity of the predicted step. `neighbours` and `growths` are by namespace; `rule_growths` has rules whose
    counter stood still, too.
    """

    captured: tuple[Captured, ...] = ()
    rules: tuple[RuleSeen, ...] = ()
    flows: tuple[FlowSeen, ...] = ()
    growths: tuple[Growth, ...] = ()
    rule_growths: tuple[Growth, ...] = ()
    drops: tuple[Drop, ...] = ()
    ways: tuple[tuple[Step, str, Way], ...] = ()
    neighbours: Mapping[str, tuple[Neighbour, ...]] = field(default_factory=dict)
    traced: frozenset[str] = frozenset()
    captured_in: frozenset[str] = frozenset()
    gaps: tuple[Gap, ...] = ()
    names: tuple[ProofRow, ...] = ()


def sightings(captured: tuple[Captured, ...], talk: ObservedTalk) -> tuple[Sighting, ...]:
    """The conversation's packets in the order in which they were seen; times count from the first one."""
    found: list[Sighting] = []
    begun = min((each.when for each in captured), default=0)
    for each in sorted(captured, key=lambda one: one.when):
        packet = parse_packet(each.data)
        about = quoted(each.data)
        leg = leg_of(packet, about, talk) if packet else None
        if packet and leg:
            direction = "out" if each.outgoing else "in"
            found.append(Sighting((each.when - begun) / 1e9, each.netns, each.device, direction, packet, leg, about))
    return tuple(found)


def last_place(seen: tuple[Sighting, ...]) -> Sighting | None:
    """How far the first packet got the first time that it was sent; what is sent again does not count."""
    first = [each for each in seen if each.leg.value == "forward"]
    found: Sighting | None = None
    places: set[tuple[str, str, str]] = set()
    for each in first:
        place = each.netns, each.device, each.direction
        if place in places:
            break
        places.add(place)
        found = each
    return found


def comments(captured: tuple[Captured, ...], talk: ObservedTalk) -> dict[Captured, str]:
    """What each packet of the conversation is, in words, for a file of packets."""
    found: dict[Captured, str] = {}
    for each in captured:
        packet = parse_packet(each.data)
        leg = leg_of(packet, quoted(each.data), talk) if packet else None
        way = "leaves by" if each.outgoing else "arrives on"
        what = f"{leg}: {packet}" if leg else "a question for an address, or its answer"
        found[each] = f"{what} {way} {each.device} in {each.netns}"
    return found
