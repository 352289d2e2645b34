"""The workbench: the screen around the session's thread, and the table of who does what in it.

What can be done is in `actions`, what the panes show in `panes`, what looks in `session`; the controllers do it. Here
is only the frame: it hands each action, and all that is told, to the controller that the tables name.

`run(source, ask)` is the way in: `source` is a `LiveHost()`, a `LabSource(name)` or a `Given(title, take)`, `ask` a
question as text that is asked at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import isawaitable
from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import BindingsMap, BindingType
from textual.command import CommandPalette
from textual.content import Content
from textual.events import Click, Key
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.theme import Theme
from textual.widgets import Input, Static

from engine.records import replace
from views.verdict.ask import Ask
from workbench.actions import BY_ID, Need, bindings, named
from workbench.controllers.proofs import Prover, real_attempt
from workbench.controllers.stage import Stage
from workbench.exits import own_fault
from workbench.parts import Parts
from workbench.screen.banner import Banner
from workbench.screen.fault_barrier import FaultBarrier
from workbench.screen.footer import Keys
from workbench.screen.glyphs import HARMLESS, PLAIN
from workbench.screen.header import tab_at
from workbench.screen.help import Help
from workbench.screen.notice_line import NoticeLine
from workbench.screen.offers import Offers
from workbench.screen.palette import Commands, Offer
from workbench.screen.panes import Panes
from workbench.screen.prompt import FilterPrompt, LinePrompt, WhyPrompt
from workbench.screen.time_strip import TimeStrip
from workbench.session.applied_fixes import Changes
from workbench.session.engine import Engine
from workbench.session.messages import Told, Trouble
from workbench.session.sources import Source
from workbench.settings import Settings, remember


class Workbench(FaultBarrier, App[int]):
    """The workbench on one source at a time. It was opened on `home`; `start` is an action to begin with."""

    TITLE = "portscope"
    CSS_PATH = "workbench.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    COMMANDS = {Commands}  # noqa: RUF012 - as Textual declares it
    ENABLE_COMMAND_PALETTE = False  # Textual would bind a key of its own; the palette is a row of the table
    start = ""
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
        self.stage = Stage(self, source, ask, engine, changes)
        self.panes = self.stage.panes
        self.parts = parts = Parts(self.stage, prover or real_attempt, self.open)
        self._does = parts.verbs() | {
            "theme": self.action_change_theme,
            "palette": self._palette,
            "help": self._help,
            "quit": self.action_quit,
        }
        self._hears = parts.listeners() | {Trouble: self._trouble, Panes.Detail: self._detail}

    @on(Told)
    def _hear(self, event: Told) -> None:
        self._hears[type(event)](event)

    async def action_do(self, name: str) -> None:
        """Does what a row of the table of actions stands for."""
        done = self._does[name]()
        if isawaitable(done):
            await done

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hides what never fits the source (False), and dims what does not fit now (None); see Textual's `DOMNode`."""
        if action != "do":
            return True
        stage = self.stage
        has = {
            Need.LIVE: stage.source.live,
            Need.WRITABLE: stage.source.writable,
            Need.CHANGING: not stage.settings.read_only,
            Need.NO_ROUND: not stage.in_round,
        }
        if parameters[0] == "undo" and stage.sentences:
            return True
        lacking = [need for need in BY_ID[str(parameters[0])].needs if not has[need]]
        if not lacking:
            return True
        return False if {Need.LIVE, Need.WRITABLE} & set(lacking) else None

    def on_key(self, event: Key) -> None:
        """A letter that was on its way to a pane when a line took the keys is the line's, and no binding. What the line
        was given itself does not come by here."""
        line = self.focused
        if isinstance(line, Input) and event.is_printable:
            event.prevent_default()
            line.post_message(Key(event.key, event.character))

    def offers(self) -> Iterator[Offer]:
        """What the palette offers."""
        return self.parts.offering.offers()

    def compose(self) -> ComposeResult:
        """Header, tabs of the narrow layout, the answer's band, panes, the time, detail and prompts, footer."""
        yield Static(id="header")
        yield Static(id="tabs")
        yield Static(id="guide")
        yield Banner()
        yield Static(id="trouble")
        yield self.panes
        yield TimeStrip()
        yield Static(id="detail")
        yield NoticeLine()
        yield Offers()
        yield WhyPrompt()
        yield FilterPrompt()
        yield LinePrompt()
        yield Keys(show_command_palette=False)

    def on_mount(self) -> None:
        """The frame is drawn: now look."""
        self.standing = True
        self.stage.edges()
        self.call_after_refresh(self._begin)
        self.parts.traffic.start()
        self.theme_changed_signal.subscribe(self, self._theme_chosen)
        settings = self.stage.settings
        if self.start:
            self.call_after_refresh(self.action_do, self.start)
        elif not settings.toured and self.stage.source.live:
            self.call_after_refresh(self.action_do, "tour")
        if not settings.toured and not settings.read_only:
            remember(settings.theme, toured=True)

    def on_unmount(self) -> None:
        """Ends the session's thread, a wait for packets, and what is thought about."""
        self.parts.thinking.stop()
        self.parts.proofs.stop()
        self.stage.session.stop()

    def settle(self, settings: Settings) -> None:
        """Takes the user's settings: keys, theme, glyphs."""
        self.stage.settings = settings
        self.panes.keys = settings.keys
        textuals = App._merged_bindings or BindingsMap()
        self._bindings = BindingsMap.merge((textuals, BindingsMap(bindings(settings.keys))))
        if settings.theme:
            self.theme = settings.theme

    def _theme_chosen(self, theme: Theme) -> None:
        settings = self.stage.settings
        if theme.name != settings.theme:
            self.stage.settings = replace(settings, theme=theme.name)
            if not settings.read_only:
                remember(theme.name, toured=settings.toured)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own and ours."""
        return [*super().get_line_filters(), HARMLESS, *([PLAIN] if self.stage.settings.ascii else [])]

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,  # noqa: ARG002 - Textual's; words are never markup
    ) -> None:
        """Tells something on the line of notices; see Textual's `App`."""
        self.parts.notices.tell(message, title, severity, timeout)

    def open(self, source: Source, ask: Ask | None = None) -> None:
        """Looks at another source, with a question that is asked at once."""
        self.parts.proofs.stop()
        self.run_worker(self.stage.session.stop, thread=True, group="leaving")
        self.stage.take(source)
        self.stage.asked, self.stage.waiting = ask, False
        self.panes.forget()
        self.post_message(Trouble(""))  # that of the one before
        self.stage.edges()
        self._begin()

    def _begin(self) -> None:
        self.stage.session.start()
        self.parts.labs.enter_round()
        if self.stage.asked is not None:
            self.parts.questions.ask(self.stage.asked)

    def _trouble(self, event: Trouble) -> None:
        line = self.query_one("#trouble", Static)
        line.set_class(bool(event.reason), "-shown")
        self.stage.stale = event.stale
        line.update(Content(f"✗ {event.reason}"))
        self.stage.waiting = False
        if event.reason and self.panes.snapshot is None:
            empty = named("Nothing to show yet: {refresh} refreshes.", self.stage.settings.keys)
            self.panes.topology.empty = self.panes.answer.empty = empty
            self.panes.topology.refresh()
            self.panes.answer.refresh()
        self.stage.head()

    @on(Click, "#tabs")
    def _tab_chosen(self, event: Click) -> None:
        name = tab_at(event.x)
        if name:
            self.parts.navigation.pane(name)

    def _detail(self, event: Panes.Detail) -> None:
        if self.parts.prompts.opened is None:  # its hint stands there
            self.query_one("#detail", Static).update(Content(event.text), layout=False)
        self.stage.tabs()

    async def _palette(self) -> None:
        if not isinstance(self.screen, CommandPalette):
            await self.push_screen(CommandPalette())

    async def _help(self) -> None:
        await self.push_screen(Help(self.panes.current, self.stage.settings.keys))

    def leave_terminal(self) -> None:
        """Ends the thread that reads the keys. An exception of a signal passes Textual by, and the thread would read on
        from a terminal that is gone."""
        ended = getattr(self._driver, "exit_event", None)
        if ended is not None:
            ended.set()


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
