"""Questions to two hosts on one bridge, for tests of the link layer."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from engine.model.host import Snapshot
from engine.model.trace import Conversation, Outcome, Symptom
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.link.neighbours import Resolved, resolve
from engine.path.lookup.broadcast_domain import Segment
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.path.journeys import journey, packet

RIGHT = "10.3.0.2"


def heard(snapshot: Snapshot, netns: str, device: str) -> Segment:
    walked = Walked(snapshot)
    return walked.segment(walked.netns(netns), walked.netns(netns).links_by_name[device])


def names(segment: Segment) -> set[str]:
    return {f"{station.netns}:{station.link.name}" for station in segment.stations}


def asked(
    world: World, towards: str = RIGHT, netns: str = "left", device: str = "eth0", source: str = "10.3.0.1"
) -> Resolved:
    """What becomes of the question for an address."""
    made = journey(world.snapshot(), netns, packet(source, towards))
    return resolve(made, made.netns.links_by_name[device], ip_address(towards))


def ask(world: World, address: str = RIGHT, source: str = "left", port: int = 80) -> list[Conversation]:
    question = Question(Source(source), ip_address(address), port)
    return [run.result for run in conversations(Walked(world.snapshot(source)), question)[0]]


def outcome(world: World, **more: Any) -> tuple[Outcome, Symptom]:
    found = ask(world, **more)[0]
    return found.forward.outcome, found.symptom
