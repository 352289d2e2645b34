"""Branches: a decision that the model cannot take is taken every way, one run after the other.

A run asks `pick` whenever something is undecided and gets an answer from a script; past the script's
end it gets option 0. `explore` starts with an empty script, then changes the last decision that has
options left and runs again, until all are used up. So the walker itself stays a straight line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from engine.model.trace import Assumption
from engine.records import dataclass

Result = TypeVar("Result")

#: More runs than this for one question would take longer than people wait; the answer then says so.
MOST_RUNS = 64


class Choices:
    """The decisions of one run: a script to follow, and the record of what was asked."""

    def __init__(self, script: Sequence[int] = ()) -> None:
        self._script = tuple(script)
        self.made: list[tuple[int, int, Assumption]] = []
        self._kept: dict[object, int] = {}

    def pick(self, options: int, about: Assumption) -> int:
        """The number of the option to take (0 first), out of `options`."""
        position = len(self.made)
        taken = self._script[position] if position < len(self._script) else 0
        self.made.append((taken, options, about))
        return taken

    def pick_once(self, key: object, options: int, about: Assumption) -> int:
        """As `pick`, for a fact that is the same for every packet of a run: asked once for a key."""
        if key not in self._kept:
            self._kept[key] = self.pick(options, about)
        return self._kept[key]


@dataclass(frozen=True, slots=True)
class BranchRun(Generic[Result]):
    """The result of one run and the choices that it rests on."""

    result: Result
    decisions: tuple[tuple[int, Assumption], ...]


def explore(walk: Callable[[Choices], Result], most: int = MOST_RUNS) -> tuple[list[BranchRun[Result]], bool]:
    """Runs `walk` for every combination of choices. The flag tells whether all of them were run."""
    runs: list[BranchRun[Result]] = []
    script: list[int] | None = []
    while script is not None and len(runs) < most:
        choices = Choices(script)
        result = walk(choices)
        runs.append(BranchRun(result, tuple((taken, about) for taken, _, about in choices.made)))
        script = _next_script(choices)
    return runs, script is None


def _next_script(choices: Choices) -> list[int] | None:
    taken = [(choice, options) for choice, options, _ in choices.made]
    while taken:
        choice, options = taken.pop()
        if choice + 1 < options:
            return [earlier for earlier, _ in taken] + [choice + 1]
    return None
