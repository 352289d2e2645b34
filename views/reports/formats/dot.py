"""Graphviz DOT (https://graphviz.org/doc/info/lang.html): `dot -Tsvg` draws it."""

from __future__ import annotations

from collections.abc import Iterator

from views.harmless import clean
from views.reports.formats.names import short_ids
from views.topology.network import Graph, Place, Spot, Wire

SHAPES: dict[Place, str] = {
    Place.OUTSIDE: "ellipse",
    Place.HOST: "box3d",
    Place.BRIDGE: "cds",
    Place.NAMESPACE: "box",
}


def render(graph: Graph) -> str:
    """The graph as one undirected DOT graph."""
    ids = short_ids(graph)
    lines = ["graph portscope {", "  rankdir=LR;", '  node [fontname="sans-serif"];', '  edge [fontname="sans-serif"];']
    lines += [f"  {ids[spot.id]} [{', '.join(_node(spot))}];" for spot in graph.spots]
    lines += [f"  {ids[wire.one]} -- {ids[wire.other]} [{', '.join(_edge(wire))}];" for wire in graph.wires]
    return "\n".join([*lines, "}", ""])


def _node(spot: Spot) -> Iterator[str]:
    stop = (f"✗ {spot.stop}",) if spot.stop else ()
    yield f"label={_quoted(spot.label, *spot.lines, *stop)}"
    yield f"shape={SHAPES[spot.place]}"
    if not spot.up:
        yield "style=dashed"
    if spot.stop:
        yield "color=red"
    if spot.traced or spot.stop:
        yield "penwidth=3"


def _edge(wire: Wire) -> Iterator[str]:
    yield f"label={_quoted(wire.label)}"
    if not wire.up:
        yield "style=dashed"
    if wire.traced:
        yield "penwidth=3"


def _quoted(*lines: str) -> str:
    """A quoted string; lines are joined by DOT's own line break, which is an escape and so is not quoted again."""
    return '"' + "\\n".join(clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'
