"""What the parts of the workbench may count on of each other: what there is, and what any of them can be asked to do.

The app is put together from parts (asking, looking, mending, labs, …). Each knows this page and no other part, and does
one of the things that are promised here; `app` is all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

from textual.app import App
from textual.message import Message
from textual.notifications import SeverityLevel

from engine.model.verdict import Fix, Verdict
from views.verdict.ask import Ask
from workbench.screen.panes import Panes
from workbench.session.command_log import CommandLog
from workbench.session.session import Session
from workbench.session.sources import Source
from workbench.session.stopping import ReportProgress
from workbench.session.timeline import Moment, Timeline
from workbench.settings import Settings


class Stage(App[int]):
    """The workbench as its parts know it.

    It looks at `source` by `session`, was opened on `home`, shows its `panes` and keeps the `timeline` and what was
    `done`. `asked` is the question that stays asked, `waiting` whether an answer is to come. `pinned` is the moment
    that is shown where that is not now. `in_round`: a round of the dojo is on, and nothing may tell its answer.
    """

    panes: Panes
    session: Session
    source: Source
    home: Source
    timeline: Timeline
    done: CommandLog
    settings: Settings
    asked: Ask | None = None
    waiting: bool = False
    pinned: Moment | None = None
    in_round: bool = False

    def say(self, text: str, title: str = "", timeout: float = 3, severity: SeverityLevel = "information") -> None:
        """Tells a text of ours, with the keys of the user where it has `{ACTION}`."""
        raise NotImplementedError

    def ask(self, ask: Ask) -> None:
        """Asks a question."""
        raise NotImplementedError

    def ask_file(self, what: str, example: str, then: Callable[[Path], object]) -> None:
        """Asks for the name of a file, and hands it on."""
        raise NotImplementedError

    def forget_question(self) -> None:
        """Forgets what was asked, and its answer."""
        raise NotImplementedError

    def open(self, source: Source, ask: Ask | None = None) -> None:
        """Looks at another source, with a question that is asked at once."""
        raise NotImplementedError

    def show_moment(self, moment: Moment | None) -> None:
        """Shows a moment with the answer that it gives; None is now."""
        raise NotImplementedError

    def close_prompts(self) -> None:
        """Closes what asks for words, and gives the keys back to the pane."""
        raise NotImplementedError

    def think(self, work: Callable[[ReportProgress, Event], Message]) -> None:
        """Runs something long in a worker's thread, shows how far it is, and posts what comes of it."""
        raise NotImplementedError

    def prove_fix(self, fix: Fix) -> None:
        """Makes a real attempt after a fix."""
        raise NotImplementedError

    def with_evidence(self, ask: Ask, verdict: Verdict) -> Verdict:
        """An answer with what an attempt showed of it."""
        raise NotImplementedError

    def enter_round(self) -> None:
        """Looks whether a round of the dojo is on in what is shown."""
        raise NotImplementedError

    def keep_secret(self, secret: bool) -> None:
        """From now on nothing that could be the answer of a round is told, or everything again."""
        raise NotImplementedError

    def busy(self, doing: str) -> None:
        """Says in the header what is being done beside the screen."""
        raise NotImplementedError

    def head(self) -> None:
        """Draws the header."""
        raise NotImplementedError

    def edges(self) -> None:
        """Draws the lines around the panes."""
        raise NotImplementedError
