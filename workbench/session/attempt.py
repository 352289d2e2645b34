"""A real attempt for an answer: made from the client where it is on this machine, else its packets are waited for."""

from __future__ import annotations

from collections.abc import Callable

from engine.explain import ask
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from engine.observe.base.errors import ObserveError
from engine.prove.errors import ProveError
from engine.prove.names import ask_outside
from engine.prove.prove import Proven, Wishes, client_of, prove
from engine.prove.watch import SECONDS, watch
from engine.records import replace
from workbench.exits import refused

#: A search list asks for one name after the other; so many times what was heard leads to a new question.
ROUNDS = 4


def settled_names(snapshot: Snapshot, verdict: Verdict) -> tuple[Snapshot, Verdict]:
    """Asks servers outside for what the look-up of a name lacks, and answers again with what they said."""
    for _ in range(ROUNDS):
        heard = tuple(each for each in ask_outside(snapshot, verdict) if each not in snapshot.name_answers)
        if not heard:
            break
        snapshot = replace(snapshot, name_answers=(*snapshot.name_answers, *heard))
        verdict = ask(snapshot, verdict.question)
    return snapshot, verdict


def nameless(verdict: Verdict) -> bool:
    """Whether the question is by a name that has no address, so that there is nothing to connect to."""
    lookup = verdict.conversation.name
    return lookup is not None and lookup.used is None


def attempt(
    snapshot: Snapshot, verdict: Verdict, wishes: Wishes, waits: Callable[[str], object] = lambda _: None
) -> Proven:
    """The proof. `waits` is told in a line that a client is waited for. Raises `Refusal`."""
    question = verdict.question
    if nameless(verdict):
        raise refused(f"nothing can be sent: {question.name} has no address")
    try:
        if client_of(snapshot, question) is not None:
            return prove(snapshot, verdict, wishes)
        source = question.source
        patience = SECONDS if wishes.seconds is None else wishes.seconds
        where = f"to port {question.port} on {source.device}"
        waits(f"{source.address} is not on this machine: waiting up to {patience:g} s for its packets {where}")
        return watch(snapshot, verdict, wishes)
    except (ProveError, ObserveError) as error:
        raise refused(str(error)) from error
