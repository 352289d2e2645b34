"""Mermaid flowcharts (https://mermaid.js.org/syntax/flowchart.html): code-hosting sites draw them in Markdown.

In a quoted label Mermaid understands HTML entities in its own form, `#quot;` and `#35;`, and breaks lines at
`<br/>`; everything that could end or steer a label is written as such an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from views.harmless import clean
from views.reports.formats.names import short_ids
from views.topology.network import Graph, Place, Spot, Wire

SHAPES: dict[Place, tuple[str, str]] = {
    Place.OUTSIDE: ("([", "])"),
    Place.HOST: ("[[", "]]"),
    Place.BRIDGE: ("{{", "}}"),
    Place.NAMESPACE: ("[", "]"),
}
_SPECIAL = re.compile(r"[^\w .:/\-,()⇐⇄✗·→]")


def render(graph: Graph) -> str:
    """The graph as a flowchart from left to right."""
    return "\n".join(["flowchart LR", *_lines(graph), ""])


def _lines(graph: Graph) -> Iterator[str]:
    ids = short_ids(graph)
    for spot in graph.spots:
        before, after = SHAPES[spot.place]
        yield f'  {ids[spot.id]}{before}"{_label(spot)}"{after}'
    for wire in graph.wires:
        yield f"  {ids[wire.one]} {_arrow(wire)} {ids[wire.other]}"
    yield "  classDef down stroke-dasharray: 5 5"
    yield "  classDef traced stroke-width:4px"
    yield "  classDef stop stroke:#c00,stroke-width:4px"
    for spot in graph.spots:
        name = "stop" if spot.stop else "traced" if spot.traced else "" if spot.up else "down"
        if name:
            yield f"  class {ids[spot.id]} {name}"


def _label(spot: Spot) -> str:
    stop = (f"✗ {spot.stop}",) if spot.stop else ()
    return "<br/>".join(entity(line) for line in (spot.label, *spot.lines, *stop))


def _arrow(wire: Wire) -> str:
    line = "===" if wire.traced else "---" if wire.up else "-.-"
    return f'{line}|"{entity(wire.label)}"|' if wire.label else line


def entity(text: str) -> str:
    """Text inside a quoted label."""
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", clean(text))
