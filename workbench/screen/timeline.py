"""The dialog of the moments: what does not touch the question is folded, and can be unfolded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from views.text import Line
from workbench.screen.dialogs import Choice


class TimelineDialog(Choice):
    """The moments. `lines(folded=…)` are its rows."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "fold", "fold")]

    def __init__(self, lines: Callable[..., Sequence[Line]], chosen: Callable[[object], object]) -> None:
        self._lines, self._folded = lines, True
        hint = "enter goes there · f unfolds · / filters · esc closes"
        super().__init__("Timeline", hint, lambda _: lines(folded=self._folded), "Nothing yet.", chosen)

    def action_fold(self) -> None:
        """Shows each moment in a row of its own, or folds them again."""
        self._folded = not self._folded
        self.lay_rows()
