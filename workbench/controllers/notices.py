"""The action that tells, and the one that lists what was told.

A part of the workbench. Textual would show it in boxes over the panes; here it is the line of `notices`. All that was
told is kept, up to a number.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from textual.notifications import SeverityLevel

from views.text import Line
from workbench.actions import named
from workbench.screen.dialogs import Dialog
from workbench.screen.notice_line import Notice, NoticeLine
from workbench.screen.stage import Stage

#: How many are kept.
MOST = 500
#: Seconds that one is shown for, where whoever tells it does not say.
SHOWN = 5.0


class Noticing(Stage):
    """Telling."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: deque[Notice] = deque(maxlen=MOST)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,  # noqa: ARG002 - Textual's
    ) -> None:
        """Tells something below the panes, and below what lies over them. Words are never markup."""
        notice = Notice(datetime.now().strftime("%H:%M:%S"), title, message, severity)
        self.notices.append(notice)
        for screen in self.screen_stack:
            for line in screen.query(NoticeLine):
                line.say(notice, SHOWN if timeout is None else timeout)

    def say(self, text: str, title: str = "", timeout: float = 3, severity: SeverityLevel = "information") -> None:
        """Tells a text of ours, with the keys of the user where it has `{ACTION}`."""
        keys = self.settings.keys
        self.notify(named(text, keys), title=named(title, keys), timeout=timeout, severity=severity)

    def action_notices(self) -> None:
        """Lists what was told, the last one first."""
        told = tuple(reversed(self.notices))

        def lay(width: int) -> list[Line]:
            return [line for notice in told for line in notice.lines(width)]

        self.push_screen(Dialog("Messages", "↑ ↓ scroll · esc closes", lay, "Nothing yet."))
