"""What is told while the user reads something else: one line below the panes, never over them.

The line takes the place of the one about the selected thing for a few seconds. What is told next takes its place at
once, but for an information after a warning or an error.
"""

from __future__ import annotations

from textual.content import Content
from textual.notifications import SeverityLevel
from textual.timer import Timer
from textual.widgets import Static

from engine.records import dataclass
from views.text import Line, Role, Span, paragraph

ROLES: dict[SeverityLevel, Role] = {"information": Role.GOOD, "warning": Role.WARN, "error": Role.BAD}
#: What stands for the colour.
MARKS: dict[SeverityLevel, str] = {"information": "·", "warning": "!", "error": "✗"}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was told. `at` is the wall clock's time, HH:MM:SS."""

    at: str
    title: str
    message: str
    severity: SeverityLevel

    @property
    def words(self) -> str:
        """All of it in one line, with its mark."""
        said = " · ".join(part for part in (self.title, *self.message.split("\n")) if part)
        return f"{MARKS[self.severity]} {said}"

    def lines(self, width: int) -> list[Line]:
        """All of it, nothing cut."""
        indent = " " * (len(self.at) + 2)
        head, *rest = paragraph(self.words, width - len(indent), rest="  ")
        first = Line((Span(f"{self.at}  ", Role.DIM), Span(head, ROLES[self.severity])))
        return [first, *(Line((Span(indent + line),)) for line in rest)]


class NoticeLine(Static):
    """The last notice, for as long as it is news. Hidden where there is none."""

    _said: Notice | None = None
    _until: Timer | None = None

    def say(self, notice: Notice, seconds: float) -> None:
        """Shows a notice, unless what is shown matters more."""
        if self._said is not None and self._said.severity != "information" and notice.severity == "information":
            return
        if self._until is not None:
            self._until.stop()
        self._until = self.set_timer(seconds, self.clear)
        self._said = notice
        self.set_classes(f"-shown -{notice.severity}")
        self.update(Content(notice.words))
        self._make_room()

    def clear(self) -> None:
        """It is no news any more."""
        self._said = None
        self.set_classes("")
        self._make_room()

    def _make_room(self) -> None:
        for other in self.screen.query("#detail"):
            other.display = self._said is None
