"""How a question can end: the different endings of its branches, and what they come to.

Pure. Branches that end alike are one ending. A branch that leaves what the snapshot shows ends in somebody else's
hands, which is a `depends` of its own, whatever the client would see.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.trace import Conversation, Outcome, Symptom
from engine.model.verdict import Reach
from engine.path.choices import BranchRun

#: A conversation for each different ending: its symptom, and whether it leaves the view.
Endings = dict[tuple[Symptom, bool], Conversation]


def endings_of(runs: Sequence[BranchRun[Conversation]]) -> Endings:
    """One conversation for each different ending; whether it leaves the view is part of it."""
    found: Endings = {}
    for run in runs:
        found.setdefault((run.result.symptom, _leaves(run.result)), run.result)
    return found


def reach_of(endings: Endings) -> Reach:
    """The answer in one word: what all endings agree on. Two ways to fail are two answers."""
    if len({symptom for symptom, _ in endings}) > 1 or any(leaves for _, leaves in endings):
        return Reach.DEPENDS
    return next(_yes_or_no(symptom) for symptom, _ in endings)


def connects(runs: Sequence[BranchRun[Conversation]], complete: bool) -> bool:
    """Whether the question connects on every branch, of which none was left out."""
    return complete and reach_of(endings_of(runs)) is Reach.YES


def _yes_or_no(symptom: Symptom) -> Reach:
    return Reach.YES if symptom is Symptom.CONNECTED else Reach.NO


def _leaves(conversation: Conversation) -> bool:
    """Whether somebody outside of the snapshot decides."""
    return any(trace.outcome in (Outcome.LEAVES_VIEW, Outcome.UNKNOWN) for trace in conversation.way)


def main_run(runs: Sequence[BranchRun[Conversation]]) -> BranchRun[Conversation]:
    """The run that the answer is about: the first that fails, since it needs explaining, else the first."""
    return next((run for run in runs if run.result.symptom is not Symptom.CONNECTED), runs[0])
