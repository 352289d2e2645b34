"""The screen of a form: a few fields, looked at as a whole whenever one is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from engine.records import dataclass
from workbench.screen.fault_barrier import Held
from workbench.screen.line_input import LineInput
from workbench.screen.prompt import Known

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a form: its name, its label, what stands there first, an example, and what completes it.

    `closed`: nothing but one of the words fits.
    """

    name: str
    label: str
    value: str = ""
    example: str = ""
    words: tuple[str, ...] = ()
    closed: bool = False


class OneOf(LineInput):
    """A field that takes one of a few words: the arrows go through them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", show=False),
        Binding("right", "turn(1)", show=False),
    ]

    def __init__(self, field: Field) -> None:
        self._words = field.words
        suggester = Known(field.words, case_sensitive=False)
        super().__init__(field.value, id=f"form-{field.name}", suggester=suggester, select_on_focus=True)

    def action_turn(self, step: int) -> None:
        """The word before or after, or the whole one of what was begun."""
        begun = [number for number, word in enumerate(self._words) if word.startswith(self.value)]
        if self.value in self._words:
            self.value = self._words[(self._words.index(self.value) + step) % len(self._words)]
        else:
            self.value = self._words[begun[0] if begun else 0]
        self.action_end()


class Form(Held, ModalScreen[Values | None]):
    """A few fields. Enter goes to the next one, and after the last one gives their values, as ctrl+enter and ctrl+s do
    anywhere; escape gives None. `check` says what is wrong with the values, and is asked whenever a field is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close"),
        Binding("ctrl+enter,ctrl+s", "finish", "finish", priority=True),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(
        self, title: str, fields: Sequence[Field], error: str = "", check: Callable[[Values], str] = lambda _: ""
    ) -> None:
        super().__init__()
        self._title, self._fields, self._error, self._check = title, fields, error, check

    def compose(self) -> ComposeResult:
        """A row for each field."""
        choosing = " · ←→ choose" if any(field.closed for field in self._fields) else ""
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = f"enter goes on · ctrl+s finishes{choosing} · esc closes"
            for field in self._fields:
                with Horizontal():
                    yield Label(field.label)
                    yield _input(field)
            yield Label(self._error, classes="-error")

    @property
    def values(self) -> Values:
        """What stands in the fields."""
        return {field.name: self.query_one(f"#form-{field.name}", Input).value.strip() for field in self._fields}

    @on(Input.Blurred)
    def _left(self) -> None:
        self.query_one(".-error", Label).update(self._check(self.values))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Goes on, or is done."""
        inputs = list(self.query(Input))
        if event.input is inputs[-1]:
            self.action_finish()
        else:
            inputs[inputs.index(event.input) + 1].focus()
            for field in self.query(LineInput):
                field.release()

    def action_finish(self) -> None:
        """Gives the values."""
        self.dismiss(self.values)


def _input(field: Field) -> Input:
    if field.closed:
        return OneOf(field)
    suggester = Known(field.words, case_sensitive=False) if field.words else None
    return LineInput(field.value, field.example, id=f"form-{field.name}", suggester=suggester, select_on_focus=True)
