"""Which of the changes between two snapshots flip the answer to a question.

Pure. The earlier snapshot gets the changes one by one (a run of neighbours at once), in order, until the question ends
as it does in the later one; then those that are not needed for it are left out again, in halves and single. What is
left is a smallest set in the sense that without any one of it the answer does not flip. Nothing of it is guessed: each
step is a walk.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.change.differences import Difference, changes
from engine.explain.survey.matrix import answer
from engine.explain.survey.snapshot_bisect import Between, Part
from engine.model.host import Snapshot
from engine.model.trace import Conversation, Symptom
from engine.model.verdict import Question, Reach
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from engine.records import dataclass

#: A question as it is asked of a snapshot; raises ValueError where it cannot be asked.
Asked = Callable[[Snapshot], Question]
#: Is told how many of how many changes were tried.
Tried = Callable[[int, int], object]
#: More runs of changes than this are not gone through one by one: the answer says that it was not looked for.
MOST_RUNS = 2000

Ending = tuple[Reach, Symptom] | None


@dataclass(frozen=True, slots=True)
class Flip:
    """Whether the ending differs, and the changes that are enough to flip it. `searched`: they were looked for."""

    flipped: bool
    by: tuple[Difference, ...] = ()
    searched: bool = True


def flip(before: Snapshot, after: Snapshot, asked: Asked, tried: Tried = lambda *_: None) -> Flip:
    """What flips the question's ending on the way from one snapshot to the other.

    `tried` is told how many of how many changes were gone through; what it raises ends the search. Changes of the
    namespaces that the question passes are tried before others: on a busy host they are few.
    """
    goal = ending(after, asked)
    if ending(before, asked) == goal:
        return Flip(False)
    between = Between(before, after)
    if len(between.runs) > MOST_RUNS:
        return Flip(True, searched=False)

    def flips(chosen: frozenset[Part]) -> bool:
        return ending(between.with_parts(chosen), asked) == goal

    near = passed(before, asked) | passed(after, asked)
    runs = tuple(sorted(between.runs, key=lambda run: run[0].place[0] not in near))
    first = _shortest_prefix(runs, flips, tried)
    if first is None:
        return Flip(True, searched=False)
    needed = _without_the_needless(first, flips, lambda: tried(len(runs), len(runs)))
    return Flip(True, changes(before, between.with_parts(frozenset(needed))))


def passed(snapshot: Snapshot, asked: Asked) -> frozenset[str]:
    """The namespaces that the question's packets come by, in all branches; none where it cannot be asked."""
    try:
        question = asked(snapshot)
    except ValueError:
        return frozenset()
    if question.source.netns not in snapshot.by_id:
        return frozenset()
    runs, _ = conversations(World(snapshot), question)
    found: set[str] = set()
    for run in runs:
        talk: Conversation | None = run.result
        while talk is not None:
            found.update(hop.netns for trace in talk.traces for hop in trace.hops)
            talk = talk.relayed
    return frozenset(found)


def _shortest_prefix(
    runs: tuple[tuple[Part, ...], ...], flips: Callable[[frozenset[Part]], bool], tried: Tried
) -> tuple[Part, ...] | None:
    found: tuple[Part, ...] = ()
    for count, run in enumerate(runs, 1):
        tried(count, len(runs))
        found += run
        if flips(frozenset(found)):
            return found
    return None


def _without_the_needless(
    parts: tuple[Part, ...], flips: Callable[[frozenset[Part]], bool], tried: Callable[[], object]
) -> tuple[Part, ...]:
    """Leaves out runs of parts, halving their length, as long as the rest still flips it."""
    size = len(parts) // 2
    while size:
        start = 0
        while start < len(parts):
            tried()
            rest = parts[:start] + parts[start + size :]
            if rest and flips(frozenset(rest)):
                parts = rest
            else:
                start += size
        size //= 2
    return parts


def ending(snapshot: Snapshot, asked: Asked) -> Ending:
    """Reach and symptom; None where the question cannot be asked of this snapshot."""
    try:
        question = asked(snapshot)
    except ValueError:
        return None
    if question.source.netns not in snapshot.by_id:
        return None
    cell = answer(World(snapshot), question)
    return cell.reach, cell.symptom
