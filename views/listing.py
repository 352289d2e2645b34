"""A list of any length with a cursor, marks and a filter: the widget under the tables, the path and the card.

Rows are `Entry` values, drawn only when they are in view, so 25,000 of them cost as much as thirty. The
cursor is kept by a row's key, not by its number: it stays where it was when the rows are looked at anew.
Three cells stand before each row: the cursor (▶), and a mark that the owner sets for a key (✗ •).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from views.painted import Painted
from views.text import Entry, Role, Span, Spans, cells, clip, matching, stops

GUTTER = 3


class Listing(Painted):
    """Rows with a cursor. Tells its owner when the cursor moved and when a row was chosen."""

    class Moved(Message):
        """The cursor is on another row, by the user's hand."""

        def __init__(self, listing: Listing, key: Hashable) -> None:
            super().__init__()
            self.listing = listing
            self.key = key

        @property
        def control(self) -> Listing:
            """The list that speaks."""
            return self.listing

    class Chosen(Moved):
        """The row under the cursor was chosen."""

    def __init__(self, empty: str, *, id: str | None = None) -> None:
        """`empty` is said where there are no rows, once it is known that there are none. `on_screen`: the rows that are
        there now have been drawn."""
        super().__init__(id=id)
        self.empty = empty
        self.pattern = ""
        self.found = 0
        self.cursor: Hashable | None = None
        self.marks: Mapping[Hashable, Span] = {}
        self._all: Sequence[Entry] = ()
        self._lay: Callable[[int], Sequence[Entry]] | None = None
        self._laid_for = 0
        self._awaited = False
        self.on_screen = False
        self._rows: Sequence[Entry] = ()
        self._at: dict[Hashable, int] = {}

    @property
    def total(self) -> int:
        """How many rows there are, headings left out."""
        return sum(stops(entry) for entry in self._all)

    @property
    def entries(self) -> Sequence[Entry]:
        """All rows, filtered or not."""
        return self._all

    def show(self, entries: Sequence[Entry], *, top: bool = False) -> None:
        """Shows these rows. The cursor stays on its key, or goes to the first row; `top` scrolls up."""
        self.on_screen = False
        self._put(entries)
        if top:
            self.scroll_to(y=0, animate=False)

    def flow(self, lay: Callable[[int], Sequence[Entry]]) -> None:
        """Shows rows that depend on the width: `lay` is called with it now and whenever it changes."""
        self._lay = lay
        self.on_screen = False
        width = self._room()
        if width > 0:
            self._flow_to(width)
        else:
            self._awaited = True

    def filter(self, pattern: str) -> None:
        """Shows the rows that have the pattern; a leading `!` shows the others; empty shows all."""
        self.pattern = pattern
        self._filter()

    def mark(self, marks: Mapping[Hashable, Span]) -> None:
        """Puts a mark of one cell before the rows with these keys."""
        self.marks = marks
        self.refresh()

    def go(self, key: Hashable) -> bool:
        """Puts the cursor on that row, in view. False when the row is not shown."""
        index = self._at.get(key)
        if index is None:
            return False
        self.cursor = key
        self._reveal(index)
        self.refresh()
        return True

    def move(self, steps: int) -> None:
        """Moves the cursor over `steps` rows, and stops at the ends."""
        keyed = [key for key, index in self._at.items() if stops(self._rows[index])]
        if not keyed:
            self.scroll_relative(y=steps, animate=False)
            return
        here = self._place_among(keyed, steps)
        there = min(max(here + steps, 0), len(keyed) - 1)
        self.go(keyed[there])
        if there != here:
            self.post_message(self.Moved(self, keyed[there]))
        else:
            self.scroll_relative(y=steps, animate=False)

    def _place_among(self, keyed: Sequence[Hashable], steps: int) -> int:
        """Where the cursor is among the rows that it stops at; at a heading, beside the row that a step leads to."""
        if self.cursor not in self._at:
            return 0
        at = self._at[self.cursor]
        before = sum(self._at[key] < at for key in keyed)
        return before if stops(self._rows[at]) or steps < 0 else before - 1

    def page(self, pages: float) -> None:
        """Moves by a part of the pane's height."""
        self.move(int(self.scrollable_content_region.height * pages))

    def end(self, last: bool) -> None:
        """Goes to the last or the first row."""
        self.move(len(self._all) if last else -len(self._all))
        self.scroll_to(y=len(self._rows) if last else 0, animate=False)

    def choose(self) -> None:
        """Tells the owner that the row under the cursor is the one."""
        if self.cursor is not None and self.cursor in self._at:
            self.post_message(self.Chosen(self, self.cursor))

    def _flow_to(self, width: int) -> None:
        """Lays the rows for this width. Those that could be read at another one stay read."""
        assert self._lay is not None
        self._laid_for = width
        self._put(self._lay(width))

    def _put(self, entries: Sequence[Entry]) -> None:
        self._all, self._awaited = entries, False
        self._filter()

    def _filter(self) -> None:
        if self.pattern:
            self._rows, self.found = matching(self._all, self.pattern)
        else:
            self._rows, self.found = self._all, 0
        self._at = {entry.key: index for index, entry in enumerate(self._rows) if entry.key is not None}
        if self.cursor not in self._at:
            self.cursor = next((key for key, index in self._at.items() if stops(self._rows[index])), None)
        self.virtual_size = Size(0, len(self._rows))
        self.refresh()

    def _reveal(self, index: int) -> None:
        """Scrolls so far that the row is in view, with its heading right above it and what belongs to it below."""
        top = index - 1 if index and not stops(self._rows[index - 1]) else index
        end = index + 1
        while end < len(self._rows) and not stops(self._rows[end]) and self._rows[end].words:
            end += 1
        height = min(end - top, self.scrollable_content_region.height)
        if height <= 0:
            return
        self.scroll_to_region(Region(0, top, 1, height), animate=False, force=True)

    def paint(self, y: int) -> Strip:
        """One line of the pane."""
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if self._awaited:
            return self.strip([])
        self.on_screen = True
        if not self._rows:
            return self.said(f"Nothing has “{self.pattern}”." if self.pattern else self.empty, y)
        if index >= len(self._rows):
            return self.strip([])
        row = self._rows[index]
        here = row.key is not None and row.key == self.cursor
        mark = self.marks.get(row.key, Span(" ")) if row.key is not None else Span(" ")
        gutter = [Span("▶" if here else " ", Role.STRONG), mark, Span(" ")]
        over = None
        if here:
            name = "cursor" if self.has_focus else "cursor-blurred"
            over = self.component_style(name)
        return self.strip([*gutter, *_shortened(row.spans(width - GUTTER), width - GUTTER)], over=over)

    def _room(self) -> int:
        """The width of a row that leaves room for a scroll bar, whether there is one or not."""
        scrollbar = 0 if self.show_vertical_scrollbar else self.styles.scrollbar_size_vertical
        return self.scrollable_content_region.width - GUTTER - scrollbar

    def on_resize(self) -> None:
        """The rows have another width."""
        width = self._room()
        if self._lay is not None and width > 0 and width != self._laid_for:
            self._flow_to(width)
        if self.cursor in self._at:
            self._reveal(self._at[self.cursor])
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Puts the cursor on the row under the pointer; a second click chooses it."""
        index = event.y - self.gutter.top + self.scroll_offset.y
        if not 0 <= index < len(self._rows) or self._rows[index].key is None:
            return
        key = self._rows[index].key
        if key == self.cursor and event.chain > 1:
            self.choose()
        elif key != self.cursor:
            self.cursor = key
            self.refresh()
            self.post_message(self.Moved(self, key))


def _shortened(spans: Spans, width: int) -> Spans:
    """A row in at most `width` cells, with an ellipsis where something was cut."""
    excess = sum(cells(span.text) for span in spans) - width
    kept = list(spans)
    while excess > 0 and kept:
        last = kept.pop()
        room = cells(last.text) - excess
        if room > 0:
            return (*kept, Span(clip(last.text, room), last.role))
        excess = -room
    return tuple(kept)
