"""The screens of labs: a plan before it is made, and a form of a few fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from engine.records import dataclass
from views.lab.plan import plan_lines
from views.text import Line
from workbench.labs.work import Work
from workbench.screen.dialogs import Dialog
from workbench.screen.fault_barrier import Held
from workbench.screen.prompt import Known

Values = Mapping[str, str]


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


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a form: its name, its label, what stands there first, an example, and what completes it."""

    name: str
    label: str
    value: str = ""
    example: str = ""
    words: tuple[str, ...] = ()


class Form(Held, ModalScreen[Values | None]):
    """A few fields. Enter goes to the next one, and after the last one gives their values; escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, title: str, fields: Sequence[Field], error: str = "") -> None:
        super().__init__()
        self._title, self._fields, self._error = title, fields, error

    def compose(self) -> ComposeResult:
        """A row for each field."""
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter goes on · tab and arrows move · → completes · esc closes"
            for field in self._fields:
                with Horizontal():
                    yield Label(field.label)
                    suggester = Known(field.words, case_sensitive=False) if field.words else None
                    yield Input(
                        field.value, field.example, id=f"form-{field.name}", suggester=suggester, select_on_focus=True
                    )
            yield Label(self._error, classes="-error")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Goes on, or is done."""
        inputs = list(self.query(Input))
        if event.input is inputs[-1]:
            names = (field.name for field in self._fields)
            self.dismiss({name: field.value.strip() for name, field in zip(names, inputs, strict=True)})
        else:
            inputs[inputs.index(event.input) + 1].focus()
