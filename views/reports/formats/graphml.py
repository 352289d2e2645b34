"""GraphML, by networkx: for graph programs (yEd, Gephi) and for scripts that compute on the network."""

from __future__ import annotations

from io import BytesIO

import networkx as nx

from views.harmless import clean
from views.topology.cut_off import single_points
from views.topology.network import Graph


def model(graph: Graph) -> nx.MultiGraph:
    """The graph with texts as attributes: several devices may join the same two places. `cuts_off` are the places that
    have no other way out."""
    made = nx.MultiGraph(name="portscope")
    behind = {clean(each.id): clean(", ".join(each.cut_off)) for each in single_points(graph)}
    for spot in graph.spots:
        name = clean(spot.id)
        made.add_node(
            name,
            label=clean(spot.label),
            kind=str(spot.place),
            detail=clean("; ".join(spot.lines)),
            up=spot.up,
            traced=spot.traced,
            stop=clean(spot.stop),
            cuts_off=behind.get(name, ""),
        )
    for wire in graph.wires:
        behind_it = behind.get(clean(wire.device), "")
        ends = clean(wire.one), clean(wire.other)
        made.add_edge(*ends, label=clean(wire.label), up=wire.up, traced=wire.traced, cuts_off=behind_it)
    return made


def render(graph: Graph) -> str:
    """One GraphML document (http://graphml.graphdrawing.org/)."""
    buffer = BytesIO()
    nx.write_graphml_xml(model(graph), buffer, encoding="utf-8", prettyprint=True)
    return buffer.getvalue().decode() + "\n"
