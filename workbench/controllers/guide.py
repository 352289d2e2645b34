"""The tour: three sentences, each when the one before it has been done. Once on a host, always in the demo."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from workbench.controllers.stage import Stage
from workbench.session.messages import Answered, Changed

#: In a lab with a fault: mend it, break it again, go on.
LAB = (
    "A rule drops the packets: the red band names it. {apply} shows the fix and what else it changes.",
    "Fixed, and a real connection has proved it. {undo} undoes it; {unfold} on a rule tries it in the model only.",
    "{why} asks about another port, {matrix} shows who reaches what, {labs} builds labs, {help} has all keys.",
)
#: On a host: open a row of the board, ask again, go on.
HOST = (
    "The board shows who reaches each port. {jump} opens a row: its path, its rules, and what blocks it.",
    "{copy} copies a fix, {unfold} on a rule tries it in the model only, {why} asks about any other port.",
    "{matrix} shows who reaches what, {timeline} what changed, {help} has all keys. {back} ends the tour.",
)


class Guide:
    """The sentence that is shown; none where no tour is on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._step = -1

    @property
    def on(self) -> bool:
        """Whether a tour is on."""
        return self._step >= 0

    @property
    def _sentences(self) -> tuple[str, ...]:
        source = self._stage.source
        return LAB if source.writable and not source.careful else HOST

    def start(self) -> None:
        """Begins the tour."""
        self._go(0)

    def end(self) -> None:
        """Ends it."""
        self._go(-1)

    def answered(self, event: Answered) -> None:
        """On a host an answer to a new question is the next step."""
        if event.first and self._sentences is HOST:
            self._next()

    def changed(self, event: Changed) -> None:
        """In a lab a fix that was applied is the next step, and so is its undoing."""
        if event.fix is not None and self._sentences is LAB and (event.done, self._step) in ((True, 0), (False, 1)):
            self._next()

    def _next(self) -> None:
        if self.on:
            self._go(self._step + 1 if self._step + 1 < len(self._sentences) else -1)

    def _go(self, step: int) -> None:
        self._step = step
        line = self._stage.app.query_one("#guide", Static)
        line.set_class(self.on, "-shown")
        said = f" {step + 1}/{len(self._sentences)}  {self._sentences[step]}" if self.on else ""
        line.update(Content(self._stage.words(said)))
