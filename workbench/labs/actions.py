"""The actions about labs, as the app has them.

What they do is at the desk, which is loaded when the first one is called: a workbench that only looks does not wait for
what builds.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from views.verdict.ask import Ask
from workbench.screen.stage import Stage
from workbench.session.messages import Flipped

if TYPE_CHECKING:
    from workbench.labs.dojo import Dojo


class Labs(Stage):
    """Labs."""

    @cached_property
    def desk(self) -> Dojo:
        """Where labs are worked on."""
        from workbench.labs.dojo import Dojo  # noqa: PLC0415 - the first picture comes first

        return Dojo(self)

    def ask(self, ask: Ask) -> None:
        """Asks a question; while a round of the dojo is on, as one of its looks."""
        if self.in_round:
            self.desk.look(ask)
        else:
            super().ask(ask)

    def enter_round(self) -> None:
        """Looks whether a round is on in the lab that is shown. Then nothing that was answered is shown any more."""
        self.keep_secret(bool(self.source.lab) and self.desk.has_round())

    def keep_secret(self, secret: bool) -> None:
        """From now on nothing that could be the answer of a round is told, or everything again."""
        self.in_round = secret
        if secret:
            self.forget_question()

    def on_flipped(self, event: Flipped) -> None:
        """In a round of the dojo an answer that was still on its way is not told."""
        if self.in_round:
            event.prevent_default()

    def action_labs(self) -> None:
        """Opens the menu."""
        self.desk.menu()

    def action_lab(self, what: str) -> None:
        """Does what a row of the menu says."""
        self.desk.do(what)
