"""Telling, and listing what was told.

Textual would show it in boxes over the panes; here it is a line below them. All that was told is kept, up to a number.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from textual.app import App
from textual.notifications import SeverityLevel

from views.text import Line
from workbench.screen.dialogs import Dialog
from workbench.screen.notice_line import Notice, NoticeLine

#: How many are kept.
MOST = 500
#: Seconds that one is shown for, where whoever tells it does not say.
SHOWN = 5.0


class Notices:
    """What was told, the last one last."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self.told: deque[Notice] = deque(maxlen=MOST)

    def tell(self, text: str, title: str, severity: SeverityLevel, timeout: float | None) -> None:
        """Tells something below the panes, and below what lies over them; seconds as in `App.notify`."""
        notice = Notice(datetime.now().strftime("%H:%M:%S"), title, text, severity)
        self.told.append(notice)
        for screen in self._app.screen_stack:
            for line in screen.query(NoticeLine):
                line.say(notice, SHOWN if timeout is None else timeout)

    def show(self) -> None:
        """Lists what was told, the last one first."""
        told = tuple(reversed(self.told))

        def lay(width: int) -> list[Line]:
            return [line for notice in told for line in notice.lines(width)]

        self._app.push_screen(Dialog("Messages", "↑ ↓ scroll · esc closes", lay, "Nothing yet."))
