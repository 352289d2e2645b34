"""All containers of a large host in a few lines: a cell each, grouped by Compose project or else by bridge. Pure.

It shows what is folded or scrolled away in the picture above it: what is down, where the path is, what is selected.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.records import dataclass
from views.text import Role, Span, Spans, cells, clip
from views.topology.drawing import STATE_ROLES
from views.topology.graph import Node, Scene
from views.topology.way import Way

#: From more containers than these on there is a map, of at most so many rows.
MORE_THAN, ROWS_MOST = 50, 4
#: The cells of a group's name, and between two groups.
NAME_MOST, GAP = 14, 2

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MiniMap:
    """The rows, and the node that each cell (x, y) stands for."""

    rows: tuple[Spans, ...] = ()
    at: dict[Cell, str] | None = None


def minimap(full: Scene, way: Way, selected: str | None, width: int) -> MiniMap:
    """The map of a scene, nothing folded; without rows where it has few containers."""
    groups = _groups(full)
    if sum(map(len, groups.values())) <= MORE_THAN or width < 2 * NAME_MOST:
        return MiniMap()
    rows: list[list[Span]] = [[]]
    at: dict[Cell, str] = {}
    x = 0
    for place, (name, nodes) in enumerate(groups.items()):
        label = clip(name, NAME_MOST)
        if x and x + cells(label) + 1 + min(len(nodes), NAME_MOST) > width:
            rows.append([])
            x = 0
        if len(rows) > ROWS_MOST:
            rows.pop()
            rows[-1] = _cut(rows[-1], f" … {len(groups) - place} more groups", width)
            break
        rows[-1].append(Span(f"{label} ", Role.DIM))
        x += cells(label) + 1
        for node in nodes:
            if x >= width:
                rows.append([])
                x = 0
            at[x, len(rows) - 1] = node.id
            rows[-1].append(_cell(node, way, selected))
            x += 1
        rows[-1].append(Span(" " * GAP))
        x += GAP
    return MiniMap(tuple(map(tuple, rows[:ROWS_MOST])), at)


def _groups(full: Scene) -> dict[str, list[Node]]:
    """The containers by the project that they are of, else by their bridge; each once."""
    found: dict[str, list[Node]] = {}
    for name, node in _once(full):
        found.setdefault(name, []).append(node)
    return found


def _once(full: Scene) -> Iterator[tuple[str, Node]]:
    seen: set[str] = set()
    for switch in full.switches:
        for port in switch.ports:
            ref = port.far.ref
            if ref is not None and ref.netns not in seen:
                seen.add(ref.netns)
                yield port.far.group or (switch.bridge.label if switch.bridge else "host"), port.far


def _cell(node: Node, way: Way, selected: str | None) -> Span:
    if node.id == way.stop:
        return Span("✗", Role.BAD)
    if node.id == selected:
        return Span("▶", Role.FOCUS)
    if node.id == way.wanted:
        return Span("◎", Role.BAD)
    on_way = node.id in way.links or node.id in way.entered
    return Span(node.state.value, Role.FOCUS if on_way else STATE_ROLES[node.state])


def _cut(row: list[Span], words: str, width: int) -> list[Span]:
    """The row with words at its end."""
    kept = list(row)
    while kept and sum(cells(span.text) for span in kept) + cells(words) > width:
        kept.pop()
    return [*kept, Span(words, Role.DIM)]
