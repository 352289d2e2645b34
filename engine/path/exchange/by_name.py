"""A question by name: the look-up first, then the conversation with the address that it gives.

A client tries the addresses of a name one after the other until one connects, and fails with what the last one gave. A
name that a container has, and that the source does not find, is asked by the container's address where that is meant
(`Question.address`).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.address import IPAddress
from engine.model.application.naming import NameLookup, NameSymptom
from engine.model.packet import ECHO_PROTOCOLS, Packet, Protocol
from engine.model.trace import Conversation, Hop, Outcome, Step, StepKind, Symptom, Trace
from engine.model.verdict import Question
from engine.path.naming.lookup import config_of, look_up, unseen
from engine.path.naming.servers import NameAsker
from engine.path.world import World
from engine.records import replace

#: Walks a question; the number is that of the conversations that lead to it.
Converse = Callable[[Question, int], Conversation]
#: So many addresses of a name are tried.
MOST = 4


def by_name(world: World, question: Question, converse: Converse) -> Conversation:
    """The conversation of a question that has a name."""
    lookup = _lookup(world, question, converse)
    addresses = _tried(question, lookup)
    if not addresses:
        return _nameless(question, lookup)
    for address in addresses[:MOST]:
        talk = converse(at_address(question, address), 0)
        used = address
        if talk.symptom is Symptom.CONNECTED:
            break
    return replace(talk, name=replace(lookup, used=used))


def at_address(question: Question, address: IPAddress) -> Question:
    """The same question by address. An echo is that of the address's IP version."""
    protocol = question.protocol
    if protocol in ECHO_PROTOCOLS:
        protocol = Protocol.ICMP if address.version == 4 else Protocol.ICMPV6
    return replace(question, name="", address=address, protocol=protocol)


def _lookup(world: World, question: Question, converse: Converse) -> NameLookup:
    meant = None if question.address.is_unspecified else question.address
    config = config_of(world.snapshot, question.source)
    if config is None:
        return unseen(question.name, question.source.netns, meant)
    return look_up(NameAsker(world, config, lambda query: converse(query, 1)), question.source, question.name, meant)


def _tried(question: Question, lookup: NameLookup) -> tuple[IPAddress, ...]:
    """The addresses that the client tries: those of the IP version that it binds, where it does."""
    found = lookup.addresses or ((lookup.meant,) if lookup.meant is not None else ())
    bound = question.source.address
    return tuple(each for each in found if bound is None or each.version == bound.version)


def _nameless(question: Question, lookup: NameLookup) -> Conversation:
    """There is no address: the query that decided, as it went, else a packet that never set out."""
    waited = any(step.symptom is NameSymptom.TIMEOUT for step in lookup.order)
    symptom = Symptom.NAME_TIMEOUT if waited else Symptom.NAME_NOT_FOUND
    last = lookup.last
    if last is not None and last.query is not None:
        return replace(last.query, symptom=symptom, name=lookup)
    packet = Packet(question.address, question.address, question.protocol, dport=question.port or None)
    words = f"no packet is sent: {question.name} has no address"
    step = Step(StepKind.NOTE, words, packet, ref=last.at if last is not None else None)
    trace = Trace(Outcome.NO_NAME, (Hop(question.source.netns, packet, (step,)),))
    return Conversation(trace, symptom, name=lookup)
