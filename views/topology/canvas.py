"""Lays a scene out in columns and draws it into a picture: outside, uplink, host, bridge, port, container.

Pure and deterministic: the same scene, size and way give the same cells. Where things are is up to `layout`; a
picture that is too large for its pane is scrolled, never squeezed. Lines come first and join by themselves
(`box`), texts lie on top of them. The traced path is heavy; a stop has a ✗ and its reason in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from views.text import Role, Span, clip
from views.topology.box import Lines
from views.topology.fitting import fitted
from views.topology.graph import FORWARDING, Branch, Node, Scene, State, Switch
from views.topology.layout import (
    HEADS,
    WIDEST,
    Columns,
    axis_row,
    columns_for,
    middle_row,
    pitch_for,
    rows_of,
    switch_rows,
    widest,
)
from views.topology.picture import Picture, Place, Text
from views.topology.way import Way

STATE_ROLES = {State.UP: Role.GOOD, State.DOWN: Role.WARN, State.UNKNOWN: Role.DIM}


@dataclass(frozen=True, slots=True)
class Look:
    """What is added to a scene: the selected node, the node that the current step speaks of, and what passes each
    device of the host now, in words by its node."""

    selected: str | None = None
    focus: str | None = None
    rates: Mapping[str, str] = field(default_factory=dict)


NO_WAY, NO_LOOK = Way(), Look()


@dataclass
class _Drawing:
    """The state of one drawing: lines below, texts on top of them, places."""

    way: Way
    look: Look
    lines: Lines = field(default_factory=Lines)
    texts: dict[int, list[Text]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def text(self, x: int, y: int, text: str, role: Role = Role.PLAIN) -> int:
        """Puts text on the drawing; the cell after it."""
        self.texts.setdefault(y, []).append((x, text, role))
        return x + len(text)

    def weight(self, *links: str) -> int:
        """Heavy when the traced packet used all of these links."""
        return 2 if links and all(link in self.way.links for link in links) else 1

    def node(self, node: Node, x: int, y: int, column: int, room: int = 0) -> int:
        """A node's mark and label; the cell after it. `room` cuts the label."""
        mark, role = node.state.value, STATE_ROLES[node.state]
        if node.id == self.way.stop:
            mark, role = "✗", Role.BAD
        if node.id == self.look.selected:
            mark, role = "▶", Role.STRONG
        on_way = node.id in self.way.links or node.id in self.way.entered
        label_role = Role.TRACED if on_way else Role.STRONG if node.id == self.look.selected else Role.PLAIN
        if node.id == self.look.focus:
            label_role = Role.FOCUS
        self.text(x, y, f"{mark} ", role)
        label = clip(node.label, room) if room else node.label
        end = self.text(x + 2, y, label, label_role)
        self.text(end, y, " ")
        self.places[node.id] = Place(x, y, end - x, column, 2 if node.detail or node.facts else 1)
        return end


def draw(scene: Scene, width: int, height: int, way: Way = NO_WAY, look: Look = NO_LOOK) -> Picture:
    """Draws the scene for a pane of that size (it may come out larger)."""
    pitch = pitch_for(scene, height - 3)
    columns = columns_for(scene, width, pitch)
    drawing = _Drawing(way, look)
    body = max(rows_of(scene, pitch), 3)
    top, bottom = 1, body
    _heads(drawing, scene, columns)
    axis = axis_row(scene, pitch, top, bottom)
    _draw_host(drawing, scene, columns, (top, axis, bottom))
    y = top + 1
    for switch in scene.switches:
        _draw_switch(drawing, switch, columns, y, pitch)
        y += switch_rows(switch, pitch) + 1
    _draw_uplinks(drawing, scene, columns, (top, axis, bottom))
    foot = bottom + 1
    if way.words:
        words = f"✗ {way.words}"
        drawing.text(max(min(columns.host, width - len(words)), 0), foot, words, Role.BAD)
        foot += 1
    _draw_elsewhere(drawing, scene, foot, width)
    return Picture(drawing.lines, drawing.texts, drawing.places)


