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


class Lines:
    """The lines of a drawing, by cell. Coordinates are (x, y) in cells; y grows downwards."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[int]] = {}

    def across(self, y: int, start: int, end: int, weight: int = 1) -> None:
        """A horizontal line from cell to cell, both included; its ends reach the middle of their cells."""
        low, high = sorted((start, end))
        for x in range(low, high + 1):
            self._add(x, y, LEFT, weight if x > low else 0)
            self._add(x, y, RIGHT, weight if x < high else 0)

    def down(self, x: int, start: int, end: int, weight: int = 1) -> None:
        """A vertical line from cell to cell, both included."""
        low, high = sorted((start, end))
        for y in range(low, high + 1):
            self._add(x, y, UP, weight if y > low else 0)
            self._add(x, y, DOWN, weight if y < high else 0)

    def box(self, left: int, top: int, right: int, bottom: int, weight: int = 1) -> None:
        """A rectangle through these cells."""
        self.across(top, left, right, weight)
        self.across(bottom, left, right, weight)
        self.down(left, top, bottom, weight)
        self.down(right, top, bottom, weight)

    def cells(self) -> dict[tuple[int, int], tuple[str, bool]]:
        """The character of each cell with a line in it, and whether a heavy line passes there."""
        return {spot: (GLYPHS[(w[0], w[1], w[2], w[3])], 2 in w) for spot, w in self._cells.items() if any(w)}

    def _add(self, x: int, y: int, direction: int, weight: int) -> None:
        cell = self._cells.setdefault((x, y), [0, 0, 0, 0])
        cell[direction] = max(cell[direction], weight)
