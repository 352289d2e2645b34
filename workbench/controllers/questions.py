"""Asking: the prompt filled in, the question handed to the session, and the answer that comes.

A question is answered by the session's thread, and again whenever the host changes; what is asked stays asked until
another question comes.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.host import Snapshot
from views.verdict.ask import Ask, asked_from, outside_source
from workbench.controllers.prompts import Prompts
from workbench.controllers.proofs import Proofs
from workbench.controllers.stage import Stage
from workbench.screen.panes import Panes
from workbench.screen.prompt import WhyPrompt
from workbench.session.messages import Answered, Unanswerable

#: So many questions are remembered.
MOST_RECENT = 12


class Questions:
    """Questions; while a round of the dojo is on, `in_round` takes them."""

    def __init__(self, stage: Stage, prompts: Prompts, proofs: Proofs, in_round: Callable[[Ask], object]) -> None:
        self._stage, self._prompts, self._proofs, self._in_round = stage, prompts, proofs, in_round

    def ask(self, ask: Ask) -> None:
        """Asks a question, and shows that it is being answered."""
        stage = self._stage
        if stage.in_round:
            self._in_round(ask)
            return
        stage.asked, stage.waiting = ask, True
        stage.recent = [ask, *(each for each in stage.recent if each != ask)][:MOST_RECENT]
        stage.panes.mended = None
        stage.head()
        stage.session.ask(ask)

    def forget(self) -> None:
        """Forgets what was asked, and its answer."""
        stage = self._stage
        stage.asked, stage.waiting = None, False
        stage.session.ask(None)
        stage.panes.forget_answer()
        stage.edges()

    def prompt(self) -> None:
        """Opens the prompt, filled in from what is selected, else from the last question."""
        snapshot = self._stage.panes.snapshot
        if snapshot is not None:
            self._prompts.ask_question(self._prefilled(snapshot), snapshot)

    def chosen(self, event: Panes.Suggested | WhyPrompt.Asked) -> None:
        """Asks what the prompt says, or what a pane offered."""
        if isinstance(event, WhyPrompt.Asked):
            self._prompts.close()
        self.ask(event.ask)

    def answered(self, event: Answered) -> None:
        """Shows the answer, where it is the one for what is shown."""
        stage = self._stage
        stage.waiting = stage.waiting and event.ask != stage.asked
        if event.ask == stage.asked and event.snapshot is stage.panes.snapshot:
            with stage.panes.kept():
                verdict = self._proofs.with_evidence(event.ask, event.verdict)
                stage.panes.show_verdict(verdict, event.first)
        stage.edges()

    def unanswerable(self, event: Unanswerable) -> None:
        """Says why a question cannot be asked, in the prompt where it can be mended."""
        stage = self._stage
        stage.waiting = False
        stage.head()
        if event.first:
            self._prompts.ask_question(event.ask, stage.panes.snapshot, event.reason)
        else:
            title = f"{event.ask.words} does not fit this host any more"
            stage.app.notify(event.reason, title=title, severity="warning")

    def _prefilled(self, snapshot: Snapshot) -> Ask:
        last = self._stage.asked
        source = last.source if last else outside_source(snapshot)
        suggested = self._stage.panes.suggestion(source)
        if suggested is not None:
            return asked_from(source, suggested)
        return last or Ask(":", source)
