"""What to ask instead: alternatives of the question that connect on the model, as fixes of the cause that comes first.

Where the packet ends at nothing (no program, no published port, an address on no interface) a likely alternative is the
first fix, and the cause says what was taken for what. Everywhere else, and where several services could have been
meant, they come after what opens the way that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from engine.explain.intent.alternative import Alternative, Trust
from engine.explain.intent.alternatives import alternatives
from engine.explain.intent.asked import Asked
from engine.explain.intent.codes_of_nothing import NOTHING
from engine.explain.intent.joining import join_first
from engine.explain.intent.port_forwards import forwarded_ports
from engine.explain.intent.published import publish_first, published_for
from engine.explain.search.endings import connects, main_run
from engine.model.address import end_of
from engine.model.host import Netns
from engine.model.packet import ECHO_PROTOCOLS, PORTS
from engine.model.plan import Plan
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Fix, FixKind, Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import replace

#: Causes that keep a client from a container's own address before it is there.
ON_THE_WAY = ("FW_", "SRC_", "RET_", "HOST_", "INFO_EXITS_HOST")
#: Causes that a client meets whose machine does not know the engine's networks.
NO_WAY = frozenset({"SRC_NO_ROUTE", "INFO_EXITS_HOST"})
#: Its services have addresses of their own, behind which no other container is meant.
BALANCER = "kube-proxy"
#: So many alternatives are walked, and so many are shown.
MOST_WALKS, MOST = 10, 3


def with_alternatives(
    world: World, question: Question, talk: Conversation, causes: tuple[Cause, ...]
) -> tuple[Cause, ...]:
    """The causes, the first of them with what to ask instead."""
    if not causes or question.protocol in ECHO_PROTOCOLS:
        return causes
    first, *others = causes
    asked = asked_at(world, question, talk)
    published = publish_first(world, asked) if first.code.startswith(ON_THE_WAY) else None
    if published is not None and asked.netns is not None:
        fact = (
            f"{question.address} is {asked.name(asked.netns)}'s own address, and port {question.port} is not published"
        )
        named = replace(first, sentence=f"{fact}: {first.sentence}", fixes=(published, *first.fixes))
        return (named, *others)
    untranslated = talk.forward.last.packet.dst == question.address
    at_nothing = first.code in NOTHING and untranslated
    least = Trust.POSSIBLE if at_nothing and first.owner != BALANCER else Trust.SURE
    found = list(connecting(world, asked, least))
    at_nothing = at_nothing or _meant_for_others(world, asked, first, found)
    fixes = [_fix(question, each) for each in found[:MOST]]
    joined = join_first(world, asked) if at_nothing and not found else None
    if joined is not None:
        named = replace(first, fixes=(joined, *first.fixes))
    elif at_nothing and found and found[0].trust > Trust.POSSIBLE:
        fact = first.sentence.partition("; ")[0].partition(": ")[0]
        sentence = f"{fact}: {found[0].because}" if found[0].because else first.sentence
        named = replace(first, sentence=sentence, fixes=(*fixes, *first.fixes))
    else:
        named = replace(first, fixes=(*first.fixes, *fixes))
    return (named, *others)


def _meant_for_others(world: World, asked: Asked, first: Cause, found: list[Alternative]) -> bool:
    """Whether a client beyond the host, or beyond a router, asks for an address that only those within reach."""
    if not found or not first.code.startswith(ON_THE_WAY):
        return False
    published = first.code in NO_WAY and published_for(asked, found[0])
    return published or found[0] in forwarded_ports(world.snapshot, asked)


def asked_at(world: World, question: Question, talk: Conversation) -> Asked:
    """The question with the namespace that it asks at: where the packet ended, if that has the address."""
    address, ended = question.address, talk.forward.hops[-1].netns
    snapshot = world.snapshot.part(question.expected) if question.expected else world.snapshot.around(ended)
    owners: list[Netns] = [world.netns(ended)] if address in world.netns(ended).addresses_by_value else []
    if not address.is_loopback:
        owners += [netns for netns in snapshot.namespaces if address in netns.addresses_by_value]
    return Asked(snapshot, question, owners[0] if owners else None, world.netns(question.source.netns))


def connecting(world: World, asked: Asked, least: Trust) -> Iterator[Alternative]:
    """The alternatives that connect on every branch, and end at the service that they are about."""
    every = chain(forwarded_ports(world.snapshot, asked), alternatives(asked))
    likely = (each for each in every if each.trust >= least and each.port in PORTS)
    worth = (each for each in likely if _can_ask(asked.question.source, each))
    for alternative in islice(worth, MOST_WALKS):
        runs, complete = conversations(world, _question(asked.question, alternative))
        if connects(runs, complete) and _ends_at(main_run(runs).result, alternative):
            yield alternative


def _can_ask(source: Source, alternative: Alternative) -> bool:
    """Whether the client can: one whose address is a part of the question has none of the other IP version."""
    return source.address is None or source.address.version == alternative.address.version


def _ends_at(talk: Conversation, alternative: Alternative) -> bool:
    while talk.relayed is not None:
        talk = talk.relayed
    there = talk.forward.hops[-1].netns
    return alternative.netns in ("", there) and alternative.inner in (None, talk.forward.last.packet.dport)


def _question(question: Question, alternative: Alternative) -> Question:
    protocol = alternative.protocol or question.protocol
    return replace(question, address=alternative.address, port=alternative.port, protocol=protocol, target="", zone="")


def _fix(question: Question, alternative: Alternative) -> Fix:
    end = end_of(alternative.address, alternative.port)
    end += f"/{alternative.protocol}" if alternative.protocol is not None else ""
    title = f"ask {end} ({alternative.name})"
    return Fix(title, Plan(title, ()), (), kind=FixKind.ASK, ask=_question(question, alternative))
