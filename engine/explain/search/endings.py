"""How a question can end: the different endings of its branches, and what they come to.

Pure. Branches that end alike are one ending. A branch that leaves what the snapshot shows ends in somebody else's
hands, which is a `depends` of its own, whatever the client would see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.model.trace import Conversation, Outcome, Symptom
from engine.model.verdict import Reach
from engine.path.choices import BranchRun


class QuestionEnding(NamedTuple):
    """How a conversation ends: its symptom, whether it leaves the view, and whether the client is served."""

    symptom: Symptom
    leaves: bool
    works: bool

    @property
    def words(self) -> str:
        """It in a sentence."""
        return "a proxy's own answer" if self.symptom is Symptom.CONNECTED and not self.works else str(self.symptom)


#: A conversation for each different ending.
Endings = dict[QuestionEnding, Conversation]


def endings_of(runs: Sequence[BranchRun[Conversation]]) -> Endings:
    """One conversation for each different ending; whether it leaves the view is part of it."""
    found: Endings = {}
    for run in runs:
        result = run.result
        found.setdefault(QuestionEnding(result.symptom, _leaves(result), result.works), result)
    return found


def reach_of(endings: Endings) -> Reach:
    """The answer in one word: what all endings agree on. Two ways to fail are two answers."""
    if len({(each.symptom, each.works) for each in endings}) > 1 or any(each.leaves for each in endings):
        return Reach.DEPENDS
    return Reach.YES if next(iter(endings)).works else Reach.NO


def connects(runs: Sequence[BranchRun[Conversation]], complete: bool) -> bool:
    """Whether the question connects on every branch, of which none was left out."""
    return complete and reach_of(endings_of(runs)) is Reach.YES


def _leaves(conversation: Conversation) -> bool:
    """Whether somebody outside of the snapshot decides."""
    http, second = conversation.http, conversation.relayed
    if http is not None and not http.served:
        return http.reason == "INFO_DEPENDS" or (second is not None and _leaves(second))
    if conversation.name is not None and conversation.name.used is None and conversation.name.unknown:
        return True
    return any(trace.outcome in (Outcome.LEAVES_VIEW, Outcome.UNKNOWN) for trace in conversation.way)


def main_run(runs: Sequence[BranchRun[Conversation]]) -> BranchRun[Conversation]:
    """The run that the answer is about: the first that fails, since it needs explaining, else the first."""
    return next((run for run in runs if not run.result.works), runs[0])
