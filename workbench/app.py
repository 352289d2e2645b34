"""The workbench: the screen around the session's thread. Starts it, shows what it tells, hands it wishes.

What can be done is in `actions`, what the panes show in `panes`, what looks in `session`. Here is only the way
between them: a handler for each message, and a method for each action.

`run(source, ask)` is the way in: `source` is a `LiveHost()`, a `SavedFile(path)` or a `Given(title, take)`
(of `workbench.sources`), `ask` a question in words that is asked at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Static

from engine.model.host import Snapshot
from views.listing import Listing
from views.topology.widget import Topology
from views.verdict.ask import Ask, outside_source
from workbench.actions import bindings
from workbench.changing import Changes
from workbench.command_log import CommandLog
from workbench.header import State, answer_strip, header, tabs
from workbench.help import Help
from workbench.looking import LIVE_ONLY, Looking
from workbench.mending import Mending
from workbench.messages import Answered, Trouble, Unanswerable
from workbench.navigation import Navigation
from workbench.palette import Commands
from workbench.panes import Panes
from workbench.prompt import FilePrompt, FilterPrompt, Prompt, WhyPrompt
from workbench.proving import Prover, Proving, real_attempt
from workbench.session import Engine, Session
from workbench.sources import Source
from workbench.surveying import Surveying
from workbench.timeline import Timeline


class Workbench(Looking, Surveying, Proving, Mending, Navigation, App[int]):
    """The workbench on one source."""

    TITLE = "portscope"
    CSS_PATH = "workbench.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings()
    COMMANDS = {Commands}  # noqa: RUF012 - as Textual declares it
    COMMAND_PALETTE_BINDING = "colon"
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
        self.session = Session(source, self.post_message, engine, changes)
        self.done = CommandLog()
        self.timeline = Timeline()
        self._source = source
        self._ask = ask
        self._waiting = False

    def compose(self) -> ComposeResult:
        """Header, tabs of the narrow layout, panes, the answer's strip, detail and prompts, footer."""
        yield Static(id="header")
        yield Static(id="tabs")
        yield Static(id="trouble")
        yield self.panes
        yield Static(id="strip")
        yield Static(id="detail")
        yield WhyPrompt()
        yield FilterPrompt()
        yield FilePrompt()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """The frame is drawn: now look."""
        self.head()
        self._tabs()
        self.call_after_refresh(self._begin)

    def on_unmount(self) -> None:
        """Ends the session's thread, and a wait for packets."""
        self.stop_proving()
        self.session.stop()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Of Textual's own commands only the themes."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)

    def ask(self, ask: Ask) -> None:
        """Asks a question, and shows that it is being answered."""
        self._ask, self._waiting = ask, True
        self.panes.mended = None
        self.head()
        self.session.ask(ask)

    @property
    def asked(self) -> Ask | None:
        """The question that is shown."""
        return self._ask

    @property
    def past(self) -> bool:
        """Whether an earlier moment is shown."""
        return self.pinned is not None

    def _begin(self) -> None:
        self.session.start()
        if self._ask is not None:
            self.ask(self._ask)

    def on_answered(self, event: Answered) -> None:
        """Shows the answer, where it is the one for what is shown."""
        self._waiting = self._waiting and event.ask != self._ask
        if event.snapshot is self.panes.snapshot:
            self.panes.show_verdict(self.with_evidence(event.ask, event.verdict), event.first)
        self._strip()
        self._tabs()
        self.head()

    @on(Unanswerable)
    def _unanswerable(self, event: Unanswerable) -> None:
        self._waiting = False
        self.head()
        if not event.first:
            self.notify(event.reason, title=f"{event.ask.words} can't be asked any more", severity="warning")
            return
        prompt = self.query_one(WhyPrompt)
        prompt.open(event.ask)
        prompt.refuse(event.reason)
        self._hint("enter asks again · tab goes to the next field · esc closes")

    @on(Trouble)
    def _trouble(self, event: Trouble) -> None:
        line = self.query_one("#trouble", Static)
        line.set_class(bool(event.reason), "-shown")
        line.update(Content(f"✗ {event.reason}"))
        self._waiting = False
        if event.reason and self.panes.snapshot is None:
            self.panes.topology.empty = self.panes.answer.empty = "There is nothing to show yet: r looks again."
            self.panes.topology.refresh()
            self.panes.answer.refresh()
        self.head()

    @on(Panes.Suggested)
    def _suggested(self, event: Panes.Suggested) -> None:
        self.ask(event.ask)

    @on(Panes.Detail)
    def _detail(self, event: Panes.Detail) -> None:
        self.query_one("#detail", Static).update(Content(event.text))
        self._tabs()

    @on(WhyPrompt.Asked)
    def _asked(self, event: WhyPrompt.Asked) -> None:
        self.close_prompts()
        self.ask(event.ask)

    @on(FilterPrompt.Changed)
    def _filtered(self, event: FilterPrompt.Changed) -> None:
        pane = self.panes.pane()
        if isinstance(pane, Listing):
            pane.filter(event.pattern)
        elif isinstance(pane, Topology) and event.pattern:
            pane.find(event.pattern)
        self.panes.retitle()
        if event.final:
            self.close_prompts()

    def action_why(self) -> None:
        """Opens the prompt, filled in from what is selected, else from the last question."""
        snapshot = self.panes.snapshot
        if snapshot is None:
            return
        self.close_prompts()
        self.query_one(WhyPrompt).open(self._prefilled(snapshot))
        self._hint("enter asks · tab goes to the next field · esc closes")

    def action_filter(self) -> None:
        """Opens the filter of the current pane."""
        self.close_prompts()
        pane = self.panes.pane()
        self.query_one(FilterPrompt).open(pane.pattern if isinstance(pane, Listing) else "")
        self._hint("enter keeps the filter · !text shows all others · esc closes")

    def action_jump(self) -> None:
        """From a step to its rule or link, and back."""
        reason = self.panes.jump()
        if reason:
            self.notify(reason, timeout=3)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """A file does not change: there is nothing to freeze, to look at again, to step back to, or to take back."""
        if action == "undo_fix":
            return self._source.writable
        return self._source.live if action in LIVE_ONLY else True

    async def action_help(self) -> None:
        """Shows the keys."""
        await self.push_screen(Help())

    def _prefilled(self, snapshot: Snapshot) -> Ask:
        last = self._ask
        source = last.source if last else outside_source(snapshot)
        suggested = self.panes.suggestion()
        if suggested is not None:
            return Ask(suggested.target, source, suggested.protocol)
        return last or Ask(":", source)

    def _hint(self, text: str) -> None:
        """What the keys do in the prompt that has just opened. It takes the footer's place."""
        self.query_one("#detail", Static).update(Content(text))
        self.query_one(Footer).display = False

    def close_prompts(self) -> None:
        """Closes what asks for words, and gives the keys back to the pane."""
        for prompt in self.query(Prompt):
            prompt.close()
        self.query_one(Footer).display = True
        self.panes.go(self.panes.current)

    def head(self) -> None:
        """Draws the header."""
        state = State(self._source.title, self._source.live, self.shown_place, self._waiting, self._source.writable)
        self.query_one("#header", Static).update(header(state, self.panes.snapshot))

    def _tabs(self) -> None:
        self.query_one("#tabs", Static).update(tabs(self.panes.current))

    def _strip(self) -> None:
        verdict = self.panes.verdict
        strip = self.query_one("#strip", Static)
        strip.set_class(verdict is not None, "-shown")
        if verdict is not None:
            strip.update(answer_strip(verdict))


def run(source: Source, ask: Ask | None = None) -> int:
    """Opens the workbench and stays until the user leaves. Returns 0, or what Textual says when it fell."""
    app = Workbench(source, ask)
    app.run()
    return app.return_code or 0
