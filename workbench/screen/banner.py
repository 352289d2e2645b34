"""The answer in a band below the header: as long as there is one, whatever pane is looked at."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from engine.model.verdict import Reach, Verdict
from views.verdict.banner import banner_lines
from workbench.screen.fault_barrier import Held
from workbench.screen.role_styles import styled

TINTS = {Reach.YES: "-good", Reach.NO: "-bad", Reach.DEPENDS: "-unsure"}


class Banner(Held, Static):
    """The band. Laid again when its width changes."""

    def __init__(self) -> None:
        super().__init__(id="strip")
        self._verdict: Verdict | None = None
        self._keys = ""
        self._laid: tuple[Verdict | None, str, int] = (None, "", 0)
        self._height = 0

    def show(self, verdict: Verdict | None, keys: str) -> None:
        """Shows an answer, with the keys for its fix; or nothing."""
        self._verdict, self._keys = verdict, keys
        self.set_class(verdict is not None, "-shown")
        for reach, tint in TINTS.items():
            self.set_class(verdict is not None and verdict.reach is reach, tint)
        self._lay()

    def on_resize(self) -> None:
        """Lays the lines for the new width."""
        self._lay()

    def _lay(self) -> None:
        width = self.app.size.width
        verdict, keys, room = self._laid
        if verdict is self._verdict and (keys, room) == (self._keys, width):
            return
        self._laid = (self._verdict, self._keys, width)
        if self._verdict is None:
            self.update("")
            return
        lines = [styled(line.spans(width)) for line in banner_lines(self._verdict, width, self._keys)]
        before, self._height = self._height, len(lines)
        self.update(Content("\n").join(lines), layout=self._height != before)
