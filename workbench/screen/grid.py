"""The screen of the grid: who reaches what, the reason of the cell under the cursor, and the findings beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from views.grid.table import GridTable, finding_lines, summary
from views.grid.widget import Grid
from views.verdict.ask import Ask
from workbench.screen.fault_barrier import Held
from workbench.screen.notice_line import NoticeLine

HINT = "enter asks the cell · x only what fails · f all findings · esc closes"
#: Lines of findings, unless all are wanted.
FINDINGS = 3


class GridScreen(Held, ModalScreen[bool]):
    """The grid over the panes. `chosen` gets the question of the cell that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "move(-1, 0)", show=False),
        Binding("l,right", "move(1, 0)", show=False),
        Binding("k,up", "move(0, -1)", show=False),
        Binding("j,down", "move(0, 1)", show=False),
        Binding("ctrl+u,pageup", "page(-1)", show=False),
        Binding("ctrl+d,pagedown", "page(1)", show=False),
        Binding("g,home", "move(0, -100000)", show=False),
        Binding("G,end", "move(0, 100000)", show=False),
        Binding("x", "failing", show=False),
        Binding("f", "findings", show=False),
        Binding("enter", "choose", show=False),
        Binding("escape,q", "dismiss(False)", show=False),
    ]

    def __init__(self, table: GridTable, chosen: Callable[[Ask], object]) -> None:
        super().__init__()
        self._table, self._chosen = table, chosen
        self._only_failing = self._all_findings = False
        self.grid = Grid()

    def compose(self) -> ComposeResult:
        """The frame with the grid, what its cell says, and the findings."""
        with Vertical() as box:
            box.border_title = Content(f"Who reaches what · {summary(self._table)}")
            box.border_subtitle = Content(HINT)
            yield self.grid
            yield Static(id="grid-cell")
            yield Static(id="grid-findings")
        yield NoticeLine()

    def on_mount(self) -> None:
        """Shows the table."""
        self.grid.show(self._table)
        self.grid.focus()
        self.call_after_refresh(self._findings)

    def action_move(self, across: int, down: int) -> None:
        """Moves the cursor."""
        self.grid.move(across, down)

    def action_page(self, step: int) -> None:
        """Half a page up or down."""
        self.grid.page(step / 2)

    def action_failing(self) -> None:
        """Shows only the rows in which something fails or has turned, or all again."""
        self._only_failing = not self._only_failing
        self.grid.show(self._table.failing if self._only_failing else self._table)

    def action_findings(self) -> None:
        """Shows all findings, or a line for those that are alike."""
        self._all_findings = not self._all_findings
        self._findings()

    @on(Grid.Chosen)
    def action_choose(self) -> None:
        """Asks what the cell answers."""
        cell = self.grid.cell
        if cell is not None:
            self.dismiss(True)
            self._chosen(cell.ask)

    @on(Grid.Moved)
    def _moved(self) -> None:
        cell, (label, column) = self.grid.cell, self.grid.place
        none = f"{column} cannot ask for {label}" if label else "No ports to test."
        words = cell.sentence if cell is not None else none
        self.query_one("#grid-cell", Static).update(Content(words))

    def _findings(self) -> None:
        lines = finding_lines(self._table, max(self.grid.size.width, 20), whole=self._all_findings)
        more = len(lines) - FINDINGS
        shown = lines if self._all_findings or more <= 0 else lines[:FINDINGS]
        said = [line.words for line in shown] + ([f"  … {more} more (f)"] if len(shown) < len(lines) else [])
        self.query_one("#grid-findings", Static).update(Content("\n".join(said)))
