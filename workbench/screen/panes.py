"""The four panes together: what a click or a key in one of them does in the others.

What they show is in `shown`. A row of the path leads to its rule or link, and from there back; a row of the answer to
the place that it speaks of, or to the question that it offers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual import events, on
from textual.message import Message

from engine.model.ref import Ref, RefKind
from views.listing import Listing
from views.nat.detail import rule_lines
from views.nat.ghosts import GhostRow
from views.nat.rows import ChainRow, RuleRow
from views.path.detail import step_lines
from views.path.rows import StepKey, step_at, step_keys
from views.path.seen import words
from views.text import Line
from views.topology.detail import node_lines
from views.topology.graph import Node
from views.topology.way import focus
from views.topology.widget import Topology
from views.verdict.ask import Ask, about_node, about_rule, outside_source
from views.verdict.detail import row_lines
from workbench.actions import ASK_FIRST
from workbench.screen.cross_pane import met_words, near_words
from workbench.screen.shown import NAMES
from workbench.screen.walked import Walked

__all__ = ["NAMES", "Panes"]
#: What a step refers to itself, where others refer to the place that they happen at.
_SHOWN = (RefKind.RULE, RefKind.CHAIN, RefKind.FILE)


class Panes(Walked):
    """The panes, and the ways between them."""

    def jump(self) -> str:
        """From a step to what it speaks of, or from there back to it. Says why not, where it cannot."""
        if self.current == "path":
            return self._jump_to_cause_of_step()
        if self.current == "answer":
            self.answer.choose()
            return ""
        if self.verdict is None:
            return ASK_FIRST
        found = self._step_about()
        if found is None:
            return "The packet does not pass this"
        self.path.go(found)
        self._light()
        self.go("path")
        return ""

    def details(self) -> Callable[[int], list[Line]] | None:
        """All about what is selected in the current pane, as lines for a width; None where nothing is."""
        found, row, node = self.step(), self._row(self.rules), self.topology.selected
        if self.current == "path" and found is not None:
            _, hop, step = found
            seen = self._seen.get(self.path.cursor)  # type: ignore[call-overload]
            return lambda width: step_lines(hop, step, width, words(seen) if seen else "")
        if self.current == "rules" and isinstance(row, RuleRow):
            near = near_words(self.verdict, self.rules.netns, row.key)
            flaw = self.flaws().get(row.key)
            met = met_words(self._legs, self.rules.netns, row.key)
            return lambda width: rule_lines(row, width, near, flaw.sentence if flaw is not None else "", met)
        if self.current == "topology" and node is not None:
            return partial(node_lines, node, self.cut_off(node))
        verdict, chosen = self.verdict, self.answer.cursor
        if self.current == "answer" and verdict is not None and row_lines(verdict, chosen, 1):
            return lambda width: row_lines(verdict, chosen, width)
        return None

    def show_node(self, node: str) -> None:
        """Goes to a node of the topology."""
        if self.topology.select(node):
            self.go("topology")

    def show_chain(self, row: ChainRow) -> None:
        """Goes to a chain of the tables: its first rule, else itself."""
        rows = list(self.rules.entries)
        at = next((number for number, each in enumerate(rows) if each == row), len(rows))
        first = next((each for each in rows[at + 1 : at + 2] if each.key is not None), row)
        if first.key is not None and self.rules.go(first.key):
            self.go("rules")

    def cut_off(self, node: Node) -> tuple[str, ...]:
        """The places that have no way out without a node of the topology."""
        from views.topology.cut_off import cut_off_without  # noqa: PLC0415 - networkx is not loaded for a first picture
        from views.topology.network import graph, place_id  # noqa: PLC0415

        return cut_off_without(graph(self.snapshot), place_id(node)) if self.snapshot is not None else ()

    def pointed(self) -> Ref | None:
        """What the cursor of the current pane is on: the rule or chain, what decided the step, the device, or what a
        cause of the answer is about."""
        if self.current == "path":
            found = self.step()
            return found[2].ref if found is not None else None
        if self.current == "topology":
            node = self.topology.selected
            return node.ref if node is not None else None
        row, chosen = self._row(self.rules), self.answer.cursor
        if self.current == "rules":
            if not isinstance(row, RuleRow | ChainRow) or row.key is None:
                return None
            kind = RefKind.RULE if isinstance(row, RuleRow) else RefKind.CHAIN
            return Ref(kind, self.rules.netns, row.key, row.words)
        told = self.verdict.told if self.verdict is not None else ()
        if isinstance(chosen, tuple) and chosen[0] in ("cause", "near", "fix") and chosen[1] < len(told):
            return told[chosen[1]].at
        return None

    def ghost(self) -> int | None:
        """The number of what is supposed, where the cursor is on the rule that is supposed to be gone."""
        row = self._row(self.rules)
        return row.number if self.current == "rules" and isinstance(row, GhostRow) else None

    def suggestion(self, source: str) -> Ask | None:
        """The question that the selected thing suggests to who asks from there."""
        node = self.topology.selected
        if self.snapshot is None:
            return None
        if self.current == "rules":
            row = self._row(self.rules)
            return about_rule(self.snapshot, row.rule) if isinstance(row, RuleRow) else None
        if node is None or node.ref is None:
            return None
        outside = source != "host" and source == outside_source(self.snapshot)
        return about_node(self.snapshot, node.ref, outside=outside)

    @on(Listing.Moved, "#path")
    def _path_moved(self) -> None:
        self.topology.fly(None)
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

    def _jump_to_cause_of_step(self) -> str:
        found = self.step()
        if found is None:
            return ASK_FIRST
        _, hop, step = found
        if step.ref is not None and step.ref.kind in _SHOWN and self._show_ref(step.ref):
            return ""
        scene = self.topology.full
        node = focus(self.snapshot, scene, hop, step) if self.snapshot and scene else None
        if node and self.topology.select(node):
            self.go("topology")
            return ""
        return "This step refers to nothing on the screen"

    def _show_ref(self, ref: Ref) -> bool:
        """Goes to the rule or the node that a pointer means, or asks for the file."""
        if ref.kind is RefKind.FILE:
            self.post_message(self.FileChosen(ref))
            return True
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
