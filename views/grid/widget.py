"""The grid on the screen: a row a port, a column a place, a mark where they meet, and a cursor.

It is scrolled by whole columns, so that the labels of the rows are always there; the heads stay above the rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from views.grid.table import GridCell, GridTable
from views.painted import Painted
from views.text import Role, Span, cells, clip, fit

#: Cells of a column, at least and at most.
NARROWEST, WIDEST = 3, 14
#: Part of the width that the labels may take.
LABELS = 0.4


class Grid(Painted):
    """The table. Tells its owner when the cursor is on another cell, and when a cell is chosen."""

    class Moved(Message):
        """The cursor is on another cell."""

    class Chosen(Message):
        """The cell under the cursor was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self._table = GridTable((), ())
        self._row = self._column = self._first = 0

    def show(self, table: GridTable) -> None:
        """Shows a table; the cursor goes to the first cell that says no."""
        self._table = table
        places = [
            (row, column)
            for row, each in enumerate(table.rows)
            for column, cell in enumerate(each.cells)
            if cell is not None and cell.role is Role.BAD
        ]
        self._row, self._column = places[0] if places else (0, 0)
        self.virtual_size = Size(0, len(table.rows) + 1)
        self._reveal()

    @property
    def cell(self) -> GridCell | None:
        """The cell under the cursor."""
        rows = self._table.rows
        return rows[self._row].cells[self._column] if rows and self._table.columns else None

    @property
    def place(self) -> tuple[str, str]:
        """The row's label and the column's name under the cursor; empty where there is none."""
        if not self._table.rows or not self._table.columns:
            return "", ""
        return self._table.rows[self._row].label, self._table.columns[self._column]

    def move(self, across: int, down: int) -> None:
        """Moves the cursor, and stops at the edges."""
        self._row = min(max(self._row + down, 0), max(len(self._table.rows) - 1, 0))
        self._column = min(max(self._column + across, 0), max(len(self._table.columns) - 1, 0))
        self._reveal()

    def page(self, pages: float) -> None:
        """Moves by a part of the height."""
        self.move(0, int(self.size.height * pages))

    def _reveal(self) -> None:
        """Scrolls so far that the cursor is in sight."""
        shown = self._columns_shown
        self._first = min(max(self._first, self._column - shown + 1), self._column)
        self.scroll_to_region(Region(0, max(self._row - 1, 0), 1, 3), animate=False, force=True)
        self.post_message(self.Moved())
        self.refresh()

    @property
    def _label(self) -> int:
        """Cells of the labels."""
        longest = max((cells(row.label) for row in self._table.rows), default=0)
        return min(longest, int(self.size.width * LABELS)) + 1

    @property
    def _wide(self) -> int:
        """Cells of a column: as many as its name needs, where there is room."""
        longest = max((cells(name) + 2 for name in self._table.columns), default=NARROWEST)
        room = (self.size.width - self._label - 2) // max(len(self._table.columns), 1)
        return min(max(room, NARROWEST), WIDEST, longest)

    @property
    def _columns_shown(self) -> int:
        return max((self.size.width - self._label - 2) // self._wide, 1)

    def paint(self, y: int) -> Strip:
        """The heads, which stay, or a row."""
        wide, label = self._wide, self._label
        last = min(self._first + self._columns_shown, len(self._table.columns))
        shown = range(self._first, last)
        if y == 0:
            more = Span("…" if last < len(self._table.columns) else "")
            return self.strip([Span(" " * label), *self._heads(shown, wide), more])
        number = y - 1 + self.scroll_offset.y
        if not 0 <= number < len(self._table.rows):
            return self.strip([])
        row, here = self._table.rows[number], number == self._row
        spans = [Span(fit(clip(row.label, label - 1), label), Role.STRONG if here else Role.PLAIN)]
        spans += [self._mark(row.cells[column], wide, cursor=here and column == self._column) for column in shown]
        return self.strip(spans)

    def _heads(self, shown: range, wide: int) -> Iterator[Span]:
        for column in shown:
            role = Role.STRONG if column == self._column else Role.DIM
            yield Span(f"{clip(self._table.columns[column], wide - 1):^{wide}}", role)

    def _mark(self, cell: GridCell | None, wide: int, *, cursor: bool) -> Span:
        """A mark; one that was another before has it beside it."""
        mark = "·" if cell is None else f"{cell.before}→{cell.mark}" if cell.before and wide > 3 else cell.mark
        if cell is not None and cell.before and wide <= 3:
            mark = f"{cell.mark}!"
        role = Role.FOCUS if cursor else Role.DIM if cell is None else cell.role
        return Span(f"{mark:^{wide}}", role)

    def on_click(self, event: events.Click) -> None:
        """Puts the cursor on the cell under the pointer; a second click chooses it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = offset.y - 1 + self.scroll_offset.y
        column = (offset.x - self._label) // self._wide + self._first
        if 0 <= row < len(self._table.rows) and 0 <= column < len(self._table.columns) and offset.x >= self._label:
            if (row, column) == (self._row, self._column) and event.chain > 1:
                self.post_message(self.Chosen())
            self._row, self._column = row, column
            self._reveal()
