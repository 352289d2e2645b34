"""A drawing on its way to a picture: lines below, texts on top of them, and where each node came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from views.text import Role, cells, squeeze
from views.topology.box import Lines
from views.topology.flight import MARK, Flight
from views.topology.graph import Node, State
from views.topology.picture import Place, Text
from views.topology.way import Way

STATE_ROLES = {State.UP: Role.GOOD, State.DOWN: Role.WARN, State.UNKNOWN: Role.DIM}


@dataclass(frozen=True, slots=True)
class Look:
    """What is added to a scene: the selected node, the node that the current step speaks of, what passes each device of
    the host now, in words by its node, and the packet that walks."""

    selected: str | None = None
    focus: str | None = None
    rates: Mapping[str, str] = field(default_factory=dict)
    flight: Flight | None = None


@dataclass
class Drawing:
    """The state of one drawing: lines below, texts on top of them, places, and the cell of each node's mark."""

    way: Way
    look: Look
    lines: Lines = field(default_factory=Lines)
    texts: dict[int, list[Text]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    marks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def text(self, x: int, y: int, text: str, role: Role = Role.PLAIN) -> int:
        """Puts text on the drawing; the cell after it."""
        self.texts.setdefault(y, []).append((x, text, role))
        return x + cells(text)

    def weight(self, *links: str) -> int:
        """Heavy when the traced packet used all of these links."""
        return 2 if links and all(link in self.way.links for link in links) else 1

    def node(self, node: Node, x: int, y: int, column: int, room: int = 0, *, rows: int = 1) -> int:  # noqa: PLR0913
        """A node's mark and label; the cell after it. `room` cuts the label, `rows` are those that the pointer
        finds it in."""
        mark, role = node.state.value, STATE_ROLES[node.state]
        if node.id == self.way.stop:
            mark, role = "✗", Role.BAD
        elif node.id == self.way.wanted:
            mark, role = "◎", Role.BAD
        if self.look.flight is not None and node.id == self.look.flight.node and not self.look.flight.fell:
            mark, role = MARK, Role.FOCUS if self.look.flight.changed else Role.TRACED
        on_way = node.id in self.way.links or node.id in self.way.entered
        label_role = Role.TRACED if on_way else Role.STRONG if node.id == self.look.selected else Role.PLAIN
        if node.id == self.look.focus:
            label_role = Role.FOCUS
        self.text(x, y, mark, role)
        self.text(x + 1, y, "▶" if node.id == self.look.selected else " ", Role.STRONG)
        self.marks[node.id] = (x, y)
        label = squeeze(node.label, room) if room else node.label
        end = self.text(x + 2, y, label, label_role)
        self.text(end, y, " ")
        self.places[node.id] = Place(x, y, end - x, column, rows)
        return end
