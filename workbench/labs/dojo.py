"""The action of the dojo: a round in the lab that is shown. While it is on, asking costs points and tells only what the
client sees; topology and rules are free to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.message import Message

from views.lab.round import round_lines
from views.verdict.ask import Ask
from workbench.asking import Asking
from workbench.dialogs import Choice
from workbench.labs import rounds
from workbench.labs.menu import LabMenu
from workbench.labs.source import question

#: What would give the answer away.
TELLING = frozenset({"everywhere", "matrix", "export", "apply_fix", "copy_fix", "lab_break", "prove"})


class Stepped(Message):
    """A step of the round is done; `over` says whether it was the last one."""

    def __init__(self, said: str, over: bool) -> None:
        super().__init__()
        self.said, self.over = said, over


class Dojo(LabMenu, Asking):
    """A round of the dojo."""

    in_round: bool = False

    def ask(self, ask: Ask) -> None:
        """Asks a question; while a round is on, as one of its looks."""
        if not self.in_round:
            super().ask(ask)
            return
        self._step(partial(rounds.look, self.lab, ask))

    def enter_round(self) -> None:
        """Looks whether a round is on in the lab that is shown. Then nothing that was answered is shown any more."""
        self.in_round = bool(self.lab) and rounds.current(self.lab) is not None
        if self.in_round:
            self.forget_question()

    def action_lab_dojo(self) -> None:
        """Starts a round, or shows the one that is on."""
        if not self._is_lab():
            return
        self.enter_round()
        if not self.in_round:
            self.plan(partial(rounds.start, self.lab))
            return
        with self.telling():
            now = rounds.current(self.lab)
            shown = rounds.shown(self.lab, now.hints if now else 0)
            hint = "enter chooses · esc goes on looking, o comes back"
            self.push_screen(Choice(f"Dojo · lab {self.lab}", hint, partial(round_lines, shown), "", self._chosen))

    def _chosen(self, key: object) -> None:
        match key:
            case ("look",):
                self._step(partial(rounds.look, self.lab))
            case ("hint",):
                self._step(partial(rounds.hint, self.lab))
            case ("give-up",):
                self._step(partial(rounds.give_up, self.lab), over=True)
            case ("answer", str(name)):
                self._beside(partial(self._answer, self.lab, name), None)

    def _step(self, step: Callable[[], str], *, over: bool = False) -> None:
        self._beside(lambda: Stepped(step(), over), None)

    def _answer(self, lab: str, name: str) -> Stepped:
        right, said = rounds.answer(lab, name)
        return Stepped(said, right)

    def on_stepped(self, event: Stepped) -> None:
        """Tells what came of a step; after the last one the lab's question is asked."""
        self.notify(event.said, timeout=12)
        if event.over:
            self.in_round = False
            with self.telling():
                asked = question(self.lab)
                if asked is not None:
                    self.ask(asked)
        else:
            self.action_lab_dojo()
