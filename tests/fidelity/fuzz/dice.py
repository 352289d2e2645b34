"""Chance, from one seed: the same seed makes the same choices on every machine and Python.

Tables of the grammar are sequences of (weight, thing); `weighted` draws from one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

Thing = TypeVar("Thing")
Table = Sequence[tuple[float, Thing]]


class Dice:
    """A stream of choices. Strings seed by their bytes, so the hash seed of a process does not matter."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self._random.random() < probability

    def pick(self, things: Sequence[Thing]) -> Thing:
        """One of them, all alike."""
        return things[self._random.randrange(len(things))]

    def weighted(self, table: Table[Thing]) -> Thing:
        """One of a table, by weight."""
        left = self._random.random() * sum(weight for weight, _ in table)
        for weight, thing in table:
            left -= weight
            if left < 0:
                return thing
        return table[-1][1]

    def number(self, low: int, high: int) -> int:
        """A number from low to high."""
        return self._random.randint(low, high)

    def some(self, things: Sequence[Thing], most: int) -> list[Thing]:
        """One to `most` different ones, in their order."""
        count = min(self.number(1, most), len(things))
        chosen = sorted(self._random.sample(range(len(things)), count))
        return [things[index] for index in chosen]

    def either(self, *things: Thing) -> Thing:
        """One of the arguments."""
        return self.pick(things)
