"""Node-link JSON, by networkx: for d3 and other programs that draw graphs, and for scripts that compute on them."""

from __future__ import annotations

import json

import networkx as nx

from views.reports.formats.graphml import model
from views.topology.network import Graph


def render(graph: Graph) -> str:
    """One JSON object with `nodes` and `edges`; `networkx.node_link_graph(…, edges="edges")` reads it back."""
    return json.dumps(nx.node_link_data(model(graph), edges="edges"), indent=2) + "\n"
