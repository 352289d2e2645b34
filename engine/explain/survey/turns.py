"""At which of many states the answer to a question became another one, and which change of that state did it.

Pure. Every state is gone through, in order; a state that the walk before cannot tell from its own is not walked
(`met`), and one that comes back later is known by its key. What flips the answer is searched among the changes between
two states (`flip`), and named by what the kernel followed (`consequences`). Where none of them does, only time passed,
and that is no turn; nor is it one when a neighbour is forgotten that does not answer: the turn before led there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from engine.change.differences import Difference, changes
from engine.explain.survey.consequences import traced
from engine.explain.survey.flip import Asked, Ending, flip
from engine.explain.survey.met import Endings
from engine.model.host import Snapshot
from engine.model.verdict import Reach
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """The state, by its place, from which on a question ends differently.

    `by` are the changes that are enough for it; where they were not found out (`searched` is false), all that came.
    """

    at: int
    before: Ending
    after: Ending
    by: tuple[Difference, ...] = ()
    searched: bool = True


class States(Protocol):
    """Snapshots of one host in the order in which they were taken, by their places from 0 on."""

    def __len__(self) -> int: ...

    def key(self, place: int) -> Hashable:
        """What equal snapshots have in common."""

    def snapshot(self, place: int) -> Snapshot:
        """The snapshot."""

    def differing(self, one: int, other: int) -> Iterable[tuple[str, str]]:
        """Namespace and field in which two differ, with an empty name for a field of the whole."""


class Finder:
    """How a question ends in each of some states, whichever is asked for next."""

    def __init__(self, states: States, asked: Asked) -> None:
        self._states = states
        self._endings = Endings(asked)
        self._known: dict[Hashable, Ending] = {}
        self._walked: int | None = None
        self._last: Ending = None

    def of(self, place: int) -> Ending:
        """The ending in the state at a place: walked, or known from the walk before, or from an equal state."""
        key = self._states.key(place)
        if key not in self._known:
            if self._walked is None or self._endings.met(self._states.differing(self._walked, place)):
                self._walked, self._last = place, self._endings.of(self._states.snapshot(place))
            self._known[key] = self._last
        return self._known[key]


def turns(states: States, endings: Sequence[Ending], asked: Asked) -> Iterator[TurningPoint]:
    """The turns among states, in order, by what a `Finder` found of each."""
    last: TurningPoint | None = None
    for place, (before, after) in enumerate(pairwise(endings), 1):
        if before == after:
            continue
        sides = states.snapshot(place - 1), states.snapshot(place)
        found = _turn(place, (last.after if last else before, after), sides, asked)
        if found is None or found.before == found.after:
            continue
        if _ages(found):
            last = replace(last, after=after) if last is not None else None
            continue
        if last is not None and last.before != last.after:
            yield last
        last = found
    if last is not None and last.before != last.after:
        yield last


def _turn(
    place: int, endings: tuple[Ending, Ending], sides: tuple[Snapshot, Snapshot], asked: Asked
) -> TurningPoint | None:
    """The turn of a state; None where nothing changed but time."""
    if not (came := changes(*sides)):
        return None
    found = flip(*sides, asked)
    if found.searched and not found.by:
        return None
    return TurningPoint(place, *endings, traced(found.by, came, sides) or came, found.searched)


def _ages(turn: TurningPoint) -> bool:
    """Whether a neighbour that was forgotten did no more than to make a timeout host-unreachable, or the other way."""
    reaches = {ending[0] for ending in (turn.before, turn.after) if ending is not None}
    return reaches == {Reach.NO} and all(each.what == "neighbour" for each in turn.by)
