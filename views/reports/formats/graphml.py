"""GraphML, by networkx: for graph programs (yEd, Gephi) and for scripts that compute on the network."""

from __future__ import annotations

from io import BytesIO

import networkx as nx

from views.reports.answer_text import clean
from views.reports.network import Graph


def model(graph: Graph) -> nx.MultiGraph:
    """The graph as networkx knows it: several devices may join the same two places."""
    made = nx.MultiGraph(name="portscope")
    for spot in graph.spots:
        made.add_node(
            clean(spot.id),
            label=clean(spot.label),
            kind=str(spot.place),
            detail=clean("; ".join(spot.lines)),
            up=spot.up,
            traced=spot.traced,
            stop=clean(spot.stop),
        )
    for wire in graph.wires:
        made.add_edge(clean(wire.one), clean(wire.other), label=clean(wire.label), up=wire.up, traced=wire.traced)
    return made


def render(graph: Graph) -> str:
    """One GraphML document (http://graphml.graphdrawing.org/)."""
    buffer = BytesIO()
    nx.write_graphml_xml(model(graph), buffer, encoding="utf-8", prettyprint=True)
    return buffer.getvalue().decode() + "\n"
