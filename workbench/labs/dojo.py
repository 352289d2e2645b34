"""The dojo: a round in the lab that is shown. While it is on, asking costs points and tells only what the
client sees; topology and rules are free to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.records import replace
from views.lab.round import end_lines, round_lines
from views.verdict.ask import Ask
from workbench.controllers.questions import Questions
from workbench.labs import rounds
from workbench.labs.desk import Desk
from workbench.labs.source import question
from workbench.screen.dialogs import Choice


class Dojo:
    """Rounds in the lab that is shown; `_tried` is what the steps of this one said."""

    def __init__(self, desk: Desk, questions: Questions) -> None:
        self.desk, self._questions = desk, questions
        self._tried: tuple[str, ...] = ()

    @property
    def _lab(self) -> str:
        return self.desk.lab

    def has_round(self) -> bool:
        """Whether a round is on in the lab that is shown."""
        return rounds.current(self._lab) is not None

    def open(self) -> None:
        """Starts a round, or shows the one that is on."""
        if not self.desk.is_lab():
            return
        self.desk.enter_round()
        if not self.desk.stage.in_round:
            self._tried = ()
            self.desk.plan(partial(rounds.start, self._lab), then=self.open)
            return
        with self.desk.telling():
            now = rounds.current(self._lab)
            shown = replace(rounds.shown(self._lab, now.hints if now else 0), tried=self._tried)
            hint = "enter chooses · esc returns to the lab, o opens this again"
            title = f"Dojo · lab {self._lab}"
            self.desk.app.push_screen(Choice(title, hint, partial(round_lines, shown), "", self._chosen))

    def look(self, ask: Ask) -> None:
        """Asks something, for points."""
        self._step(partial(rounds.look, self._lab, ask))

    def _chosen(self, key: object) -> None:
        match key:
            case ("look",):
                self._step(partial(rounds.look, self._lab))
            case ("hint",):
                self._step(partial(rounds.hint, self._lab))
            case ("give-up",):
                self.desk.beside(partial(rounds.give_up, self._lab), self._over)
            case ("answer", str(name)):
                self.desk.beside(partial(rounds.answer, self._lab, name), self._judged)

    def _step(self, step: Callable[[], str]) -> None:
        self.desk.beside(step, self._go_on)

    def _judged(self, answer: tuple[bool, str]) -> None:
        right, said = answer
        (self._over if right else self._go_on)(said)

    def _go_on(self, said: str) -> None:
        self.desk.app.notify(said)
        self._tried = (*self._tried, said)
        self.open()

    def _over(self, said: str) -> None:
        """The last step: now the lab's question is asked, and answered whole."""
        self.desk.keep_secret(False)
        self._tried = ()
        hint = "enter chooses · esc closes"
        self.desk.app.push_screen(Choice(f"Dojo · lab {self._lab}", hint, partial(end_lines, said), "", self._ended))
        with self.desk.telling():
            asked = question(self._lab)
            if asked is not None:
                self._questions.ask(asked)

    def _ended(self, key: object) -> None:
        if key == ("again",):
            self.open()
