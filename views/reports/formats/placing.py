"""Where the nodes of the graph stand on a sheet: columns from the outside in, in pixels.

Pure. Outside and uplinks are left, then the host, its bridges, and what hangs on them; namespaces that hang on none
of these stand in a column of their own at the right. A bridge stands at the middle of its own ends, a namespace in
two bridges beside the first one. Text is measured by characters, with the width of the sans-serif fonts that
browsers have.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.records import dataclass
from views.text import cells
from views.topology.network import Graph, Place, Spot

LINE, PADDING, GAP, MARGIN = 16, 8, 14, 20
CHARACTER, COLUMN_GAP, LEAST, MOST = 8, 150, 90, 480
#: Lines of a box; what is more is told in the tables.
LINES = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A node's place: the left upper corner and the size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """The height at which wires end."""
        return self.y + self.height // 2


@dataclass(frozen=True, slots=True)
class Placing:
    """A box for each node, and the size of the sheet."""

    boxes: dict[str, Box]
    width: int
    height: int


def place(graph: Graph) -> Placing:
    """The places of all nodes."""
    columns = _columns(graph)
    x, boxes = MARGIN, {}
    heights = [_stack_height(column) for column in columns]
    tallest = max(heights, default=0)
    for column, height in zip(columns, heights, strict=True):
        if not column:
            continue
        width = max(_width(spot) for spot in column)
        y = MARGIN + (tallest - height) // 2
        for spot in column:
            boxes[spot.id] = Box(x, y, width, _height(spot))
            y += _height(spot) + GAP
        x += width + COLUMN_GAP
    _centre_bridges(graph, boxes)
    bottom = max((box.y + box.height for box in boxes.values()), default=0)
    return Placing(boxes, max(x - COLUMN_GAP, 0) + MARGIN, bottom + MARGIN)


def lines_of(spot: Spot) -> tuple[str, ...]:
    """The lines below a node's name: the first few of them, and where the packet stops."""
    stop = (f"✗ {spot.stop}",) if spot.stop else ()
    if len(spot.lines) <= LINES:
        return (*spot.lines, *stop)
    return (*spot.lines[: LINES - 1], f"and {len(spot.lines) - LINES + 1} more", *stop)


def _columns(graph: Graph) -> list[list[Spot]]:
    spots = {spot.id: spot for spot in graph.spots}
    host = {spot.id for spot in graph.spots if spot.place is Place.HOST}
    bridges = {spot.id for spot in graph.spots if spot.place is Place.BRIDGE}
    left = {wire.one for wire in graph.wires if wire.other in host}
    ends = {wire.other for wire in graph.wires if wire.one in host | bridges} - bridges - left
    rest = set(spots) - left - host - bridges - ends
    return [[spot for spot in graph.spots if spot.id in group] for group in (left, host, bridges, ends, rest)]


def _centre_bridges(graph: Graph, boxes: dict[str, Box]) -> None:
    """Moves each bridge to the middle of its ends, one below the other where they would meet."""
    floor = 0
    for spot in graph.spots:
        if spot.place is not Place.BRIDGE:
            continue
        box = boxes[spot.id]
        ends = [boxes[wire.other].middle for wire in graph.wires if wire.one == spot.id]
        y = (min(ends) + max(ends)) // 2 - box.height // 2 if ends else box.y
        y = max(y, floor, MARGIN)
        boxes[spot.id] = Box(box.x, y, box.width, box.height)
        floor = y + box.height + GAP


def _stack_height(column: Iterable[Spot]) -> int:
    return sum(_height(spot) + GAP for spot in column)


def _height(spot: Spot) -> int:
    return 2 * PADDING + LINE * (1 + len(lines_of(spot)))


def _width(spot: Spot) -> int:
    longest = max(cells(line) for line in (spot.label, *lines_of(spot)))
    return min(max(longest * CHARACTER + 2 * PADDING, LEAST), MOST)
