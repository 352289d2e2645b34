"""The actions that ask: the prompts, what fills them in, and the answer that comes.

A part of the workbench. A question is answered by the session's thread, and again whenever the host changes; what is
asked stays asked until another question comes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.content import Content
from textual.widgets import Footer, Static

from engine.model.host import Snapshot
from views.listing import Listing
from views.topology.widget import Topology
from views.verdict.ask import Ask, asked_from, outside_source
from workbench.screen.notice_line import NoticeLine
from workbench.screen.panes import Panes
from workbench.screen.prompt import FilePrompt, FilterPrompt, Prompt, WhyPrompt
from workbench.screen.stage import Stage
from workbench.session.messages import Answered, Unanswerable

#: What the keys do in the prompt.
ASKING = "enter asks · tab goes to the next field · → completes · esc closes"


class Asking(Stage):
    """Questions."""

    def ask(self, ask: Ask) -> None:
        """Asks a question, and shows that it is being answered."""
        self.asked, self.waiting = ask, True
        self.panes.mended = None
        self.head()
        self.session.ask(ask)

    def forget_question(self) -> None:
        """Forgets what was asked, and its answer."""
        self.asked, self.waiting = None, False
        self.session.ask(None)
        self.panes.forget_answer()
        self.edges()

    def on_answered(self, event: Answered) -> None:
        """Shows the answer, where it is the one for what is shown."""
        self.waiting = self.waiting and event.ask != self.asked
        if event.ask == self.asked and event.snapshot is self.panes.snapshot:
            with self.panes.kept():
                self.panes.show_verdict(self.with_evidence(event.ask, event.verdict), event.first)
        self.edges()

    def on_unanswerable(self, event: Unanswerable) -> None:
        """Says why a question cannot be asked, in the prompt where it can be mended."""
        self.waiting = False
        self.head()
        if not event.first:
            self.notify(event.reason, title=f"{event.ask.words} does not fit this host any more", severity="warning")
            return
        prompt = self.query_one(WhyPrompt)
        prompt.open(event.ask, self.panes.snapshot)
        prompt.refuse(event.reason)
        self._hint(ASKING)

    def on_shown_suggested(self, event: Panes.Suggested) -> None:
        """Asks what a pane offered."""
        self.ask(event.ask)

    def on_why_prompt_asked(self, event: WhyPrompt.Asked) -> None:
        """Asks what the prompt says."""
        self.close_prompts()
        self.ask(event.ask)

    def on_why_prompt_wrong(self, event: WhyPrompt.Wrong) -> None:
        """Says what is wrong with the question, where the hint stood."""
        if self.query_one(WhyPrompt).opened:
            self._hint(event.reason or ASKING, wrong=bool(event.reason))

    def on_file_prompt_named(self, event: FilePrompt.Named) -> None:
        """Hands the name to whoever wanted a file."""
        self.close_prompts()
        event.then(event.path)

    def on_filter_prompt_changed(self, event: FilterPrompt.Changed) -> None:
        """Filters the pane by what is typed."""
        pane = self.panes.pane()
        if isinstance(pane, Listing | Topology):
            pane.filter(event.pattern)
        self.panes.retitle()
        if event.final:
            self.close_prompts()

    def ask_file(self, what: str, example: str, then: Callable[[Path], object]) -> None:
        """Asks for the name of a file; `what` it is for."""
        self.close_prompts()
        self.query_one(FilePrompt).ask(what, example, then)
        self._hint("enter takes it · esc closes")

    def action_why(self) -> None:
        """Opens the prompt, filled in from what is selected, else from the last question."""
        snapshot = self.panes.snapshot
        if snapshot is not None:
            self.close_prompts()
            self.query_one(WhyPrompt).open(self._prefilled(snapshot), snapshot)
            self._hint(ASKING)

    def action_filter(self) -> None:
        """Opens the filter of the current pane."""
        self.close_prompts()
        pane = self.panes.pane()
        self.query_one(FilterPrompt).open(pane.pattern if isinstance(pane, Listing | Topology) else "")
        self._hint("enter keeps the filter · !text shows all others · esc closes")

    def _prefilled(self, snapshot: Snapshot) -> Ask:
        last = self.asked
        source = last.source if last else outside_source(snapshot)
        suggested = self.panes.suggestion(source)
        if suggested is not None:
            return asked_from(source, suggested)
        return last or Ask(":", source)

    def _hint(self, text: str, *, wrong: bool = False) -> None:
        """What the keys do in the prompt that has just opened. It takes the footer's place, and that of a notice."""
        self.query_one(NoticeLine).clear()
        detail = self.query_one("#detail", Static)
        detail.set_class(wrong, "-error")
        detail.update(Content(text))
        self.query_one(Footer).display = False

    def close_prompts(self) -> None:
        """Closes what asks for words, and gives the keys back to the pane."""
        for prompt in self.query(Prompt):
            prompt.close()
        self.query_one("#detail").remove_class("-error")
        self.query_one(Footer).display = True
        self.panes.go(self.panes.current)
