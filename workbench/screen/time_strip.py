"""The line of the time: a cell a moment. A click goes to one."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.widgets import Static

from views.text import Role
from views.verdict.time_strip import StripMoment, strip_spans
from workbench.screen.fault_barrier import Held
from workbench.screen.role_styles import STYLES, styled
from workbench.session.messages import Told

#: The shown moment and its time stand out.
MARKED = {**STYLES, Role.FOCUS: "bold reverse", Role.STRONG: "$text-warning bold"}


class TimeStrip(Held, Static):
    """The line. It is there once there is more than one moment."""

    class Scrubbed(Told):
        """The user wants to see the moment of that number."""

        def __init__(self, moment: int) -> None:
            super().__init__()
            self.moment = moment

    def __init__(self) -> None:
        super().__init__(id="time")
        self._moments: Sequence[StripMoment] = ()
        self._shown = 0
        self._at: dict[int, int] = {}

    def show(self, moments: Sequence[StripMoment], shown: int) -> None:
        """Shows the moments, of which that one is on the screen."""
        self._moments, self._shown = moments, shown
        self.set_class(len(moments) > 1, "-shown")
        self._lay()

    def on_resize(self) -> None:
        """Lays the line for the new width."""
        self._lay()

    def on_click(self, event: events.Click) -> None:
        """Goes to the moment under the pointer."""
        if event.x in self._at:
            self.post_message(self.Scrubbed(self._at[event.x]))

    def _lay(self) -> None:
        if len(self._moments) < 2:
            return
        spans, self._at = strip_spans(self._moments, self._shown, self.app.size.width)
        self.update(styled(spans, MARKED), layout=False)
