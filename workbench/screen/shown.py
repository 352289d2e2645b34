"""What the four panes show of a snapshot and an answer, and how a step in one lights the others.

The step under the cursor of the path is the one thing that the panes share: its rule is marked in the tables
(▶), its link is lit in the topology, the way of its packet is drawn there. A look at the host in between
changes what the panes show, never where the user is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from engine.change.rule import DeleteRule
from engine.model.board import BoardRow
from engine.model.host import Snapshot
from engine.model.proof import ProofRow
from engine.model.ref import Ref, RefKind
from engine.model.rule_finding import RuleFinding
from engine.model.trace import Hop, Step
from engine.model.verdict import Fix, Verdict
from views.listing import Listing
from views.painted import Painted
from views.path.rows import Leg, StepKey, first_look, legs, step_at
from views.path.rows import rows as path_rows
from views.path.seen import marks, seen, words
from views.topology.flight import so_far
from views.topology.way import Way, focus, way
from views.topology.widget import Topology
from views.verdict.ask import Ask
from views.verdict.board import board_lines
from views.verdict.card import card, welcome
from views.verdict.outline import question_text
from workbench.actions import NO_KEYS, named
from workbench.screen.cross_pane import Flaws, flaw_marks, row_words, rule_marks
from workbench.screen.fault_barrier import Held
from workbench.screen.prompt import Prompt
from workbench.screen.rules_pane import LOOKING, Rules
from workbench.session.flips import same
from workbench.session.messages import Told

if TYPE_CHECKING:
    from engine.explain.whatif.suppose import Hypothesis

NAMES = ("topology", "rules", "path", "answer")


class Shown(Held, Container):
    """Topology, rules, path and answer, as they are shown."""

    class Suggested(Told):
        """The user chose a question that a pane offered."""

        def __init__(self, ask: Ask) -> None:
            super().__init__()
            self.ask = ask

    class FileChosen(Told):
        """The user chose a line of a file."""

        def __init__(self, ref: Ref) -> None:
            super().__init__()
            self.ref = ref

    class Detail(Told):
        """Something else is selected; `text` says all about it."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__(id="panes")
        self.topology = Topology(LOOKING, id="topology")
        self.rules = Rules(LOOKING, id="rules")
        self.path = Listing("", id="path")
        self.answer = Listing(LOOKING, id="answer")
        self.keys = NO_KEYS
        #: What the user can do next about an answer, or before one, with the keys for it; empty where nothing.
        self.following: Callable[[Verdict | None], str] = lambda _: ""
        self.current = "topology"
        self.snapshot: Snapshot | None = None
        self.verdict: Verdict | None = None
        self.mended: Fix | None = None
        self._seen: dict[StepKey, ProofRow] = {}
        self._legs: list[Leg] = []
        self._flip = ""
        self._board: tuple[BoardRow, ...] = ()
        self._flaws = Flaws()

    def compose(self) -> ComposeResult:
        """The panes in the order of their numbers."""
        yield from (self.topology, self.rules, self.path, self.answer)

    def on_mount(self) -> None:
        """Titles, and the first pane."""
        self.path.empty = named("Ask a question ({why}); the packet's path appears here, step by step.", self.keys)
        self.go("topology")
        self.retitle()

    def forget(self) -> None:
        """Another source is looked at: nothing of the one before is shown."""
        self.snapshot = self.verdict = self.mended = None
        self._board = ()
        self._legs, self._seen, self._flip = [], {}, ""
        self.topology.forget()
        self.rules.forget()
        self.path.show(())
        self.answer.flow(lambda _: ())
        self.go("topology")
        self.retitle()

    def forget_answer(self) -> None:
        """Nothing is asked any more."""
        self.verdict = self.mended = None
        self._legs, self._seen, self._flip = [], {}, ""
        self.path.show(())
        self._show_answer()
        self._light()
        self._tell()
        self.retitle()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What fails while it is drawn is told, and ends nothing."""
        try:
            yield
        except Exception as error:
            self.post_message(Painted.Broken(error))

    def preview(self, host: Snapshot) -> None:
        """Draws the host alone while its other namespaces are read. Nothing can be asked of it yet."""
        self.topology.show(host)
        self.rules.look_at(host, host.host)
        self.retitle()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """A look at the host."""
        first = self.snapshot is None
        self.snapshot = snapshot
        self.topology.show(snapshot)
        self._show_rules(self.rules.netns if self.rules.netns in snapshot.by_id else snapshot.host)
        if self.verdict is None:
            self._show_answer()
            if first:
                self.go("answer")
        self._light()
        self.retitle()

    def show_model(self, known: Hypothesis | None) -> None:
        """What the host would be; None: what it is, which is shown next."""
        parts = enumerate(known.parts if known is not None else ())
        gone = ((number, each) for number, part in parts for each in part if isinstance(each, DeleteRule))
        self.rules.haunt(tuple((number, each.place, each.rule) for number, each in gone))
        if known is not None:
            self.show_snapshot(known.after)

    def show_board(self, rows: tuple[BoardRow, ...]) -> None:
        """Which ports of the host can be reached, as long as nothing is asked."""
        self._board = rows
        if self.verdict is None:
            self._show_answer()
            self.retitle()

    def show_verdict(self, verdict: Verdict, first: bool) -> None:
        """An answer. The first one to a question, and one that flips it, puts the cursor on the step that stopped the
        packet; only the first one goes to the pane."""
        self.topology.fly(None)
        before, flipped = self._legs, self.verdict is not None and not same(self.verdict, verdict)
        self.verdict = verdict
        self._legs = legs(verdict.conversation)
        self._seen = seen(verdict.conversation, verdict.kernel) if verdict.kernel else {}
        self.path.show(path_rows(verdict.conversation), top=first)
        self.path.mark(marks(self._seen))
        self._show_answer()
        if first or flipped or not before:
            self.answer.scroll_to(y=0, animate=False)
            self.path.go(first_look(self._legs))
        if first or not before:
            self.go("path")
        self._light()
        self._tell()
        self.retitle()

    def tell_flip(self, words: str) -> None:
        """Keeps the last flip of the answer in sight."""
        self._flip = f"flipped {words}" if words else ""
        self.retitle()

    def retitle(self) -> None:
        """The titles of the panes, with what is filtered."""
        topology = f"1 Topology · {self.snapshot.host_netns.id}" if self.snapshot else "1 Topology"
        question = f" · {question_text(self.verdict)}" if self.verdict else ""
        titles: tuple[tuple[Topology | Listing, str], ...] = (
            (self.topology, topology),
            (self.rules, self.rules.title),
            (self.path, f"3 Path{question}"),
            (self.answer, "4 Ports" if self.verdict is None and self._board else "4 Answer"),
        )
        for pane, title in titles:
            pane.caption(top=Content(title))  # an IPv6 address in brackets is no markup
            if isinstance(pane, Listing):
                said = (self._flip or self.following(self.verdict)) if pane is self.answer else ""
                found = f"/{pane.pattern} {pane.found} of {pane.total}" if pane.pattern else said
                pane.caption(below=Content(found))

    def pane(self, name: str = "") -> Painted:
        """A pane by its name; the current one without."""
        return self.query_one(f"#{name or self.current}", Painted)

    def go(self, name: str) -> None:
        """Makes a pane the current one."""
        self.current = name
        for one in NAMES:
            self.query_one(f"#{one}").set_class(one == name, "-current")
        self.call_after_refresh(self._focus_current)
        self._tell()

    def _focus_current(self) -> None:
        """Gives the current pane the keys, unless a prompt or another screen has them."""
        if self.screen is self.app.screen and not any(prompt.opened for prompt in self.screen.query(Prompt)):
            self.pane().focus()

    def step(self) -> tuple[Leg, Hop, Step] | None:
        """The step under the cursor of the path."""
        return step_at(self._legs, self.path.cursor)

    def _light(self) -> None:
        """Shows the step under the path's cursor in the other panes; of a packet that walks no more than its way so
        far."""
        found = self.step()
        scene = self.topology.full
        if found is None or self.snapshot is None or scene is None:
            self.topology.trace(Way(), None)
            self.rules.mark(flaw_marks(self.flaws()))
            return
        leg, hop, step = found
        trace = leg.trace if self.topology.look.flight is None else so_far(leg.trace, hop, step)
        self.topology.trace(way(self.snapshot, scene, trace), focus(self.snapshot, scene, hop, step))
        if step.ref is not None and step.ref.kind in (RefKind.RULE, RefKind.CHAIN):
            self._show_rules(step.ref.netns)
            self.rules.go(step.ref.key)
        self.rules.mark(flaw_marks(self.flaws()) | rule_marks(leg.trace, self.rules.netns, self.verdict))

    def flaws(self) -> dict[Hashable, RuleFinding]:
        """The rules of the shown namespace that can match no packet."""
        shown = self.snapshot is not None and self.rules.netns in self.snapshot.by_id
        return self._flaws.of(self.snapshot, self.rules.netns) if self.snapshot is not None and shown else {}

    def _show_rules(self, netns: str) -> None:
        """Shows the rules of a namespace."""
        if self.snapshot is not None and self.rules.look_at(self.snapshot, netns):
            self.retitle()

    def _show_answer(self) -> None:
        verdict, snapshot = self.verdict, self.snapshot
        if verdict is not None:
            self.answer.flow(lambda width: card(verdict, width, self.mended))
        elif snapshot is not None and self._board:
            board, key = self._board, named("{why}", self.keys)
            self.answer.flow(lambda width: board_lines(board, snapshot, width, key))
        elif snapshot is not None:
            self.answer.flow(lambda width: welcome(snapshot, width, named("{why}", self.keys)))

    @staticmethod
    def _row(listing: Listing) -> object:
        return next((row for row in listing.entries if row.key == listing.cursor), None)

    def _tell(self) -> None:
        """Says all about what is selected in the current pane."""
        text = ""
        node = self.topology.selected
        if self.current == "topology" and node:
            text = " · ".join(part for part in (node.name, node.detail, *map(str, node.facts)) if part)
        elif self.current in ("rules", "path"):
            text = row_words(self._row(self.rules if self.current == "rules" else self.path))
        if self.current == "path" and (row := self._seen.get(self.path.cursor)):  # type: ignore[call-overload]
            text = " · ".join(part for part in (words(row) and f"seen: {words(row)}", text) if part)
        self.post_message(self.Detail(text))
