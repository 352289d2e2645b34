"""The rows above the line of a question: what can stand in its field, which keeps the keys and moves in them."""

from __future__ import annotations

from collections.abc import Sequence

from views.listing import Listing
from views.text import Line, Role, Span, cells, fit
from views.verdict.offers import FieldOffer, fitting


class Offers(Listing):
    """The rows. None is chosen until the user moves among them."""

    def __init__(self) -> None:
        super().__init__("", id="offers")
        self.can_focus = False
        self._active = False

    @property
    def chosen(self) -> str:
        """The value of the row under the cursor; "" where the user has not moved there."""
        return str(self.cursor) if self._active and self.cursor is not None and self.display else ""

    def show_for(self, found: Sequence[FieldOffer], text: str) -> None:
        """Shows the rows of a field that fit what is written there."""
        rows = fitting(found, text)
        wide = max((cells(each.value) for each in rows), default=0)
        self._active = False
        self.cursor = None
        self.show([Line((Span(fit(each.value, wide)), Span(f"  {each.words}", Role.DIM)), each.value) for each in rows])
        self.cursor = None
        self.set_class(bool(rows), "-open")
        self.styles.height = max(len(rows), 1)

    def hide(self) -> None:
        """Shows none."""
        self._active = False
        self.remove_class("-open")

    def move_among(self, step: int) -> None:
        """Moves the cursor; the first move goes to the first row, or the last."""
        if self._active:
            self.move(step)
        elif self.entries:
            self._active = True
            self.go(self.entries[0 if step > 0 else -1].key)
