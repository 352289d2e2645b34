"""When an answer is another one, which change did it, and the words for that: one rule for command line and screen.

On a busy host many changes come at once, and most have nothing to do with the question. So the one that flips its
answer is searched among them (`engine.explain.survey.flip`), for `PATIENCE` seconds at most: an answer is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from engine.change.differences import Difference
from engine.model.host import Snapshot
from engine.model.verdict import Question, Reach, Verdict
from engine.records import dataclass
from views.verdict.ask import Ask
from workbench.session.stopping import Stopped

#: Changes that a line names; more are counted.
NAMED = 3
#: Seconds that a search for the change may take.
PATIENCE = 1.0
MARKS = {Reach.YES: "✓ reachable", Reach.NO: "✗ not reachable", Reach.DEPENDS: "? depends"}


@dataclass(frozen=True, slots=True)
class Flip:
    """The moment in which the answer became another one, and the changes that did it: all that came with it, where it
    is not known which.

    `at` is the `taken_at` of the snapshot that has the new answer. `before` and `after` are the answers in words: a
    whole one is computed again from its snapshot, which the timeline keeps.
    """

    ask: Ask
    at: str
    before: str
    after: str
    reach: Reach
    changed: tuple[str, ...]

    @property
    def words(self) -> str:
        """`✓ reachable: rule … deleted in host`."""
        return f"{self.after}: {change_words(self.changed)}"


def flipping(
    before: Snapshot,
    after: Snapshot,
    changed: Sequence[Difference],
    asked: Callable[[Snapshot], Question],
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Difference, ...]:
    """Those of the changes between two snapshots that flip the answer; all, where it is not found out in time.

    `asked` puts the question to a snapshot, or raises ValueError. `stopped` is asked whether somebody waits.
    """
    from engine.explain.survey.flip import flip  # noqa: PLC0415 - the first picture comes first

    end = time.monotonic() + PATIENCE

    def tried(_count: int, _whole: int) -> None:
        if stopped() or time.monotonic() > end:
            raise Stopped

    if len(changed) < 2:
        return tuple(changed)
    try:
        return flip(before, after, asked, tried).by or tuple(changed)
    except Stopped:
        return tuple(changed)


def asked(resolve: Callable[[Snapshot, Ask], Question], ask: Ask, snapshot: Snapshot) -> Question:
    """A question in words as one of a snapshot. Raises ValueError, as a search for changes wants it."""
    try:
        return resolve(snapshot, ask)
    except LookupError as error:
        raise ValueError(str(error)) from error


def same(one: Verdict, other: Verdict) -> bool:
    """Whether two answers are the same one: their reach, symptom and causes."""
    return key(one) == key(other)


def key(verdict: Verdict) -> tuple[object, ...]:
    """What two answers have in common that are the same one."""
    return verdict.reach, verdict.symptom, tuple(cause.code for cause in verdict.causes)


def answer_words(verdict: Verdict) -> str:
    """`✗ not reachable, timeout FW_RULE_DROP`."""
    symptom = f", {verdict.symptom}" if verdict.reach is not Reach.YES else ""
    return f"{MARKS[verdict.reach]}{symptom}" + "".join(f" {cause.code}" for cause in verdict.causes)


def change_words(changed: Sequence[str]) -> str:
    """The first changes, and how many more there are."""
    more = f"; and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return "; ".join(changed[:NAMED]) + more


def clock(at: str, digits: int = 8) -> str:
    """The time of day of a snapshot in UTC: 8 digits for seconds, 12 for milliseconds. Empty where it has none."""
    return at.partition("T")[2][:digits]
