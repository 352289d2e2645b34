"""Lays a scene out in columns and draws it into a picture: outside, uplink, host, bridge, port, container.

Pure and deterministic: the same scene, size and way give the same cells. Where things are is up to `layout`; a
picture that is too large for its pane is scrolled, never squeezed. Lines come first and join by themselves
(`box`), texts lie on top of them. The traced path is heavy; a stop has a ✗ and its reason in words.
"""

from __future__ import annotations

from views.text import Role, cells, clip
from views.topology.drawing import Drawing, Look
from views.topology.flight import FALLEN
from views.topology.graph import FORWARDING, Scene
from views.topology.layout import HEADS, WIDEST, Layout, first_of, layout_for, widest
from views.topology.picture import Picture, Place
from views.topology.ports import draw_switch
from views.topology.way import Way

NO_WAY, NO_LOOK = Way(), Look()


def draw(scene: Scene, width: int, height: int, way: Way = NO_WAY, look: Look = NO_LOOK) -> Picture:
    """Draws the scene for a pane of that size (it may come out larger)."""
    layout = layout_for(scene, width, height - 3)
    drawing = Drawing(way, look)
    top, bottom = 1, max(layout.height(scene), 3)
    rows = (top, layout.axis(scene, top, bottom), bottom)
    _heads(drawing, scene, layout)
    _draw_host(drawing, scene, layout, rows)
    y = top + 1
    for switch in scene.switches:
        draw_switch(drawing, switch, layout, y)
        y += layout.rows(switch) + layout.gap
    _draw_uplinks(drawing, scene, layout, rows)
    foot = bottom + 1
    if way.words:
        words = f"✗ {way.words}"
        drawing.text(max(min(layout.host, width - cells(words)), 0), foot, words, Role.BAD)
        foot += 1
    _draw_elsewhere(drawing, scene, foot, width)
    fallen = drawing.look.flight
    if fallen is not None and fallen.fell and fallen.node in drawing.marks:
        x, at = drawing.marks[fallen.node]
        drawing.text(x, at + fallen.fell, FALLEN, Role.BAD)
    return Picture(drawing.lines, drawing.texts, drawing.places)


def _heads(drawing: Drawing, scene: Scene, layout: Layout) -> None:
    bridges, ports = any(one.bridge for one in scene.switches), any(one.ports for one in scene.switches)
    shown = (bool(scene.uplinks),) * 2 + (True, bridges, ports, ports)
    starts = (0, layout.uplink, layout.host, layout.bridge, layout.port, layout.end)
    heads = [*HEADS, scene.inhabitants]
    if layout.nested and bridges:
        heads[3:] = [f"BRIDGE · {scene.inhabitants}" if ports else "BRIDGE"]
    for word, start, there in zip(heads, starts, shown, strict=False):
        if there and start is not None:
            drawing.text(start, 0, word, Role.DIM)


def _draw_host(drawing: Drawing, scene: Scene, layout: Layout, rows: tuple[int, int, int]) -> None:
    """The host's box from the first of the three rows to the last, its name on the one between."""
    top, axis, bottom = rows
    host = scene.host
    drawing.lines.box(layout.host, top, layout.host_end, bottom, 2 if host.id in drawing.way.entered else 1)
    room = layout.host_end - layout.host - 3
    drawing.node(host, layout.host + 2, axis, 2, room - 2)
    shown = [fact for fact in host.facts if fact is not FORWARDING or cells(str(fact)) <= room]
    for y, fact in zip(range(axis + 1, bottom), shown, strict=False):
        drawing.text(layout.host + 2, y, clip(str(fact), room), Role.WARN if fact.amiss else Role.DIM)
    drawing.places[host.id] = Place(layout.host, top, layout.host_end - layout.host + 1, 2, bottom - top + 1)


def _draw_uplinks(drawing: Drawing, scene: Scene, layout: Layout, rows: tuple[int, int, int]) -> None:
    """The uplinks around the host's own row, as far apart as the box allows, at most three rows."""
    top, axis, bottom = rows
    count = len(scene.uplinks)
    step = min(max((bottom - top - 1) // max(count, 1), 2), 3)
    start = max(min(axis - (count - 1) * step // 2, bottom - 2 - (count - 1) * step), top + 1)
    for number, branch in enumerate(scene.uplinks):
        y = start + number * step
        drawing.lines.across(y, 0, layout.host, drawing.weight(branch.near.id))
        drawing.node(branch.far, 0, y, 0, WIDEST, rows=2)
        drawing.node(branch.near, layout.uplink, y, 1, WIDEST, rows=2)
        if branch.near.id in drawing.look.rates:
            rate = f"⇅ {drawing.look.rates[branch.near.id]}"
            drawing.text(max(layout.host - 1 - len(rate), 0), y - 1, rate, Role.TRACED)
        address = clip(branch.near.detail, WIDEST)
        if layout.nested:
            address = address if cells(address) < layout.host - 1 else first_of(address)
            drawing.text(layout.host - 1 - cells(address), y + 1, address, Role.DIM)
            continue
        drawing.text(layout.uplink + 2, y + 1, address, Role.DIM)
        drawing.text(2, y + 1, clip(branch.far.detail, WIDEST), Role.DIM)


def _draw_elsewhere(drawing: Drawing, scene: Scene, top: int, width: int) -> None:
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
        ("not inspected", scene.unread, Role.WARN),
    ):
        if names:
            y += 1
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            drawing.text(0, y, clip(f"{words}: {', '.join(names[:6])}{more}", width), role)
