"""The screens that lie over the panes: a fix before it is carried out, and the command log.

Each is one list in a frame, which `/` filters. What its keys do is in its lower border; escape clears the filter, else
closes it and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from engine.change.chain_diff import ChainDiff
from engine.model.verdict import Fix
from views.listing import Listing
from views.text import Entry, Line, Role, Span, paragraph
from views.verdict.proposal import proposal
from workbench.screen.fault_barrier import Held
from workbench.screen.line_input import LineInput
from workbench.screen.notice_line import NoticeLine
from workbench.session.command_log import CommandLog
from workbench.session.command_log import Entry as LogEntry

MOVES: list[BindingType] = [
    Binding("j,down", "move(1)", show=False),
    Binding("k,up", "move(-1)", show=False),
    Binding("ctrl+d,pagedown", "page(1)", show=False),
    Binding("ctrl+u,pageup", "page(-1)", show=False),
    Binding("g,home", "end(False)", show=False),
    Binding("G,end", "end(True)", show=False),
]


class Dialog(Held, ModalScreen[bool]):
    """A framed list over the panes. Closed with yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *MOVES,
        Binding("slash", "filter", show=False),
        Binding("escape,q", "close", "close"),
    ]

    def __init__(self, title: str, hint: str, lay: Callable[[int], Sequence[Entry]], empty: str = "") -> None:
        super().__init__()
        self.listing = Listing(empty)
        self._title, self._hint, self._lay = title, hint, lay

    def compose(self) -> ComposeResult:
        """The frame with its list."""
        with Vertical() as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content(self._hint)
            yield self.listing
            yield LineInput(placeholder="/ text, or !text for all others", select_on_focus=True)
        yield NoticeLine()

    def on_mount(self) -> None:
        """Lays the rows, now that the width is known."""
        self.query_one(Input).display = False
        self.lay_rows()
        self.listing.focus()

    def lay_rows(self) -> None:
        """Lays the rows as they are now. The frame is as high as they are, up to a limit."""

        def laid(width: int) -> Sequence[Entry]:
            rows = self._lay(width)
            self.listing.styles.height = max(len(rows), 1)
            return rows

        self.listing.flow(laid)

    def action_filter(self) -> None:
        """Asks for what the rows have to have."""
        self.query_one(Input).display = True
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters as the user types."""
        listing = self.listing
        listing.filter(event.value)
        found = f"/{event.value} {listing.found} of {listing.total} · " if event.value else ""
        self.query_one(Vertical).border_subtitle = Content(f"{found}{self._hint}")

    def on_input_submitted(self) -> None:
        """Gives the keys back to the rows that are left."""
        self.listing.focus()
        self.query_one(LineInput).release()

    def action_move(self, steps: int) -> None:
        """Moves through the list."""
        self.listing.move(steps)

    def action_page(self, step: int) -> None:
        """Half a page up or down."""
        self.listing.page(step / 2)

    def action_end(self, last: bool) -> None:
        """To the first or the last row."""
        self.listing.end(last)

    def action_close(self) -> None:
        """Clears the filter; where there is none, closes without doing anything."""
        field = self.query_one(Input)
        if field.display:
            field.value = ""
            field.display = False
            self.listing.focus()
        else:
            self.dismiss(False)


class Choice(Dialog):
    """A list of which a row can be chosen. `chosen` gets its key when the dialog is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "choose")]

    def __init__(
        self,
        title: str,
        hint: str,
        lay: Callable[[int], Sequence[Entry]],
        empty: str,
        chosen: Callable[[object], object],
    ) -> None:
        super().__init__(title, hint, lay, empty)
        self._chosen = chosen

    def action_choose(self) -> None:
        """Closes, and tells which row it is; not before the rows are there to be seen."""
        if self.listing.cursor is not None and self.listing.on_screen:
            self.choose_key(self.listing.cursor)

    def choose_key(self, key: object) -> None:
        """Closes, and tells that it is this row."""
        self.dismiss(True)
        self._chosen(key)

    @on(Listing.Chosen)
    def _clicked(self) -> None:
        self.action_choose()


class Proposal(Dialog):
    """A fix before it is applied, with what it does to chains. `refusal` says why it cannot be, where it cannot.

    On a real host (`careful`) it is accepted twice.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "apply"),
        Binding("y", "copy", "copy"),
    ]

    def __init__(self, fix: Fix, refusal: str = "", *, careful: bool = False, diffs: Sequence[ChainDiff] = ()) -> None:
        hint = "y copies · esc closes" if refusal else "a applies it · y copies · esc closes"
        super().__init__("Apply fix" if not refusal else "Fix", hint, self._lines)
        self.fix, self.refusal, self._careful, self._diffs = fix, refusal, careful, diffs

    def _lines(self, width: int) -> list[Line]:
        lines = proposal(self.fix, width, self._diffs)
        return [*lines, Line(()), Line((Span(self.refusal, Role.WARN),))] if self.refusal else lines

    def action_accept(self) -> None:
        """Carries it out, where that is allowed, and not before it is there to be read."""
        if not self.listing.on_screen:
            return
        if self.refusal:
            self.app.bell()
        elif self._careful:
            self._careful = False
            frame = self.query_one(Vertical)
            frame.add_class("-careful")
            frame.border_title = "This changes the host"
            self._hint = "a again applies it on this host · esc closes"
            frame.border_subtitle = self._hint
        else:
            self.dismiss(True)

    async def action_copy(self) -> None:
        """Copies the commands."""
        self.dismiss(False)
        await self.app.run_action("do('copy')")


class Log(Dialog):
    """What was carried out."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "copy")]

    def __init__(self, log: CommandLog) -> None:
        super().__init__("Command log", f"{log.path} · y copies the line · esc closes", self._lines, "Nothing yet.")
        self.log_of = log

    def _lines(self, width: int) -> list[Line]:
        return [line for number, entry in enumerate(self.log_of.entries) for line in _entry_lines(entry, number, width)]

    def action_copy(self) -> None:
        """Copies the command under the cursor."""
        number = self.listing.cursor
        if isinstance(number, int):
            self.app.copy_to_clipboard(self.log_of.entries[number].command)
            self.notify("Copied.", timeout=2)


def _entry_lines(entry: LogEntry, number: int, width: int) -> Iterator[Line]:
    """The command with its time, nothing cut but what it reads from its input, and below it what it was for."""
    command, *text = entry.command.split("\n")
    more = f" … {len(text) - 1} lines" if text else ""
    first, *rest = paragraph(f"$ {command}{more}", width - len(entry.clock) - 2, rest="    ")
    yield Line((Span(f"{entry.clock}  ", Role.DIM), Span(first, Role.CODE)), number)
    indent = " " * (len(entry.clock) + 2)
    for line in rest:
        yield Line((Span(indent), Span(line, Role.CODE)))
    for line in paragraph(entry.why, width - len(indent) - 2):
        yield Line((Span(f"{indent}  {line}", Role.DIM),))
