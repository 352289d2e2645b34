"""What the controllers share: the source that is looked at, what is shown of it, and the header that tells of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.widgets import Static

from engine.change.differences import Difference
from engine.model.verdict import Reach, Verdict
from views.verdict.ask import Ask
from views.verdict.time_strip import StripMoment
from workbench.actions import ASK_FIRST, named
from workbench.screen.banner import Banner
from workbench.screen.header import State, header, tabs
from workbench.screen.panes import Panes
from workbench.screen.time_strip import TimeStrip
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


def _passes(change: Difference) -> bool:
    """Whether a change comes and goes by itself: what is learned of neighbours, and IPv6's own addresses of links."""
    return change.what == "neighbour" or (change.what == "address" and change.name.startswith("fe80:"))


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
        #: Questions that were asked, the last one first.
        self.recent: list[Ask] = []
        self.waiting = False
        self.in_round = False
        self._engine, self._changes = engine, changes
        self._doing = ""
        self._near: frozenset[str] = frozenset()
        self._touching: dict[str, bool] = {}
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

    def answer(self) -> Verdict | None:
        """The answer to what is asked; says so where there is none, or not yet."""
        if self.waiting:
            self.say("The answer is on its way.")
            return None
        if self.panes.verdict is None:
            self.say(ASK_FIRST)
        return self.panes.verdict

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
            self.panes.verdict is not None and self.panes.verdict.reach is Reach.DEPENDS,
        )
        self.app.query_one("#header", Static).update(header(state, self.panes.snapshot), layout=False)
        self.time()

    def tabs(self) -> None:
        """Draws the tabs, and the answer's band."""
        self.app.query_one("#tabs", Static).update(tabs(self.panes.current), layout=False)
        keys = self.words(("[{apply}] apply  " if self.source.writable else "") + "[{copy}] copy")
        self.app.query_one(Banner).show(self.panes.verdict, "" if self.in_round else keys)

    def edges(self) -> None:
        """Draws the lines around the panes."""
        self.head()
        self.tabs()

    def time(self) -> None:
        """Draws the line of the time; in a round of the dojo, whose answer it would show, there is none."""
        moments = () if self.in_round or not self.source.live else self.strip_moments()
        shown = self.timeline.place(self.pinned) if self.pinned is not None else len(moments) - 1
        self.app.query_one(TimeStrip).show(moments, shown)

    def strip_moments(self) -> tuple[StripMoment, ...]:
        """The moments of the timeline: each with whether it touches the question, and the mark of a flip. Without a
        question each change counts."""
        verdict = self.panes.verdict
        traces = verdict.conversation.traces if verdict is not None else ()
        near = frozenset(hop.netns for trace in traces for hop in trace.hops)
        if near != self._near:
            self._near, self._touching = near, {}
        flips = ((each, self.timeline.flip_in(each)) for each in self.timeline.moments)
        return tuple(
            StripMoment(clock(each.at), self._touches(each), flip.after[:1] if flip is not None else "")
            for each, flip in flips
        )

    def _touches(self, moment: Moment) -> bool:
        """Whether the changes of a moment touch the question. On a busy host a moment has many, so it is kept."""
        if moment.at not in self._touching:
            self._touching[moment.at] = any(map(self.touches, moment.changed))
        return self._touching[moment.at]

    def touches(self, change: Difference) -> bool:
        """Whether a change is one of a namespace that the question's packets cross; without a question each one is."""
        return not _passes(change) and (not self._near or not change.netns or change.netns in self._near)

    @property
    def shown_moment(self) -> str:
        """Which moment is shown, in words; empty for now."""
        if self.pinned is None:
            return ""
        if not any(
            each is self.pinned for each in self.timeline.moments
        ):  # one of the recorder's, or one that has gone meanwhile
            return f"frozen at {self.pinned.at[:10]} {clock(self.pinned.at)}"
        place = f"frozen at {clock(self.pinned.at)}" if self.pinned.at else "frozen"
        return f"{place} · {self.timeline.place(self.pinned) + 1} of {len(self.timeline.moments)}"