def _heads(drawing: _Drawing, scene: Scene, columns: Columns) -> None:
    starts = [0, columns.uplink, columns.host, columns.bridge, columns.port, columns.end]
    shown = {2}
    if scene.uplinks:
        shown |= {0, 1}
    if any(switch.bridge for switch in scene.switches):
        shown.add(3)
    if any(switch.ports for switch in scene.switches):
        shown |= {4, 5}
    for column, start in enumerate(starts):
        if column in shown and start is not None:
            drawing.text(start, 0, (*HEADS, scene.inhabitants)[column], Role.DIM)


def _draw_host(drawing: _Drawing, scene: Scene, columns: Columns, rows: tuple[int, int, int]) -> None:
    """The host's box from the first of the three rows to the last, its name on the one between."""
    top, axis, bottom = rows
    host = scene.host
    drawing.lines.box(columns.host, top, columns.host_end, bottom, 2 if host.id in drawing.way.entered else 1)
    room = columns.host_end - columns.host - 3
    drawing.node(host, columns.host + 2, axis, 2, room - 2)
    shown = [fact for fact in host.facts if fact is not FORWARDING or len(str(fact)) <= room]
    for y, fact in zip(range(axis + 1, bottom), shown, strict=False):
        drawing.text(columns.host + 2, y, clip(str(fact), room), Role.WARN if fact.amiss else Role.DIM)
    drawing.places[host.id] = Place(columns.host, top, columns.host_end - columns.host + 1, 2, bottom - top + 1)


def _draw_switch(drawing: _Drawing, switch: Switch, columns: Columns, top: int, pitch: int) -> None:
    shown = len(switch.ports)
    first, last = top, top + max(shown - 1, 0) * pitch
    more = last + pitch if pitch == 1 else last + 2
    middle = top + middle_row(switch, pitch)
    bridge = switch.bridge
    if bridge is None:
        drawing.lines.across(middle, columns.host_end, columns.trunk, 1)
    else:
        drawing.lines.across(middle, columns.host_end, columns.bridge, drawing.weight(bridge.id))
        end = drawing.node(bridge, columns.bridge, middle, 3, WIDEST)
        drawing.text(columns.bridge + 2, middle + 1, clip(bridge.detail, WIDEST), Role.DIM)
        if pitch > 1 and bridge.facts and shown > 1 and not columns.tight:
            drawing.text(
                columns.bridge + 2, middle + 2, clip(str(bridge.facts[0]), columns.trunk - columns.bridge - 3), Role.DIM
            )
        if not switch.ports:
            drawing.text(end + 2, middle, "no container", Role.DIM)
            return
        drawing.lines.across(middle, end, columns.trunk, _trunk_weight(drawing, switch))
    drawing.lines.down(columns.trunk, first, more if switch.hidden else last)
    rows = [top + number * pitch for number in range(shown)]
    for start, end in _trunk_pieces(drawing, switch, rows, middle):
        drawing.lines.down(columns.trunk, start, end, 2)
    for y, port in zip(rows, switch.ports, strict=True):
        _draw_port(drawing, port, columns, y, pitch)
    if switch.hidden and bridge:
        drawing.lines.across(more, columns.trunk, columns.trunk + 1)
        drawing.text(columns.trunk + 3, more, f"… {switch.hidden} more (space)", Role.DIM)


def _trunk_weight(drawing: _Drawing, switch: Switch) -> int:
    """The piece between a bridge and its trunk is on the way when the packet went through the bridge device."""
    used = any(port.near.id in drawing.way.links for port in switch.ports)
    return 2 if switch.bridge and switch.bridge.id in drawing.way.links and used else 1


