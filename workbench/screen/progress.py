"""The screen over the panes while something long is thought about: how far it is, and a key that stops it."""

from __future__ import annotations

from threading import Event
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.screen.fault_barrier import Held
from workbench.session.messages import Told

#: Cells of the bar.
WIDTH = 40


class Progress(Told):
    """So many of so many are done, of what `halt` would end."""

    def __init__(self, done: int, whole: int, halt: Event) -> None:
        super().__init__()
        self.done = done
        self.whole = whole
        self.halt = halt


class Working(Held, ModalScreen[None]):
    """A bar. Escape sets `halt`; whoever works closes the screen when the work has ended."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "stop", "stop")]

    def __init__(self, halt: Event) -> None:
        super().__init__()
        self.halt = halt

    def compose(self) -> ComposeResult:
        """The frame with its bar."""
        with Vertical() as box:
            box.border_title = "Asking"
            box.border_subtitle = "esc stops"
            yield Static(id="bar")

    def tell(self, done: int, whole: int) -> None:
        """Shows how far it is."""
        bar = "█" * (WIDTH * done // whole)
        self.query_one("#bar", Static).update(f"{bar:·<{WIDTH}} {done} of {whole} questions")

    def action_stop(self) -> None:
        """Tells the work to end."""
        self.halt.set()
        self.query_one("#bar", Static).update("stopping …")
