"""Labs, as the app has them: the menu, and the dojo with its round.

Both are loaded when the first of them is called: a workbench that only looks does not wait for what builds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from views.verdict.ask import Ask
from workbench.controllers.prompts import Prompts
from workbench.controllers.questions import Questions
from workbench.controllers.stage import Stage
from workbench.session.sources import Source

if TYPE_CHECKING:
    from workbench.labs.dojo import Dojo
    from workbench.labs.menu import LabMenu


class Labs:
    """Labs; `look_at` looks at another source, with a question that is asked at once."""

    def __init__(
        self, stage: Stage, prompts: Prompts, questions: Questions, look_at: Callable[[Source, Ask | None], object]
    ) -> None:
        self._stage, self._prompts, self._questions, self._look_at = stage, prompts, questions, look_at

    @cached_property
    def dojo(self) -> Dojo:
        """Rounds in the lab that is shown."""
        from workbench.labs.desk import Desk  # noqa: PLC0415 - the first picture comes first
        from workbench.labs.dojo import Dojo  # noqa: PLC0415

        return Dojo(Desk(self._stage, self._look_at, self._keep_secret, self.enter_round), self._questions)

    @cached_property
    def menu(self) -> LabMenu:
        """Everything else that is done with labs."""
        from workbench.labs.menu import LabMenu  # noqa: PLC0415 - the first picture comes first

        return LabMenu(self.dojo.desk, self._prompts)

    def enter_round(self) -> None:
        """Looks whether a round is on in the lab that is shown. Then nothing that was answered is shown any more."""
        self._keep_secret(bool(self._stage.source.lab) and self.dojo.has_round())

    def _keep_secret(self, secret: bool) -> None:
        """From now on nothing that could be the answer of a round is told, or everything again."""
        self._stage.in_round = secret
        if secret:
            self._questions.forget()
