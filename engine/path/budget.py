"""What an answer may cost: rules that are looked at, in all walks of one question together. Pure: counted, not timed.

A snapshot is a stranger's file, and its rules may jump round for ever. The first walks have a share of their own, the
search for causes and the look at side effects another: what is known of the packet is not lost to a search that does
not end. A walk that is out of its share ends where it is and cannot tell how the packet goes on.
"""

from __future__ import annotations

#: A packet that sets out, a rule that is looked at, and one that holds and is kept as a step.
WALK, LOOK, STEP = 150, 1, 8
#: A rule of a chain that is changed: the chain is made again, and its index.
EDIT = 1
#: A share: some seconds of a slow machine.
SHARE = 1_000_000
#: The least share of an answer among many.
LEAST = SHARE // 10


class OutOfBudget(Exception):
    """The search has used up its share; what it knows so far is the answer."""


class Budget:
    """What is left of an answer's share. `walking`: a walk that runs out ends as unknown; else the search ends."""

    def __init__(self, share: int = SHARE) -> None:
        self.share = share
        self.left: int = share
        self.walking = True

    @classmethod
    def part_of(cls, answers: int) -> Budget:
        """That of each of several answers that are waited for together."""
        return cls(max(3 * SHARE // (2 * max(answers, 1)), LEAST)) if answers > 2 else cls()

    def search(self) -> None:
        """From now on walks are those of a search, which has a share of its own."""
        self.walking, self.left = False, self.share

    def affords(self, amount: int) -> bool:
        """Whether there is so much left for what an answer can do without; then it is spent."""
        enough = self.left >= amount
        self.left -= amount if enough else 0
        return enough

    def spend(self, amount: int) -> bool:
        """Whether there was so much left. Raises OutOfBudget where a search has none."""
        self.left -= amount
        if self.left < 0 and not self.walking:
            raise OutOfBudget
        return self.left >= 0
