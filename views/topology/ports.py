"""Draws a bridge with its ports: beside the trunk that it hangs on, or nested under its own row.

What a container tells beside its name stands in columns where a port takes one row, and below the name otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from views.text import Role, Span, cells, clip
from views.topology.drawing import Drawing
from views.topology.fitting import fitted, has_room
from views.topology.graph import Branch, Node, Switch
from views.topology.layout import WIDEST, Layout, first_of


def draw_switch(drawing: Drawing, switch: Switch, at: Layout, top: int) -> None:
    """The bridge from that row on."""
    rows = at.port_rows(switch, top)
    middle = top + at.middle(switch)
    trunk = at.trunk if switch.bridge is not None or not at.nested else at.host_end
    if switch.bridge is None:
        drawing.lines.across(middle, at.host_end, trunk, 1)
    else:
        (_nested_bridge if at.nested else _bridge)(drawing, switch, at, middle)
    more = (rows[-1] if rows else middle) + (2 if at.pitch > 1 and not at.nested else at.pitch)
    if rows:
        start = middle if at.nested else rows[0]
        drawing.lines.down(trunk, start, more if switch.hidden else rows[-1])
    for start, end in _trunk_pieces(drawing, switch, rows, middle):
        drawing.lines.down(trunk, start, end, 2)
    for y, port in zip(rows, switch.ports, strict=True):
        drawing.lines.across(y, trunk, at.end, drawing.weight(port.near.id))
        if at.port is not None:
            drawing.node(port.near, at.port, y, 4)
        _draw_end(drawing, port, at, y)
    if switch.hidden and switch.bridge:
        drawing.lines.across(more, trunk, trunk + 1)
        drawing.text(trunk + 3, more, clip(folded_words(switch.folded), at.width - trunk - 3), Role.DIM)


def folded_words(folded: Sequence[Branch]) -> str:
    """How many ports are folded, and of which Compose projects: `… 17 more (space): shop 12 · blog 4`."""
    groups = Counter(port.far.group for port in folded)
    named = " · ".join(f"{name} {count}" for name, count in groups.items() if name)
    return f"… {len(folded)} more (space)" + (f": {named}" if named else "")


def _bridge(drawing: Drawing, switch: Switch, at: Layout, middle: int) -> None:
    """Between the host and its trunk, with its address below."""
    bridge = switch.bridge
    if bridge is None:
        return
    drawing.lines.across(middle, at.host_end, at.bridge, drawing.weight(bridge.id))
    end = drawing.node(bridge, at.bridge, middle, 3, WIDEST, rows=2)
    drawing.text(at.bridge + 2, middle + 1, clip(bridge.detail, WIDEST), Role.DIM)
    if at.pitch > 1 and bridge.facts and len(switch.ports) > 1:
        drawing.text(at.bridge + 2, middle + 2, clip(str(bridge.facts[0]), at.trunk - at.bridge - 3), Role.DIM)
    if switch.ports:
        used = any(port.near.id in drawing.way.links for port in switch.ports)
        drawing.lines.across(middle, end, at.trunk, 2 if used and bridge.id in drawing.way.links else 1)
    else:
        drawing.text(end + 2, middle, "no container", Role.DIM)


def _nested_bridge(drawing: Drawing, switch: Switch, at: Layout, middle: int) -> None:
    """On a row of its own above its ports, with its address and its network."""
    bridge = switch.bridge
    if bridge is None:
        return
    drawing.lines.across(middle, at.host_end, at.bridge, drawing.weight(bridge.id))
    end = drawing.node(bridge, at.bridge, middle, 3, WIDEST)
    address = bridge.detail if end + 2 + cells(bridge.detail) <= at.width else first_of(bridge.detail)
    told = [word for word in (address, *map(str, bridge.facts)) if word]
    told += [] if switch.ports else ["no container"]
    for word in told:
        if word is address or end + 2 + cells(word) <= at.width:
            end = drawing.text(end + 2, middle, word, Role.DIM)


def _trunk_pieces(drawing: Drawing, switch: Switch, rows: list[int], middle: int) -> list[tuple[int, int]]:
    """The used pieces of a trunk: from each used port to the bridge; or, in a packet that was only bridged, between
    its two ports."""
    used = [y for y, port in zip(rows, switch.ports, strict=True) if port.near.id in drawing.way.links]
    if len(used) > 1 and switch.bridge is not None and switch.bridge.id not in drawing.way.links:
        return [(min(used), max(used))]
    return [(middle, y) for y in used]


def _draw_end(drawing: Drawing, port: Branch, at: Layout, y: int) -> None:
    """What is at the other end of a port: its name, its address, what it serves, and what passes it."""
    end = drawing.node(port.far, at.end, y, 5, at.name, rows=min(at.pitch, 2))
    rate = f"⇅ {drawing.look.rates[port.near.id]}" if port.near.id in drawing.look.rates else ""
    (_in_columns if at.pitch == 1 else _below)(drawing, port.far, rate, at, (end + 2, y))


def _in_columns(drawing: Drawing, far: Node, rate: str, at: Layout, cell: tuple[int, int]) -> None:
    """In the node's own row from a cell on. What passes it stands last, where that takes no room from the facts."""
    x, y = cell
    if far.detail:
        x = drawing.text(max(at.address, x), y, far.detail, Role.DIM) + 2
    x = max(at.facts, x)
    room = at.width - x
    left = room - len(rate) - 2
    shown = bool(rate) and has_room(far.facts, left)
    for row in fitted((), far.facts, left if shown else room, 1):
        x = _spans(drawing, x, y, row) + 2
    if shown:
        drawing.text(x, y, rate, Role.TRACED)


def _below(drawing: Drawing, far: Node, rate: str, at: Layout, cell: tuple[int, int]) -> None:
    """In the rows below the node's own; address and rate beside its name, where they fit."""
    x, y = cell
    lead = []
    for piece in (Span(far.detail, Role.DIM), Span(rate, Role.TRACED)):
        if piece.text and x + cells(piece.text) <= at.width:
            x = drawing.text(x, y, piece.text, piece.role) + 2
        elif piece.text:
            lead.append(piece)
    start = at.end + 2
    for below, row in enumerate(fitted(lead, far.facts, at.width - start, at.pitch - 1), y + 1):
        _spans(drawing, start, below, row)


def _spans(drawing: Drawing, x: int, y: int, spans: list[Span]) -> int:
    for span in spans:
        x = drawing.text(x, y, span.text, span.role)
    return x
