"""When an answer is another one, and the words for what came with it: one rule for the command line and the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.model.verdict import Reach, Verdict
from views.verdict.ask import Ask

#: Changes that a line names; more are counted.
NAMED = 3
MARKS = {Reach.YES: "✓ reachable", Reach.NO: "✗ not reachable", Reach.DEPENDS: "? depends"}


@dataclass(frozen=True, slots=True)
class Flip:
    """The moment in which the answer became another one, and the changes of the host that came with it.

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
