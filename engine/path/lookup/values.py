"""What the fields of a packet have as values, and the value of one that the model cannot know."""

from __future__ import annotations

from collections.abc import Callable

from engine.path.lookup.view import View
from engine.records import dataclass

Value = int | str | frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The value of a field that the model cannot know; a number may be known to lie between two others."""

    least: int | None = None
    most: int | None = None

    def within(self, low: int, high: int) -> bool | None:
        """Whether it is in a range; None where that is not known."""
        if self.least is None or self.most is None:
            return None
        if self.most < low or high < self.least:
            return False
        return True if low <= self.least and self.most <= high else None

    def __repr__(self) -> str:
        return "UNKNOWN" if self.least is None else f"UNKNOWN({self.least}-{self.most})"


UNKNOWN = Unknown()
Read = Callable[[View], Value | Unknown]


def of_mac(mac: str) -> int | Unknown:
    """A MAC address as a number, where it was seen."""
    return int(mac.replace(":", ""), 16) if mac else UNKNOWN
