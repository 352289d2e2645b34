"""Findings beside a connection that works: it will hang, since large packets are lost and nobody is told.

A router on the way passes on less than both ends send at once, and the error with which it says so (fragmentation
needed, packet too big) does not get back to the sender. What stops the error is diagnosed as any packet's end is, and
its remedies are proven: the error has to get back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.explain.blockers import diagnose
from engine.explain.effects import Sideways
from engine.explain.failure import Failure, Leg
from engine.explain.mending import Way, fix_of
from engine.explain.search import after_remedy, told_of
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Outcome, Symptom, Trace
from engine.model.verdict import Cause, Fix, Question
from engine.path.conversation import conversations
from engine.path.oversize import TooBig, too_big
from engine.path.world import World

#: Endings of an error that tell nothing of whether it is lost.
UNDECIDED = frozenset({Outcome.DELIVERED, Outcome.LEAVES_VIEW, Outcome.UNKNOWN})


def swallowed(world: World, question: Question, conversation: Conversation) -> tuple[Cause, ...]:
    """Routers whose errors about packets that are too big are lost, each with what lets them through."""
    lost = (each for each in too_big(world, question) if each.error.outcome not in UNDECIDED)
    return tuple(_finding(_lost(world, question, conversation, each.error), each) for each in lost)


def _lost(world: World, question: Question, conversation: Conversation, error: Trace) -> Failure:
    """The error's end, as the failure of a conversation of its own."""
    return Failure(world, question, replace(conversation, forward=error), Leg.FORWARD, error)


def _finding(failure: Failure, narrow: TooBig) -> Cause:
    blocker = diagnose(failure)[0]
    nowhere = Ref(RefKind.NETNS, failure.netns.id, (), failure.netns.id, failure.netns.id)
    sentence = (
        f"it connects, and large packets are lost: {narrow.sender} sends up to {narrow.size} bytes at once, "
        f"{narrow.device} of {narrow.netns} takes {narrow.mtu}, and the error that says so does not get back"
    )
    instead = f"or give {narrow.sender} the smaller MTU ({narrow.mtu}), or clamp the MSS to it in {narrow.netns}"
    evidence = (f"the error: {blocker.sentence}", instead)
    at = failure.step.ref or nowhere
    return Cause("LINK_PMTU_BLACKHOLE", sentence, at, blocker.owner, evidence, fixes=tuple(_fixes(failure, narrow)))


def _fixes(failure: Failure, narrow: TooBig) -> Iterator[Fix]:
    sideways = Sideways(failure.question)
    for blocker in diagnose(failure):
        for remedy in blocker.remedies:
            after = after_remedy(failure.world, remedy)
            talk = told_of(conversations(after, failure.question)[0]).result
            left = [each for each in too_big(after, failure.question) if each.error.outcome is not Outcome.DELIVERED]
            same = any((each.netns, each.sender) == (narrow.netns, narrow.sender) for each in left)
            if talk.symptom is Symptom.CONNECTED and not same:
                effects = sideways.of(failure.world, after, remedy.changes)
                yield fix_of(failure.world.snapshot, Way(remedy, Symptom.CONNECTED, effects))
