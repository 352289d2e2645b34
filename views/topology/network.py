"""The topology as a flat graph: the one value that every exported picture is written from.

Pure. The scene is a tree that may draw a namespace twice (at each of its bridges); here it is one node with several
edges. Devices are edges, because a veth pair is what joins two places; bridges, the host, namespaces and what is
outside are nodes. Nodes are in the scene's order, so a format's output is the same for the same snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from engine.model.host import Snapshot
from engine.model.ref import RefKind
from engine.model.trace import Trace
from engine.records import dataclass
from views.topology.graph import Branch, Node, Scene, State
from views.topology.scene import scene
from views.topology.way import Way, way


class Place(StrEnum):
    """What a node of the graph stands for."""

    OUTSIDE = "outside"
    HOST = "host"
    BRIDGE = "bridge"
    NAMESPACE = "namespace"


@dataclass(frozen=True, slots=True)
class Spot:
    """A node. `lines` are its address and what it serves; `stop` says why the traced packet ended here."""

    id: str
    place: Place
    label: str
    lines: tuple[str, ...] = ()
    up: bool = True
    traced: bool = False
    stop: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge: the device that joins two nodes, or a bridge's membership in the host (no label).

    `device` is the id of the device's node in the scene; empty for a bridge's membership.
    """

    one: str
    other: str
    device: str = ""
    label: str = ""
    up: bool = True
    traced: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges; every end of an edge is a node."""

    spots: tuple[Spot, ...]
    wires: tuple[Wire, ...]


def place_id(node: Node) -> str:
    """The id in the graph of a place of the scene: a namespace's name, wherever it is drawn."""
    if node.ref is not None and node.ref.kind is RefKind.NETNS and not node.id.endswith("/"):
        return f"netns:{node.ref.netns}"
    return node.id


def graph(snapshot: Snapshot, trace: Trace | None = None) -> Graph:
    """The graph of a snapshot, with the way of a packet on it where one is given."""
    drawn = scene(snapshot)
    taken = way(snapshot, drawn, trace) if trace else Way()
    return Graph(tuple(_spots(drawn, taken)), tuple(_wires(drawn, taken)))


def _spots(drawn: Scene, taken: Way) -> Iterator[Spot]:
    done: set[str] = set()
    for node, place in _nodes(drawn):
        name = place_id(node)
        if name in done:
            continue
        done.add(name)
        lines = tuple(line for line in (node.detail, *map(str, node.facts)) if line)
        stop = taken.words if taken.stop == node.id else ""
        yield Spot(name, place, node.name, lines, node.state is not State.DOWN, _entered(node, taken), stop)
    for name, note in (*((each, "") for each in drawn.alone), *((each, "not inspected") for each in drawn.unread)):
        if f"netns:{name}" not in done:
            yield Spot(f"netns:{name}", Place.NAMESPACE, name, (note,) if note else ())


def _nodes(drawn: Scene) -> Iterator[tuple[Node, Place]]:
    """The places, from the outside in. A port's device is an edge, and so is an uplink's."""
    yield from ((branch.far, _place(branch.far)) for branch in drawn.uplinks)
    yield drawn.host, Place.HOST
    for switch in drawn.switches:
        if switch.bridge is not None:
            yield switch.bridge, Place.BRIDGE
        yield from ((port.far, _place(port.far)) for port in switch.ports)
    for branch in drawn.elsewhere:
        yield _home(branch), Place.NAMESPACE
        yield branch.far, _place(branch.far)


def _place(node: Node) -> Place:
    return Place.NAMESPACE if node.ref is not None and node.ref.kind is RefKind.NETNS else Place.OUTSIDE


def _home(branch: Branch) -> Node:
    """The namespace that a device far from the host is in."""
    netns = branch.near.ref.netns if branch.near.ref else branch.near.label
    return Node(f"netns:{netns}", branch.far.kind, netns, None)


def _wires(drawn: Scene, taken: Way) -> Iterator[Wire]:
    for branch in drawn.uplinks:
        yield _wire(place_id(branch.far), drawn.host.id, branch, taken)
    for switch in drawn.switches:
        if switch.bridge is not None:
            yield Wire(
                drawn.host.id,
                switch.bridge.id,
                up=switch.bridge.state is not State.DOWN,
                traced=switch.bridge.id in taken.links,
            )
        home = switch.bridge.id if switch.bridge else drawn.host.id
        yield from (_wire(home, place_id(port.far), port, taken) for port in switch.ports)
    for branch in drawn.elsewhere:
        yield _wire(place_id(_home(branch)), place_id(branch.far), branch, taken)


def _wire(one: str, other: str, branch: Branch, taken: Way) -> Wire:
    near = branch.near
    label = " ".join(part for part in (near.label.rpartition(" ")[2], near.detail) if part)
    return Wire(one, other, near.id, label, near.state is not State.DOWN, near.id in taken.links)


def _entered(node: Node, taken: Way) -> bool:
    return node.id in taken.entered or node.id in taken.links
