"""Single points of failure: what is cut off from the outside when a place or a device of the network goes. Pure.

The network is a graph with places as nodes and devices as edges, several of them between the same two places. A
namespace is cut off when no way is left from it to where it is reached from: what is outside of the host, or the host
itself where nothing outside is seen. It is about links alone; rules and routes are a question's matter.
"""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from engine.records import dataclass
from views.topology.network import Graph, Place


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """A place or a device of the graph by its name, and the places that have no other way out, in their order."""

    id: str
    name: str
    cut_off: tuple[str, ...]


def as_networkx(graph: Graph) -> nx.MultiGraph:
    """Nodes by the ids of spots, edges by the ids of devices. What is down counts as well."""
    made = nx.MultiGraph(name="portscope")
    made.add_nodes_from(spot.id for spot in graph.spots)
    made.add_edges_from((wire.one, wire.other, wire.device) for wire in graph.wires)
    return made


def cut_off_without(graph: Graph, gone: str) -> tuple[str, ...]:
    """The places that are cut off when a place or a device goes, by their names; `gone` is the id of either."""
    return _cut_off(graph, as_networkx(graph), gone)


def single_points(graph: Graph) -> tuple[SinglePoint, ...]:
    """The places and devices on which others hang, in the graph's order; those with nothing behind them left out."""
    network = as_networkx(graph)
    names = {spot.id: spot.label for spot in graph.spots} | {wire.device: _name(wire.label) for wire in graph.wires}
    found = (SinglePoint(gone, names[gone], _cut_off(graph, network, gone)) for gone in _candidates(graph))
    return tuple(each for each in found if len(each.cut_off) > 1 or (each.cut_off and each.id in network))


def _candidates(graph: Graph) -> Iterator[str]:
    roots = _roots(graph)
    yield from (spot.id for spot in graph.spots if spot.id not in roots)
    yield from (wire.device for wire in graph.wires if wire.device)


def _roots(graph: Graph) -> set[str]:
    """Where the others are reached from."""
    outside = {spot.id for spot in graph.spots if spot.place is Place.OUTSIDE}
    return outside or {spot.id for spot in graph.spots if spot.place is Place.HOST}


def _cut_off(graph: Graph, network: nx.MultiGraph, gone: str) -> tuple[str, ...]:
    roots = _roots(graph) - {gone}
    edges = [(wire.one, wire.other, wire.device) for wire in graph.wires if wire.device == gone]
    left = nx.restricted_view(network, [gone] if gone in network else [], edges)
    before, after = _reached(network, roots), _reached(left, roots)
    lost = before - after - {gone}
    return tuple(spot.label for spot in graph.spots if spot.id in lost and spot.place is Place.NAMESPACE)


def _reached(network: nx.MultiGraph, roots: set[str]) -> set[str]:
    found: set[str] = set()
    for root in roots:
        if root not in found:
            found |= nx.node_connected_component(network, root)
    return found


def _name(label: str) -> str:
    return label.partition(" ")[0]
