"""The lines that ask for words, below the panes: a question, a filter, the name of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from textual.content import Content
from textual.widgets import Footer, Static

from engine.model.host import Snapshot
from views.listing import Listing
from views.topology.widget import Topology
from views.verdict.ask import Ask
from workbench.controllers.stage import Stage
from workbench.screen.notice_line import NoticeLine
from workbench.screen.prompt import FilterPrompt, LinePrompt, Prompt, WhyPrompt

#: What the keys do in the prompt of a question.
ASKING = "enter asks · ↑ ↓ choose from above · tab goes to the next field · → completes · esc closes"


class Prompts:
    """At most one of them is open. Its hint takes the place of the footer and of a notice."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._app = stage.app

    @property
    def opened(self) -> Prompt | None:
        """The one that is open."""
        return next((prompt for prompt in self._app.query(Prompt) if prompt.opened), None)

    def close(self) -> None:
        """Closes what asks for words, and gives the keys back to the pane."""
        for prompt in self._app.query(Prompt):
            prompt.close()
        self._app.query_one("#detail").remove_class("-error")
        self._app.query_one(Footer).display = True
        self._stage.panes.go(self._stage.panes.current)

    def ask_question(self, filled: Ask, snapshot: Snapshot | None, refusal: str = "") -> None:
        """Asks for a question; with a refusal for another one than is filled in."""
        self.close()
        prompt = self._app.query_one(WhyPrompt)
        prompt.open(filled, snapshot, self._stage.recent)
        if refusal:
            prompt.refuse(refusal)
        self._hint(ASKING)

    def ask_file(self, what: str, example: str, then: Callable[[Path], object]) -> None:
        """Asks for the name of a file, and hands it on; `what` it is for."""
        self.ask_line(what, example, lambda text: then(Path(text).expanduser()))

    def ask_line(
        self, what: str, example: str, then: Callable[[str], object], known: Callable[[], Sequence[str]] = tuple
    ) -> None:
        """Asks for a line, and hands it on; `what` it is for, and what completes it."""
        self.close()
        self._app.query_one(LinePrompt).ask(what, example, then, known())
        self._hint("enter takes it · → completes · esc closes" if known is not tuple else "enter takes it · esc closes")

    def ask_filter(self) -> None:
        """Opens the filter of the current pane."""
        self.close()
        pane = self._stage.panes.pane()
        self._app.query_one(FilterPrompt).open(pane.pattern if isinstance(pane, Listing | Topology) else "")
        self._hint("enter keeps the filter · !text shows all others · esc closes")

    def refused(self, event: WhyPrompt.Wrong) -> None:
        """Says what is wrong with the question, where the hint stood."""
        if self._app.query_one(WhyPrompt).opened:
            self._hint(event.reason or ASKING, wrong=bool(event.reason))

    def written(self, event: LinePrompt.Written) -> None:
        """Hands the line to what wanted it."""
        self.close()
        event.then(event.text)

    def filtered(self, event: FilterPrompt.Changed) -> None:
        """Filters the pane by what is typed."""
        pane = self._stage.panes.pane()
        if isinstance(pane, Listing | Topology):
            pane.filter(event.pattern)
        self._stage.panes.retitle()
        if event.final:
            self.close()

    def _hint(self, text: str, *, wrong: bool = False) -> None:
        """What the keys do in the prompt that has just opened."""
        self._app.query_one(NoticeLine).clear()
        detail = self._app.query_one("#detail", Static)
        detail.set_class(wrong, "-error")
        detail.update(Content(text))
        self._app.query_one(Footer).display = False
