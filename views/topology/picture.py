"""A drawn scene: lines below, texts on top of them, and where each node is. A row is composed when it is asked for.

A pane shows some forty rows of a picture that may have thousands, so the size of a host costs its layout alone. A row
that was composed is kept; `rows` composes all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from engine.records import dataclass
from views.text import Role, Span, Spans, cells, narrow, visible
from views.topology.box import Lines

#: A text of a row: its first cell, the text, what it means.
Text = tuple[int, str, Role]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is drawn: its mark's cell, and the cells up to the end of its label."""

    x: int
    y: int
    width: int
    column: int
    rows: int = 1


class Picture:
    """The drawn scene. `places` says where each node is, `width` and `height` are in cells."""

    def __init__(self, lines: Lines, texts: dict[int, list[Text]], places: dict[str, Place]) -> None:
        self.places = places
        ends = (x + cells(text) for row in texts.values() for x, text, _ in row)
        self.width = max(max(ends, default=1), lines.width)
        self.height = max(max(texts, default=0) + 1, lines.height)
        self._lines, self._texts = lines, texts
        self._rows: dict[int, Spans] = {}

    @property
    def rows(self) -> tuple[Spans, ...]:
        """All rows."""
        return tuple(self.row(y) for y in range(self.height))

    def row(self, y: int) -> Spans:
        """One row; () below the last one."""
        if y not in self._rows:
            self._rows[y] = self._composed(y) if 0 <= y < self.height else ()
        return self._rows[y]

    def at(self, x: int, y: int) -> str | None:
        """The node drawn at a cell."""
        for node, place in self.places.items():
            if place.x <= x < place.x + place.width and place.y <= y < place.y + place.rows:
                return node
        return None

    def _composed(self, y: int) -> Spans:
        chars, roles = [" "] * self.width, [Role.PLAIN] * self.width
        for x, (glyph, heavy) in self._lines.row(y).items():
            chars[x], roles[x] = glyph, Role.TRACED if heavy else Role.DIM
        for x, text, role in self._texts.get(y, ()):
            inside = in_cells(text)
            end = x + len(inside)
            chars[x:end], roles[x:end] = inside, [role] * len(inside)
        return tuple(_runs(chars, roles))


def _runs(chars: list[str], roles: list[Role]) -> Iterator[Span]:
    """Neighbours of one role together."""
    start = 0
    for role, same in groupby(roles):
        end = start + len(list(same))
        yield Span("".join(chars[start:end]), role)
        start = end


def in_cells(text: str) -> list[str]:
    """What stands in each cell of a text: the second one of a wide character is empty, an accent is with its letter."""
    if narrow(text):
        return list(text)
    found: list[str] = []
    for char in visible(text):
        width = cells(char)
        if width or not found:
            found += [char, *[""] * (width - 1)]
        else:
            found[-1] += char
    return found
