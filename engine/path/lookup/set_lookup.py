"""Sets and maps arranged for looking up: single values in a table, disjoint ranges in order, the rest one by one.

A look-up then takes as long for ten thousand elements as for ten. Elements of a set do not overlap (nf_tables refuses
overlaps, ipsets answer for the most specific), so which of several comes first does not matter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from engine.model.firewall import Element, Interval, Name

Value = int | str | frozenset[str] | None
#: Fewer elements than this are compared one by one.
FEW = 8


class Lookup:
    """The elements of one set, or the keys of one map. An empty key, the wildcard of a map, is never found here."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self._points: dict[tuple[int | str, ...], int] = {}
        self._others: list[tuple[Element, int]] = []
        ranges: list[tuple[int, int, int]] = []
        for place, element in enumerate(elements):
            point = _point(element)
            if point is not None:
                self._points.setdefault(point, place)
            elif len(element) == 1 and isinstance(element[0], Interval):
                ranges.append((element[0].low, element[0].high, place))
            elif element:
                self._others.append((element, place))
        ranges.sort()
        if any(one[1] >= other[0] for one, other in pairwise(ranges)):
            self._others += [(elements[place], place) for _, _, place in ranges]
            ranges = []
        self._ranges = ranges
        self._lows = [low for low, _, _ in ranges]

    def find(self, values: Sequence[Value]) -> int | None:
        """The place of the element that holds the values, part by part; None where none does."""
        if any(isinstance(value, frozenset) for value in values):
            return self._any_of(values)
        found = self._points.get(tuple(values))  # type: ignore[arg-type]
        if found is not None:
            return found
        first = values[0]
        if self._lows and isinstance(first, int) and len(values) == 1:
            at = bisect_right(self._lows, first) - 1
            if at >= 0 and first <= self._ranges[at][1]:
                return self._ranges[at][2]
        return next((place for element, place in self._others if holds(element, values)), None)

    def _any_of(self, values: Sequence[Value]) -> int | None:
        """As `find`, for fields that have several values at once."""
        for point, place in self._points.items():
            if len(point) == len(values) and all(
                part in value if isinstance(value, frozenset) else part == value
                for part, value in zip(point, values, strict=True)
            ):
                return place
        return next((place for element, place in self._others if holds(element, values)), None)


class Lookups:
    """The arranged sets of a world, each made once and only where it is asked."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[object, Lookup]] = {}

    def of(self, owner: object, elements: Sequence[Element]) -> Lookup:
        """The elements of `owner` (a set, a match, a map), arranged."""
        found = self._made.get(id(owner))
        if found is None:
            found = self._made[id(owner)] = (owner, Lookup(elements))
        return found[1]


def holds(element: Element, values: Sequence[Value]) -> bool:
    """Whether the values, part by part, are in one element of a set."""
    return len(element) == len(values) and all(
        _within(atom, value) for atom, value in zip(element, values, strict=True)
    )


def _point(element: Element) -> tuple[int | str, ...] | None:
    """The one value that an element stands for; None where it stands for several."""
    values: list[int | str] = []
    for atom in element:
        if isinstance(atom, Interval):
            if atom.low != atom.high:
                return None
            values.append(atom.low)
        elif atom.pattern.endswith("*"):
            return None
        else:
            values.append(atom.pattern)
    return tuple(values) or None


def _within(atom: Interval | Name, value: Value) -> bool:
    if isinstance(atom, Interval):
        return isinstance(value, int) and atom.low <= value <= atom.high
    if isinstance(value, frozenset):
        return atom.pattern in value
    if not isinstance(value, str):
        return False
    if atom.pattern.endswith("*"):
        return value.startswith(atom.pattern[:-1])
    return value == atom.pattern
