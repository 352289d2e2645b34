"""The dojo at the desk: a round in the lab that is shown. While it is on, asking costs points and tells only what the
client sees; topology and rules are free to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.records import replace
from views.lab.round import round_lines
from views.text import Line, Span, paragraph
from views.verdict.ask import Ask
from workbench.labs import rounds
from workbench.labs.menu import MenuDesk
from workbench.labs.source import question
from workbench.screen.dialogs import Choice, Dialog


class Dojo(MenuDesk):
    """The desk with a dojo."""

    _last = ""

    def has_round(self) -> bool:
        """Whether a round is on in the lab that is shown."""
        return rounds.current(self.lab) is not None

    def dojo(self) -> None:
        """Starts a round, or shows the one that is on."""
        if not self.is_lab():
            return
        self.app.enter_round()
        if not self.app.in_round:
            self._last = ""
            self.plan(partial(rounds.start, self.lab))
            return
        with self.telling():
            now = rounds.current(self.lab)
            shown = replace(rounds.shown(self.lab, now.hints if now else 0), last=self._last)
            hint = "enter chooses · esc returns to the lab, o opens this again"
            title = f"Dojo · lab {self.lab}"
            self.app.push_screen(Choice(title, hint, partial(round_lines, shown), "", self._chosen))

    def look(self, ask: Ask) -> None:
        """Asks something, for points."""
        self._step(partial(rounds.look, self.lab, ask))

    def _chosen(self, key: object) -> None:
        match key:
            case ("look",):
                self._step(partial(rounds.look, self.lab))
            case ("hint",):
                self._step(partial(rounds.hint, self.lab))
            case ("give-up",):
                self.beside(partial(rounds.give_up, self.lab), self._over)
            case ("answer", str(name)):
                self.beside(partial(rounds.answer, self.lab, name), self._judged)

    def _step(self, step: Callable[[], str]) -> None:
        self.beside(step, self._go_on)

    def _judged(self, answer: tuple[bool, str]) -> None:
        right, said = answer
        (self._over if right else self._go_on)(said)

    def _go_on(self, said: str) -> None:
        self.app.notify(said)
        self._last = said
        self.dojo()

    def _over(self, said: str) -> None:
        """The last step: now the lab's question is asked, and answered whole."""
        self.app.in_round = False
        self._last = ""
        self.app.push_screen(Dialog(f"Dojo · lab {self.lab}", "esc closes", partial(_told, said)))
        with self.telling():
            asked = question(self.lab)
            if asked is not None:
                self.app.ask(asked)


def _told(said: str, width: int) -> list[Line]:
    return [Line((Span(line),)) for line in paragraph(said, width)]
