"""The help screen: what the focused pane is for, the keys, made from the table of actions, and the pictures' marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from views.text import paragraph
from workbench.actions import help_lines, named
from workbench.screen.fault_barrier import Held

#: The marks of the pictures, in two columns where there is room.
MARKS = (
    ("●  up, running", "✗  the packet ends here"),
    ("○  down, stopped", "•  a rule on the path"),
    ("◌  outside of the snapshot", "━  the packet's path"),
    ("▶  selected", ":8080→80  published"),
    ("⇄  also on another network", "≈  a near miss: it almost accepts"),
    ("◎  the packet's target", "∅  a rule that can match no packet"),
)
SEEN = "✓ ✗ ·  before a step: a real attempt agrees, disagrees, shows nothing"


#: What a pane is for, and what its own keys do there.
PANES = {
    "topology": "The network. Move through it by h j k l or the arrows, or click. {why} asks about the selected "
    "container, {jump} goes to the step of the path at that node, {details} shows all that is known of it. "
    "{unfold} plays the packet's walk; on a device it supposes that it is down, on a long bridge it folds it.",
    "rules": "The rules in evaluation order, with their counters ({refresh} reads them again and shows the growth). "
    "{jump} goes to the step of the path at that rule, {backend} shows one backend, {details} the whole rule. "
    "{unfold} supposes that the rule is gone: path, answer and board turn, and nothing is changed.",
    "path": "The packet's path, step by step. Topology and rules follow the cursor; {jump} goes to the rule or link of "
    "the step, {details} shows the packet's fields before and after it, {unfold} supposes that what decided it is off. "
    "{onward} and {backward} walk the packet.",
    "answer": "What blocks the packet, and what fixes it. {apply} shows the fix under the cursor, {copy} copies "
    "it; {jump} goes to the row's object, {unfold} supposes that it is off, {issue} copies all as Markdown.",
}
#: Cells of the column of keys; longer ones have a line of their own.
COLUMN = 15
#: Cells of a line, in a terminal of 80; and those of the terminal that are beside the text, where it is narrower.
WIDTH, BESIDE = 70, 10


class Help(Held, ModalScreen[None]):
    """Keys and marks. Any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "close"),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
        Binding("t", "tour", show=False),
    ]

    def __init__(self, pane: str, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._pane, self._keys = pane, keys

    def compose(self) -> ComposeResult:
        """One text, scrolled where it does not fit."""
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "t tour · esc closes"
            yield Static(self._text())

    def action_move(self, rows: int) -> None:
        """Scrolls, by the keys of every list."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    async def action_tour(self) -> None:
        """Closes, and begins the tour."""
        self.dismiss()
        await self.app.run_action("do('tour')")

    def on_resize(self) -> None:
        """The lines have another width."""
        self.query_one(Static).update(self._text())

    def _text(self) -> Text:
        width = min(WIDTH, self.app.size.width - BESIDE)
        text = Text(f"{named(PANES[self._pane], self._keys)}\n\n")
        for keys, title in help_lines(self._keys):
            lead = f"{keys:<{COLUMN}}" if len(keys) < COLUMN else " " * COLUMN
            text.append(lead if keys in lead else f"{keys}\n{lead}", style="bold")
            lines = paragraph(title, width, first=lead, rest=" " * COLUMN)
            text.append("\n".join(lines)[COLUMN:] + "\n")
        text.append("\nMarks\n", style="bold")
        rows = [f"{left:<31}{right}" for left, right in MARKS]
        if max(map(len, rows)) > width:
            rows = [mark for column in zip(*MARKS, strict=True) for mark in column if mark]
        text.append("\n".join((*rows, *paragraph(SEEN, width, rest=" " * 7))))
        return text
