"""When an answer is another one, which change did it, and the words for that: one rule for command line and screen.

On a busy host many changes come at once, and most have nothing to do with the question. So the one that flips its
answer is searched among them (`engine.explain.survey.flip`), for `PATIENCE` seconds at most: an answer is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from engine.change import applied
from engine.change.differences import Difference
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
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
class FlipCause:
    """What made an answer another one: a fix of the user's own by its words, or the changes that flip it.

    Where that was not found out, `among` says how many changes came, and `changed` are those that touch the path.
    """

    changed: tuple[str, ...] = ()
    own: str = ""
    among: int = 0

    @property
    def words(self) -> str:
        """`rule … deleted in host`, `your fix: …`, `one of 96 changes; these 3 touch the path: …`."""
        if self.own:
            return self.own
        if not self.among:
            return change_words(self.changed)
        if not self.changed:
            return f"one of {self.among} changes; none of them is known to touch the path"
        these = "this one touches" if len(self.changed) == 1 else f"these {len(self.changed)} touch"
        return f"one of {self.among} changes; {these} the path: {change_words(self.changed)}"


@dataclass(frozen=True, slots=True)
class Flip:
    """The moment in which the answer became another one, and what did it.

    `at` is the `taken_at` of the snapshot that has the new answer. `before` and `after` are the answers in words: a
    whole one is computed again from its snapshot, which the timeline keeps.
    """

    ask: Ask
    at: str
    before: str
    after: str
    reach: Reach
    cause: FlipCause

    @property
    def words(self) -> str:
        """`✓ reachable: rule … deleted in host`."""
        return f"{self.after}: {self.cause.words}"


@dataclass(frozen=True, slots=True)
class OwnFix:
    """A fix that was applied here, or undone, since the last answer."""

    title: str
    changes: tuple[Change, ...]
    applied: bool = True


def flipping(
    sides: tuple[Snapshot, Snapshot],
    changed: Sequence[Difference],
    asked: Callable[[Snapshot], Question],
    stopped: Callable[[], bool] = lambda: False,
    own: Sequence[OwnFix] = (),
) -> FlipCause:
    """What flips the answer on the way from the one of two snapshots to the other, among the changes between them.

    `asked` puts the question to a snapshot, or raises ValueError. `stopped` is asked whether somebody waits. Nothing is
    guessed: a fix of the user's own is the cause where it gives the later answer on the earlier snapshot.
    """
    from engine.explain.survey.flip import flip, passed  # noqa: PLC0415 - the first picture comes first

    before, after = sides
    for fix in own:
        if _flips(fix, before, after, asked):
            return FlipCause(own=f"your fix: {fix.title}" if fix.applied else f"your fix undone: {fix.title}")
    end = time.monotonic() + PATIENCE

    def tried(_count: int, _whole: int) -> None:
        if stopped() or time.monotonic() > end:
            raise Stopped

    if len(changed) < 2:
        return FlipCause(tuple(map(str, changed)))
    with suppress(Stopped):
        found = flip(before, after, asked, tried).by
        if found:
            return FlipCause(tuple(map(str, found)))
    near = passed(before, asked) | passed(after, asked)
    return FlipCause(tuple(str(each) for each in changed if each.netns in near), among=len(changed))


def _flips(fix: OwnFix, before: Snapshot, after: Snapshot, asked: Callable[[Snapshot], Question]) -> bool:
    """Whether the fix alone makes the difference: on the earlier snapshot, or undone, on the later one."""
    from engine.explain.survey.flip import ending  # noqa: PLC0415

    without, other = (before, after) if fix.applied else (after, before)
    with suppress(StaleChange, KeyError):
        return ending(applied(without, fix.changes), asked) == ending(other, asked)
    return False


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
