"""The help screen: what the focused pane is for, the keys, made from the table of actions, and the pictures' marks."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from views.text import paragraph
from workbench.actions import help_lines, named
from workbench.unbroken import Held

MARKS = """\
●  up, running                 ✗  the packet stops here
○  down, stopped               •  a rule that the packet met
◌  not seen from here          ━  the way of the packet
▶  selected                    :8080→80  published
⇄  also on another network     ≈  a rule that nearly let it through
◎  where the packet was to go
✓ ✗ ·  before a step: a real attempt saw it so, otherwise, not at all"""


#: What a pane is for, and what its own keys do there.
PANES = {
    "topology": "The network. Move through it by h j k l or the arrows, or click. {why} asks about the selected "
    "container, {jump} goes to the step of the path that speaks of it, {unfold} folds a bridge, {filter} leaves "
    "what has a word.",
    "rules": "The rules in the order in which a packet meets them, with what they counted ({refresh} looks again and "
    "shows what was added). {jump} goes to the step at which the packet met the rule, {backend} shows one backend "
    "alone, {details} the whole rule.",
    "path": "The packet's way, step by step. Topology and rules follow the cursor; {jump} goes to the rule or link of "
    "the step, {details} shows the packet's fields before and after it.",
    "answer": "What stops the packet, and what mends it. {apply} shows the fix under the cursor whole, {copy} copies "
    "it; {jump} goes to the place that a row speaks of, {details} tells all about it.",
}
#: Cells of the column of keys; longer ones have a line of their own.
COLUMN = 15
#: Cells of a line, in a terminal of 80.
WIDTH = 70


class Help(Held, ModalScreen[None]):
    """Keys and marks. Any of its keys closes it."""

    BINDINGS = [Binding("escape,q,question_mark,enter", "dismiss", "close")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, pane: str, keys: Mapping[str, str]) -> None:
        super().__init__()
        self._pane, self._keys = pane, keys

    def compose(self) -> ComposeResult:
        """One text, scrolled where it does not fit."""
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._text())

    def _text(self) -> Text:
        text = Text(f"{named(PANES[self._pane], self._keys)}\n\n")
        for keys, title in help_lines(self._keys):
            first = f"{keys:<{COLUMN}}" if len(keys) < COLUMN else f"{keys}\n{'':{COLUMN}}"
            text.append(first, style="bold")
            text.append("\n".join(paragraph(title, WIDTH - COLUMN, first="", rest=" " * COLUMN)) + "\n")
        text.append("\nMarks\n", style="bold")
        text.append(MARKS)
        return text
