"""A grid of cells with joined lines: every line adds its directions to the cells it passes.

Pure. A cell holds a weight (0 none, 1 light, 2 heavy) for each of its four directions; the character comes
from the weights alone, so crossings and corners join whatever order they were drawn in. The characters are
found by their Unicode names (Box Drawing, U+2500-257F), which say weights and directions.
"""

from __future__ import annotations

import unicodedata

UP, DOWN, LEFT, RIGHT = range(4)
Weights = tuple[int, int, int, int]

_DIRECTIONS: dict[str, tuple[int, ...]] = {
    "UP": (UP,),
    "DOWN": (DOWN,),
    "LEFT": (LEFT,),
    "RIGHT": (RIGHT,),
    "VERTICAL": (UP, DOWN),
    "HORIZONTAL": (LEFT, RIGHT),
}
_WEIGHTS = {"LIGHT": 1, "HEAVY": 2}


def _weights(name: str) -> Weights | None:
    """The weights that a character's name tells; None for dashes, arcs, diagonals and double lines.

    The weight stands before all directions it is for ("HEAVY UP AND RIGHT", "LIGHT UP AND HEAVY DOWN") or
    after them ("UP HEAVY AND RIGHT DOWN LIGHT").
    """
    words = [word for word in name.removeprefix("BOX DRAWINGS ").split() if word != "AND"]
    if not all(word in _DIRECTIONS or word in _WEIGHTS for word in words):
        return None
    if words[0] not in _WEIGHTS:
        words.reverse()
    cell = [0, 0, 0, 0]
    weight = 0
    for word in words:
        if word in _WEIGHTS:
            weight = _WEIGHTS[word]
        else:
            for direction in _DIRECTIONS[word]:
                cell[direction] = weight
    return (cell[0], cell[1], cell[2], cell[3])


def _table() -> dict[Weights, str]:
    table: dict[Weights, str] = {(0, 0, 0, 0): " "}
    for code in range(0x2500, 0x2580):
        weights = _weights(unicodedata.name(chr(code)))
        if weights is not None:
            table[weights] = chr(code)
    return table


GLYPHS = _table()


#: The part of a line that passes a row: its first and last cell, and its weights in the cells between, first and last.
Run = tuple[int, int, Weights, Weights, Weights]


class Lines:
    """The lines of a drawing, by row. Coordinates are (x, y) in cells; y grows downwards.

    A line is kept as the runs that it has in each row; they become cells only when a row is asked for.
    """

    def __init__(self) -> None:
        self._rows: dict[int, list[Run]] = {}

    def across(self, y: int, start: int, end: int, weight: int = 1) -> None:
        """A horizontal line from cell to cell, both included; its ends reach the middle of their cells."""
        low, high = (start, end) if start <= end else (end, start)
        if low < high:
            run = (low, high, (0, 0, 0, weight), (0, 0, weight, weight), (0, 0, weight, 0))
            self._rows.setdefault(y, []).append(run)

    def down(self, x: int, start: int, end: int, weight: int = 1) -> None:
        """A vertical line from cell to cell, both included."""
        low, high = (start, end) if start <= end else (end, start)
        for y in range(low, high + 1):
            cell = (weight if y > low else 0, weight if y < high else 0, 0, 0)
            self._rows.setdefault(y, []).append((x, x, cell, cell, cell))

    def box(self, left: int, top: int, right: int, bottom: int, weight: int = 1) -> None:
        """A rectangle through these cells."""
        self.across(top, left, right, weight)
        self.across(bottom, left, right, weight)
        self.down(left, top, bottom, weight)
        self.down(right, top, bottom, weight)

    @property
    def height(self) -> int:
        """The rows up to the last one with a line in it."""
        return max(self._rows, default=-1) + 1

    @property
    def width(self) -> int:
        """The cells up to the last one with a line in it."""
        return max((run[1] for runs in self._rows.values() for run in runs), default=-1) + 1

    def row(self, y: int) -> dict[int, tuple[str, bool]]:
        """The character of each cell of a row with a line in it, and whether a heavy line passes there."""
        cells: dict[int, Weights] = {}
        for low, high, first, between, last in self._rows.get(y, ()):
            for x in range(low, high + 1):
                new = first if x == low else last if x == high else between
                cells[x] = _heavier(cells[x], new) if x in cells else new
        return {x: (GLYPHS[weights], 2 in weights) for x, weights in cells.items() if any(weights)}


def _heavier(one: Weights, other: Weights) -> Weights:
    return (max(one[0], other[0]), max(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))