def _trunk_pieces(drawing: _Drawing, switch: Switch, rows: list[int], middle: int) -> list[tuple[int, int]]:
    """The used pieces of a trunk: from each used port to the bridge; or, in a packet that was only bridged, between
    its two ports."""
    used = [y for y, port in zip(rows, switch.ports, strict=True) if port.near.id in drawing.way.links]
    if len(used) > 1 and switch.bridge is not None and switch.bridge.id not in drawing.way.links:
        return [(min(used), max(used))]
    return [(middle, y) for y in used]


def _draw_port(drawing: _Drawing, port: Branch, columns: Columns, y: int, pitch: int) -> None:
    weight = drawing.weight(port.near.id)
    drawing.lines.across(y, columns.trunk, columns.end, weight)
    if columns.port is not None:
        drawing.node(port.near, columns.port, y, 4)
    far = port.far
    end = drawing.node(far, columns.end, y, 5)
    rate = f"⇅ {drawing.look.rates[port.near.id]}" if port.near.id in drawing.look.rates else ""
    below = []
    for words, role in ((far.detail, Role.DIM), (rate, Role.TRACED)):
        if words and (pitch == 1 or end + 2 + len(words) <= columns.width):
            end = drawing.text(end + 2, y, words, role)
        elif words:
            below.append(Span(words, role))
    start, first, rows = (end + 2, y, 1) if pitch == 1 else (columns.end + 2, y + 1, pitch - 1)
    for row, spans in enumerate(fitted(below, far.facts, columns.width - start, rows), first):
        x = start
        for span in spans:
            x = drawing.text(x, row, span.text, span.role)


def _draw_uplinks(drawing: _Drawing, scene: Scene, columns: Columns, rows: tuple[int, int, int]) -> None:
    """The uplinks around the host's own row, as far apart as the box allows, at most three rows."""
    top, axis, bottom = rows
    count = len(scene.uplinks)
    step = min(max((bottom - top - 1) // max(count, 1), 2), 3)
    start = max(min(axis - (count - 1) * step // 2, bottom - 2 - (count - 1) * step), top + 1)
    for number, branch in enumerate(scene.uplinks):
        y = start + number * step
        drawing.lines.across(y, 0, columns.host, drawing.weight(branch.near.id))
        drawing.node(branch.far, 0, y, 0, WIDEST)
        drawing.node(branch.near, columns.uplink, y, 1, WIDEST)
        if branch.near.id in drawing.look.rates:
            rate = f"⇅ {drawing.look.rates[branch.near.id]}"
            drawing.text(max(columns.host - 1 - len(rate), 0), y - 1, rate, Role.TRACED)
        address = clip(branch.near.detail, WIDEST)
        if columns.tight:
            drawing.text(columns.host - 1 - len(address), y + 1, address, Role.DIM)
            continue
        drawing.text(columns.uplink + 2, y + 1, address, Role.DIM)
        drawing.text(2, y + 1, clip(branch.far.detail, WIDEST), Role.DIM)


def _draw_elsewhere(drawing: _Drawing, scene: Scene, top: int, width: int) -> None:
    """Links past the host, and the namespaces that nothing leads to."""
    y = top
    if scene.elsewhere or scene.alone or scene.unread:
        y += 1
        drawing.text(0, y, "NOT CONNECTED TO THIS HOST", Role.DIM)
    near = widest([branch.near for branch in scene.elsewhere], 2 * WIDEST)
    for branch in scene.elsewhere:
        y += 1
        drawing.lines.across(y, 2, near + 6, drawing.weight(branch.near.id))
        drawing.node(branch.near, 0, y, 0, 2 * WIDEST)
        end = drawing.node(branch.far, near + 6, y, 3)
        drawing.text(end + 2, y, branch.far.detail, Role.DIM)
    if scene.hidden_elsewhere:
        y += 1
        drawing.text(2, y, f"… {scene.hidden_elsewhere} more links between other namespaces", Role.DIM)
    for words, names, role in (
        ("without any link", scene.alone, Role.DIM),
        ("could not be entered", scene.unread, Role.WARN),
    ):
        if names:
            y += 1
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            drawing.text(0, y, clip(f"{words}: {', '.join(names[:6])}{more}", width), role)
