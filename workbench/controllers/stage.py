"""What the controllers share: the source that is looked at, what is shown of it, and the header that tells of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.widgets import Static

from engine.model.verdict import Verdict
from views.verdict.ask import Ask
from workbench.actions import named
from workbench.screen.banner import Banner
from workbench.screen.header import State, header, tabs
from workbench.screen.panes import Panes
from workbench.session.applied_fixes import Changes
from workbench.session.command_log import CommandLog
from workbench.session.engine import Engine
from workbench.session.flips import clock
from workbench.session.session import Session
from workbench.session.sources import Source
from workbench.session.timeline import Moment, Timeline
from workbench.settings import Settings

if TYPE_CHECKING:
    from engine.explain.whatif.suppose import Hypothesis


class Stage:
    """One source at a time, looked at by `session`; the workbench was opened on `home`.

    `asked` is the question that stays asked, `waiting` whether an answer is to come. `pinned` is the moment of the
    `timeline` that is shown where that is not now. `done` are the commands that were carried out. `in_round`: a round
    of the dojo is on, and nothing may tell its answer. `stale`: the source cannot be looked at any more. `sentences` is
    what is supposed of it, `known` the model that is shown for that, once there is one.
    """

    session: Session
    source: Source
    timeline: Timeline
    pinned: Moment | None
    stale: bool
    sentences: tuple[str, ...]
    known: Hypothesis | None

    def __init__(self, app: App[int], home: Source, asked: Ask | None, engine: Engine | None, changes: Changes | None):
        self.app = app
        self.home = home
        self.settings = Settings()
        self.panes = Panes()
        self.done = CommandLog()
        self.asked = asked
        self.waiting = False
        self.in_round = False
        self._engine, self._changes = engine, changes
        self._doing = ""
        self.panes.following = self._following
        self.take(home)

    def take(self, source: Source) -> None:
        """Looks at that source from now on. What the threads of the one before still tell is not heard."""

        def tell(message: Message) -> None:
            if self.session is session:
                self.app.post_message(message)

        self.source = source
        self.pinned = None
        self.stale = False
        self.sentences, self.known = (), None
        self.timeline = Timeline()
        self.session = session = Session(source, tell, self._engine, self._changes)

    def say(self, text: str, title: str = "", timeout: float = 3, severity: SeverityLevel = "information") -> None:
        """Tells a text of ours, with the keys of the user where it has `{ACTION}`."""
        self.app.notify(self.words(text), title=self.words(title), timeout=timeout, severity=severity)

    def words(self, text: str) -> str:
        """A text of ours with the keys of the user where it has `{ACTION}`."""
        return named(text, self.settings.keys)

    def _following(self, verdict: Verdict | None) -> str:
        """What can be done next about an answer, by which keys; in a round of the dojo nothing is given away."""
        if self.in_round or verdict is None:
            return ""
        if self.sentences:
            return self.words("what if: {apply} plans it · {undo} undoes the last · {back} ends it")
        prove = "{prove} prove it · " if self.source.live else ""
        words = f"next: {prove}{{everywhere}} everywhere · {{matrix}} all ports"
        if any(cause.change is not None and cause.change.commands for cause in verdict.causes):
            apply = "{apply} apply · " if self.source.writable else "{apply} show fix · "
            words = f"next: {apply}{{copy}} copy · {{everywhere}} everywhere"
        return named(words, self.settings.keys)

    def busy(self, doing: str) -> None:
        """Says in the header what is being done beside the screen."""
        self._doing = doing
        self.head()

    def head(self) -> None:
        """Draws the header."""
        source = self.source
        doing = self._doing or ("asking …" if self.waiting else "")
        state = State(
            source.title,
            source.live,
            self.shown_moment,
            doing,
            source.writable,
            self.stale,
            self.sentences,
            source.writable and source.careful,
        )
        self.app.query_one("#header", Static).update(header(state, self.panes.snapshot))

    def tabs(self) -> None:
        """Draws the tabs, and the answer's band."""
        self.app.query_one("#tabs", Static).update(tabs(self.panes.current))
        keys = self.words(("[{apply}] apply  " if self.source.writable else "") + "[{copy}] copy")
        self.app.query_one(Banner).show(self.panes.verdict, "" if self.in_round else keys)

    def edges(self) -> None:
        """Draws the lines around the panes."""
        self.head()
        self.tabs()

    @property
    def shown_moment(self) -> str:
        """Which moment is shown, in words; empty for now."""
        if self.pinned is None:
            return ""
        place = f"frozen at {clock(self.pinned.at)}" if self.pinned.at else "frozen"
        return f"{place} · {self.timeline.place(self.pinned) + 1} of {len(self.timeline.moments)}"
