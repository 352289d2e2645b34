"""The workbench: the screen around the session's thread. Starts it, shows what it tells, hands it wishes.

What can be done is in `actions`, what the panes show in `panes`, what looks in `session`; the handlers are in the parts
that it is put together from. Here is only the frame, and which source is looked at.

`run(source, ask)` is the way in: `source` is a `LiveHost()`, a `LabSource(name)` or a `Given(title, take)`, `ask` a
question as text that is asked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import BindingsMap, BindingType
from textual.content import Content
from textual.events import Click
from textual.filter import LineFilter
from textual.message import Message
from textual.theme import Theme
from textual.widgets import Static

from engine.records import replace
from views.verdict.ask import Ask
from workbench.actions import Need, bindings, named, needs_of
from workbench.controllers.ask import Asking
from workbench.controllers.fix import Mending
from workbench.controllers.navigation import Navigation
from workbench.controllers.notices import Noticing
from workbench.controllers.prove import Prover, Proving, real_attempt
from workbench.controllers.survey import Surveying
from workbench.controllers.time import Looking
from workbench.controllers.traffic import Metering
from workbench.exits import own_fault
from workbench.labs.actions import Labs
from workbench.screen.fault_barrier import FaultBarrier
from workbench.screen.footer import Keys
from workbench.screen.glyphs import HARMLESS, PLAIN
from workbench.screen.header import State, answer_strip, header, tab_at, tabs
from workbench.screen.help import Help
from workbench.screen.notice_line import NoticeLine
from workbench.screen.palette import Commands
from workbench.screen.panes import Panes
from workbench.screen.prompt import FilePrompt, FilterPrompt, Prompt, WhyPrompt
from workbench.session.applied_fixes import Changes
from workbench.session.command_log import CommandLog
from workbench.session.engine import Engine
from workbench.session.messages import Trouble
from workbench.session.session import Session
from workbench.session.sources import Source
from workbench.session.timeline import Timeline
from workbench.settings import Settings, remember


class Workbench(
    FaultBarrier, Metering, Proving, Labs, Asking, Looking, Surveying, Mending, Navigation, Noticing, App[int]
):
    """The workbench on one source at a time. It was opened on `home`; `start` is an action to begin with."""

    TITLE = "portscope"
    CSS_PATH = "workbench.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    COMMANDS = {Commands}  # noqa: RUF012 - as Textual declares it
    COMMAND_PALETTE_BINDING = "colon"
    start = ""
    settings = Settings()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it

    def __init__(
        self,
        source: Source,
        ask: Ask | None = None,
        engine: Engine | None = None,
        changes: Changes | None = None,
        prover: Prover | None = None,
    ) -> None:
        super().__init__()
        self.prover = prover or real_attempt
        self.panes = Panes()
        self.done = CommandLog()
        self.home, self.asked = source, ask
        self._engine, self._changes = engine, changes
        self._doing = ""
        self._take(source)

    def compose(self) -> ComposeResult:
        """Header, tabs of the narrow layout, panes, the answer's strip, detail and prompts, footer."""
        yield Static(id="header")
        yield Static(id="tabs")
        yield Static(id="trouble")
        yield self.panes
        yield Static(id="strip")
        yield Static(id="detail")
        yield NoticeLine()
        yield WhyPrompt()
        yield FilterPrompt()
        yield FilePrompt()
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        """The frame is drawn: now look."""
        self.standing = True
        self.edges()
        self.call_after_refresh(self._begin)
        self.start_metering()
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        if self.start:
            self.call_after_refresh(self.run_action, self.start)

    def on_unmount(self) -> None:
        """Ends the session's thread, a wait for packets, and what is thought about."""
        self.stop_thinking()
        self.stop_proving()
        self.session.stop()

    def settle(self, settings: Settings) -> None:
        """Takes the user's settings: keys, theme, glyphs."""
        self.settings = settings
        self.panes.keys = settings.keys
        textuals = App._merged_bindings or BindingsMap()
        self._bindings = BindingsMap.merge((textuals, BindingsMap(bindings(settings.keys))))
        if settings.theme:
            self.theme = settings.theme

    def _theme_chosen(self, theme: Theme) -> None:
        if theme.name != self.settings.theme:
            self.settings = replace(self.settings, theme=theme.name)
            if not self.settings.read_only:
                remember(theme.name)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own and ours."""
        return [*super().get_line_filters(), HARMLESS, *([PLAIN] if self.settings.ascii else [])]

    def open(self, source: Source, ask: Ask | None = None) -> None:
        """Looks at another source, with a question that is asked at once."""
        self.stop_proving()
        self.run_worker(self.session.stop, thread=True, group="leaving")
        self._take(source)
        self.asked, self.waiting = ask, False
        self.panes.forget()
        self.post_message(Trouble(""))  # that of the one before
        self.edges()
        self._begin()

    def _take(self, source: Source) -> None:
        """What belongs to a source. What the threads of the one before still tell is not heard."""

        def tell(message: Message) -> None:
            if self.session is session:
                self.post_message(message)

        self.source = source
        self.pinned = None
        self._stale = False
        self.timeline = Timeline()
        self.session = session = Session(source, tell, self._engine, self._changes)

    def _begin(self) -> None:
        self.session.start()
        self.enter_round()
        if self.asked is not None:
            self.ask(self.asked)

    @on(Trouble)
    def _trouble(self, event: Trouble) -> None:
        line = self.query_one("#trouble", Static)
        line.set_class(bool(event.reason), "-shown")
        self._stale = event.stale
        line.update(Content(f"✗ {event.reason}"))
        self.waiting = False
        if event.reason and self.panes.snapshot is None:
            empty = named("Nothing to show yet: {refresh} refreshes.", self.settings.keys)
            self.panes.topology.empty = self.panes.answer.empty = empty
            self.panes.topology.refresh()
            self.panes.answer.refresh()
        self.head()

    @on(Click, "#tabs")
    def _tab_chosen(self, event: Click) -> None:
        name = tab_at(event.x)
        if name:
            self.action_pane(name)

    @on(Panes.Detail)
    def _detail(self, event: Panes.Detail) -> None:
        if not any(prompt.opened for prompt in self.query(Prompt)):  # its hint stands there
            self.query_one("#detail", Static).update(Content(event.text))
        self._tabs()

    def action_jump(self) -> None:
        """From a step to its rule or link, and back."""
        reason = self.panes.jump()
        if reason:
            self.say(reason)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hides what never fits the source (False), and dims what does not fit now (None); see Textual's `DOMNode`."""
        needs = needs_of(action, parameters)
        has = {
            Need.LIVE: self.source.live,
            Need.WRITABLE: self.source.writable,
            Need.CHANGING: not self.settings.read_only,
            Need.NO_ROUND: not self.in_round,
        }
        lacking = [need for need in needs if not has[need]]
        if not lacking:
            return True
        return False if {Need.LIVE, Need.WRITABLE} & set(lacking) else None

    async def action_help(self) -> None:
        """Shows the keys."""
        await self.push_screen(Help(self.panes.current, self.settings.keys))

    def leave_terminal(self) -> None:
        """Ends the thread that reads the keys. An exception of a signal passes Textual by, and the thread would read on
        from a terminal that is gone."""
        ended = getattr(self._driver, "exit_event", None)
        if ended is not None:
            ended.set()

    def busy(self, doing: str) -> None:
        """Says in the header what is being done beside the screen."""
        self._doing = doing
        self.head()

    def head(self) -> None:
        """Draws the header."""
        source = self.source
        doing = self._doing or ("asking …" if self.waiting else "")
        state = State(source.title, source.live, self.shown_place, doing, source.writable, self._stale)
        self.query_one("#header", Static).update(header(state, self.panes.snapshot))

    def edges(self) -> None:
        """Draws the header, the tabs, and the answer's strip of the narrow layout."""
        self.head()
        self._tabs()

    def _tabs(self) -> None:
        """The tabs, and the answer's strip: below every pane but the answer itself."""
        self.query_one("#tabs", Static).update(tabs(self.panes.current))
        verdict = self.panes.verdict
        strip = self.query_one("#strip", Static)
        strip.set_class(verdict is not None and self.panes.current != "answer", "-shown")
        strip.update(answer_strip(verdict) if verdict is not None else "")


def run(source: Source, ask: Ask | None = None, settings: Settings | None = None, start: str = "") -> int:
    """Opens the workbench and stays until the user leaves; `start` is an action to begin with.

    Returns 0, or what tells of a fault that was seen meanwhile.
    """
    app = Workbench(source, ask)
    app.start = start
    app.settle(settings or Settings())
    try:
        app.run()
    finally:
        app.leave_terminal()
    if app.fault is not None:
        return own_fault(app.fault)
    return app.return_code or 0
