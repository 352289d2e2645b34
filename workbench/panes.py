"""The four panes together: what they show of a snapshot and an answer, and how a step in one lights the others.

The step under the cursor of the path is the one thing that the panes share: its rule is marked in the tables
(▶), its link is lit in the topology, the way of its packet is drawn there. A look at the host in between
changes what the panes show, never where the user is.
"""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message

from engine.model.host import Snapshot
from engine.model.proof import Row
from engine.model.ref import Ref, RefKind
from engine.model.trace import Hop, Step
from engine.model.verdict import Fix, Verdict
from views.listing import Listing
from views.nat.rows import RuleRow
from views.painted import Painted
from views.path.rows import Leg, StepKey, first_look, legs, step_at, step_keys
from views.path.rows import rows as path_rows
from views.path.seen import marks, seen, words
from views.topology.way import Way, focus, way
from views.topology.widget import Topology
from views.verdict.ask import Ask, about_node, about_rule
from views.verdict.card import card, question_words, welcome
from workbench.pointing import row_words, rule_marks
from workbench.prompt import Prompt
from workbench.rules import Rules

NAMES = ("topology", "rules", "path", "answer")
LEGEND = "● up  ○ down  ▶ selected  ✗ stops here  ━ the packet's way"


class Panes(Container):
    """Topology, rules, path and answer."""

    class Suggested(Message):
        """The user chose a question that a pane offered."""

        def __init__(self, ask: Ask) -> None:
            super().__init__()
            self.ask = ask

    class Detail(Message):
        """Something else is selected; `text` says all about it."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__(id="panes")
        self.topology = Topology("Looking at the host …", id="topology")
        self.rules = Rules("Looking at the host …", id="rules")
        self.path = Listing("Ask a question (w), and the packet's way is here, step by step.", id="path")
        self.answer = Listing("Looking at the host …", id="answer")
        self.current = "topology"
        self.snapshot: Snapshot | None = None
        self.verdict: Verdict | None = None
        self.mended: Fix | None = None
        self._seen: dict[StepKey, Row] = {}
        self._legs: list[Leg] = []
        self._flip = ""

    def compose(self) -> ComposeResult:
        """The panes in the order of their numbers."""
        yield from (self.topology, self.rules, self.path, self.answer)

    def on_mount(self) -> None:
        """Titles, and the first pane."""
        self.go("topology")
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

    def show_verdict(self, verdict: Verdict, first: bool) -> None:
        """An answer. The first one to a question puts the cursor on the step that stopped the packet."""
        before = self._legs
        self.verdict = verdict
        self._legs = legs(verdict.conversation)
        self._seen = seen(verdict.conversation, verdict.kernel) if verdict.kernel else {}
        self.path.show(path_rows(verdict.conversation), top=first)
        self.path.mark(marks(self._seen))
        self._show_answer()
        if first or not before:
            self.answer.scroll_to(y=0, animate=False)
            self.path.go(first_look(self._legs))
            self.go("path")
        self._light()
        self.retitle()

    def tell_flip(self, words: str) -> None:
        """Keeps the last flip of the answer in sight."""
        self._flip = f"flipped {words}" if words else ""
        self.retitle()

    def retitle(self) -> None:
        """The titles of the panes, with what is filtered."""
        topology = f"1 Topology · {self.snapshot.host_netns.id}" if self.snapshot else "1 Topology"
        question = f" · {question_words(self.verdict)}" if self.verdict else ""
        for pane, title in (
            (self.topology, topology),
            (self.rules, self.rules.title),
            (self.path, f"3 Path{question}"),
            (self.answer, "4 Answer"),
        ):
            pane.border_title = title
            if isinstance(pane, Listing):
                said = self._flip if pane is self.answer else ""
                pane.border_subtitle = f"/{pane.pattern} {pane.found} of {pane.total}" if pane.pattern else said
        self.topology.border_subtitle = LEGEND

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

    def jump(self) -> str:
        """From a step to what it speaks of, or from there back to it. Says why not, where it cannot."""
        if self.current == "path":
            return self._jump_to_cause_of_step()
        if self.current == "answer":
            self.answer.choose()
            return ""
        if self.verdict is None:
            return "Ask a question first: w"
        found = self._step_about()
        if found is None:
            return "The packet does not meet this"
        self.path.go(found)
        self._light()
        self.go("path")
        return ""

    def suggestion(self) -> Ask | None:
        """The question that the selected thing suggests."""
        node = self.topology.selected
        if self.snapshot is None:
            return None
        if self.current == "rules":
            row = self._row(self.rules)
            return about_rule(self.snapshot, row.rule) if isinstance(row, RuleRow) else None
        return about_node(self.snapshot, node.ref) if node is not None and node.ref is not None else None

    @on(Listing.Moved, "#path")
    def _path_moved(self) -> None:
        self._light()
        self._tell()

    @on(Listing.Moved, "#rules")
    @on(Listing.Moved, "#answer")
    @on(Topology.Moved)
    def _moved(self) -> None:
        self._tell()

    @on(Listing.Chosen, "#path")
    @on(Listing.Chosen, "#rules")
    @on(Topology.Chosen)
    def _chosen(self, event: Message) -> None:
        event.stop()
        self.jump()

    @on(Listing.Chosen, "#answer")
    def _answer_chosen(self, event: Listing.Chosen) -> None:
        key = event.key
        if isinstance(key, tuple) and key[0] == "ask":
            self.post_message(self.Suggested(key[1]))
        elif isinstance(key, tuple) and self.verdict:
            cause = self.verdict.told[key[1]]
            self._show_ref(cause.near_misses[key[2]].ref if key[0] == "near" else cause.at)

    def on_click(self, event: events.Click) -> None:
        """A pane that was clicked is the current one."""
        lineage = event.widget.ancestors_with_self if event.widget else ()
        name = next((one.id for one in lineage if one.id in NAMES), None)
        if name and name != self.current:
            self.go(name)

    def _light(self) -> None:
        """Shows the step under the path's cursor in the other panes."""
        found = self.step()
        scene = self.topology.full
        if found is None or self.snapshot is None or scene is None:
            self.topology.trace(Way(), None)
            self.rules.mark({})
            return
        leg, hop, step = found
        self.topology.trace(way(self.snapshot, scene, leg.trace), focus(self.snapshot, scene, hop, step))
        if step.ref is not None and step.ref.kind in (RefKind.RULE, RefKind.CHAIN):
            self._show_rules(step.ref.netns)
            self.rules.go(step.ref.key)
        self.rules.mark(rule_marks(leg.trace, self.rules.netns))

    def _show_rules(self, netns: str) -> None:
        """Shows the rules of a namespace."""
        if self.snapshot is not None and self.rules.look_at(self.snapshot, netns):
            self.retitle()

    def _show_answer(self) -> None:
        verdict, snapshot = self.verdict, self.snapshot
        if verdict is not None:
            self.answer.flow(lambda width: card(verdict, width, self.mended))
        elif snapshot is not None:
            self.answer.flow(lambda width: welcome(snapshot, width))

    def _jump_to_cause_of_step(self) -> str:
        found = self.step()
        if found is None:
            return "Ask a question first: w"
        _, hop, step = found
        if step.ref is not None and step.ref.kind in (RefKind.RULE, RefKind.CHAIN) and self._show_ref(step.ref):
            return ""
        scene = self.topology.full
        node = focus(self.snapshot, scene, hop, step) if self.snapshot and scene else None
        if node and self.topology.select(node):
            self.go("topology")
            return ""
        return "This step speaks of nothing that is shown"

    def _show_ref(self, ref: Ref) -> bool:
        """Goes to the rule or the node that a pointer means."""
        if ref.kind in (RefKind.RULE, RefKind.CHAIN):
            self._show_rules(ref.netns)
            if self.rules.go(ref.key):
                self.go("rules")
                return True
            return False
        scene = self.topology.full
        if scene is None:
            return False
        link = ref.kind in (RefKind.LINK, RefKind.NEIGHBOUR) and ref.key
        node = scene.devices.get((ref.netns, int(ref.key[0]))) if link else scene.of_netns(ref.netns)
        if node and self.topology.select(node):
            self.go("topology")
            return True
        return False

    def _step_about(self) -> StepKey | None:
        """The step that speaks of the selected rule or node; the path's cursor before all others."""
        fitting = [key for key in step_keys(self._legs) if self._speaks_of(key)]
        return next((key for key in fitting if key == self.path.cursor), fitting[0] if fitting else None)

    def _speaks_of(self, key: StepKey) -> bool:
        found = step_at(self._legs, key)
        if found is None:
            return False
        _, hop, step = found
        if self.current == "rules":
            return step.ref is not None and step.ref.netns == self.rules.netns and step.ref.key == self.rules.cursor
        scene, node = self.topology.full, self.topology.selected
        return bool(scene and node and self.snapshot and focus(self.snapshot, scene, hop, step) == node.id)

    @staticmethod
    def _row(listing: Listing) -> object:
        return next((row for row in listing.entries if row.key == listing.cursor), None)

    def _tell(self) -> None:
        """Says all about what is selected in the current pane."""
        text = ""
        node = self.topology.selected
        if self.current == "topology" and node:
            text = " · ".join(part for part in (node.label, node.detail, *node.facts) if part)
        elif self.current in ("rules", "path"):
            text = row_words(self._row(self.rules if self.current == "rules" else self.path))
        if self.current == "path" and (row := self._seen.get(self.path.cursor)):  # type: ignore[call-overload]
            text = " · ".join(part for part in (words(row), text) if part)
        self.post_message(self.Detail(text))
