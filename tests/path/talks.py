"""Whole questions to the stock hosts."""

from __future__ import annotations

from ipaddress import ip_address

from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Conversation
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.world import World as Walked
from tests.hosts.build import World

SERVER = "10.2.0.2"
UDP = Protocol.UDP


def asked(
    snapshot: Snapshot,
    address: str = SERVER,
    port: int = 80,
    protocol: Protocol = Protocol.TCP,
    source: Source | None = None,
) -> list[Conversation]:
    question = Question(source or Source(snapshot.host), ip_address(address), port, protocol)
    runs, complete = conversations(Walked(snapshot), question)
    assert complete
    return [run.result for run in runs]


def ask(
    world: World, address: str = SERVER, port: int = 80, protocol: Protocol = Protocol.TCP, source: str = "client"
) -> Conversation:
    return asked(world.snapshot(source), address, port, protocol)[0]


def places(found: Conversation) -> list[str]:
    return [hop.netns for hop in found.forward.hops]
