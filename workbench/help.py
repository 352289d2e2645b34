"""The help screen: the keys, made from the table of actions, and the marks of the pictures."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.actions import help_lines

MARKS = """\
●  up, running                 ✗  the packet stops here
○  down, stopped               •  a rule that the packet met
◌  not seen from here          ━  the way of the packet
▶  selected                    ⇐  published on this host
⇄  also on another network"""


class Help(ModalScreen[None]):
    """Keys and marks. Any of its keys closes it."""

    BINDINGS = [Binding("escape,q,question_mark,enter", "dismiss", "close")]  # noqa: RUF012 - as Textual declares it

    def compose(self) -> ComposeResult:
        """One text, scrolled where it does not fit."""
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._text())

    def _text(self) -> Text:
        text = Text()
        lines = help_lines()
        widest = max(len(keys) for keys, _ in lines)
        for keys, title in lines:
            text.append(f"{keys:<{widest + 2}}", style="bold")
            text.append(f"{title}\n")
        text.append("\nMarks\n", style="bold")
        text.append(MARKS)
        return text
