"""The screen of a lab's plan before it is made."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from views.lab.plan import plan_lines
from views.text import Line
from workbench.labs.work import Work
from workbench.screen.dialogs import Dialog


class PlanDialog(Dialog):
    """Something of a lab before it is done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "apply"),
        Binding("y", "copy", "copy"),
    ]

    def __init__(self, work: Work) -> None:
        hint = "a applies it · y copies · esc closes" if work.commands else "esc closes"
        super().__init__("Plan", hint, self._lines)
        self.work = work

    def _lines(self, width: int) -> list[Line]:
        return plan_lines(self.work.title, self.work.notes, self.work.commands, width)

    def action_accept(self) -> None:
        """Carries it out; not before it is there to be read."""
        if self.listing.on_screen:
            self.dismiss(bool(self.work.commands))

    def action_copy(self) -> None:
        """Copies the commands."""
        self.app.copy_to_clipboard("\n".join(self.work.commands))
        self.notify("Copied. Nothing was run.", timeout=3)
