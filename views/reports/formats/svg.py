"""The topology as SVG 1.1: a picture for a page, a ticket, or a browser, without any outside request.

Nothing is told by colour alone: what is down is dashed and says so, the traced way is thick, and where the packet
stops there is a cross with the reason. The picture has a title and a description for those who do not see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from views.reports.formats.names import short_ids, xml
from views.reports.formats.placing import CHARACTER, LINE, PADDING, Box, Placing, lines_of, place
from views.text import clip
from views.topology.network import Graph, Place, Spot, Wire

STYLE = """\
.portscope text{font:12px "Helvetica Neue",Arial,"Liberation Sans",sans-serif;fill:#1a1a1a}
.portscope .name{font-weight:bold}
.portscope .box{fill:#fff;stroke:#555;stroke-width:1.2}
.portscope .host .box{fill:#e8eef7}.portscope .bridge .box{fill:#eaf4ea}.portscope .outside .box{fill:#f4f4f4}
.portscope .wire{fill:none;stroke:#555;stroke-width:1.2}
.portscope .down .box,.portscope .wire.down{stroke-dasharray:5 4}
.portscope .traced .box,.portscope .wire.traced{stroke:#0b5cad;stroke-width:3.5}
.portscope .stop .box{stroke:#b00020;stroke-width:3.5}
.portscope .cross{fill:#b00020;font-weight:bold}
.portscope .label{font-size:11px;fill:#444;paint-order:stroke;stroke:#fff;stroke-width:4px}
.portscope .found .box{fill:#fff3b0}"""


def render(graph: Graph) -> str:
    """One SVG document."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + element(graph) + "\n"


def element(graph: Graph) -> str:
    """The `svg` element alone, for a page of HTML."""
    placing = place(graph)
    width, height = placing.width, placing.height
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="portscope" role="img" aria-labelledby="topology-title '
            f'topology-text" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
            '<title id="topology-title">Topology</title>',
            f'<desc id="topology-text">{xml(describe(graph))}</desc>',
            f"<style>{STYLE}</style>",
            *_wires(graph, placing),
            *_spots(graph, placing),
            "</svg>",
        ]
    )


def describe(graph: Graph) -> str:
    """The picture in words: how many of what, and where the packet stops."""
    names: dict[Place, list[str]] = {}
    for spot in graph.spots:
        names.setdefault(spot.place, []).append(spot.label)
    told = ", ".join(f"{len(found)} × {where} ({', '.join(found[:12])})" for where, found in names.items())
    stops = [spot.stop for spot in graph.spots if spot.stop]
    return f"{told}. The packet {stops[0]}." if stops else f"{told}."


def _wires(graph: Graph, placing: Placing) -> Iterator[str]:
    """All wires. A label stands at the end that has fewer of them."""
    ends = Counter(end for wire in graph.wires for end in (wire.one, wire.other))
    for wire in graph.wires:
        one, other = placing.boxes[wire.one], placing.boxes[wire.other]
        yield _wire(wire, one, other, at=one if ends[wire.one] < ends[wire.other] else other)


def _wire(wire: Wire, one: Box, other: Box, at: Box) -> str:
    left, right = (one, other) if one.x <= other.x else (other, one)
    x1, y1, x2, y2 = left.x + left.width, left.middle, right.x, right.middle
    if left.x == right.x:
        x2 = right.x + right.width
    bend = (x1 + x2) // 2 if left.x != right.x else x1 + 40
    classes = " ".join(["wire", *([] if wire.up else ["down"]), *(["traced"] if wire.traced else [])])
    path = f'<path class="{classes}" d="M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"/>'
    if not wire.label:
        return path
    words = wire.label if wire.up else f"{wire.label} (down)"
    anchor = f'x="{x2 - 6}" y="{y2 - 5}" text-anchor="end"' if at is right else f'x="{x1 + 6}" y="{y1 - 5}"'
    if left.x == right.x:
        anchor = f'x="{bend + 6}" y="{(y1 + y2) // 2}"'
    return f'{path}<text class="label" {anchor}>{xml(words)}</text>'


def _spots(graph: Graph, placing: Placing) -> Iterator[str]:
    ids = short_ids(graph)
    for spot in graph.spots:
        yield _spot(spot, ids[spot.id], placing.boxes[spot.id])


def _spot(spot: Spot, name: str, box: Box) -> str:
    states = [str(spot.place), *([] if spot.up else ["down"]), *(["traced"] if spot.traced else [])]
    states += ["stop"] if spot.stop else []
    room = (box.width - PADDING) // CHARACTER
    x, y = box.x + PADDING, box.y + PADDING + 12
    label = spot.label if spot.up else f"{spot.label} (down)"
    parts = [
        f'<g id="{name}" class="{" ".join(states)}">',
        f"<title>{xml('; '.join((spot.label, *spot.lines)))}</title>",
        f'<rect class="box" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="{_radius(spot)}"/>',
        f'<text class="name" x="{x}" y="{y}">{xml(clip(label, room))}</text>',
    ]
    for number, line in enumerate(lines_of(spot), 1):
        kind = ' class="cross"' if spot.stop and line == f"✗ {spot.stop}" else ""
        parts.append(f'<text{kind} x="{x}" y="{y + number * LINE}">{xml(clip(line, room))}</text>')
    return "".join([*parts, "</g>"])


def _radius(spot: Spot) -> int:
    return 18 if spot.place is Place.OUTSIDE else 0 if spot.place is Place.HOST else 6
