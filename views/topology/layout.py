"""Where the topology's columns and rows are, for a scene and a pane's size.

Pure. Columns are as wide as their labels, up to a limit. Of three layouts the roomiest that fits is taken: with the
names of bridge ports; without them; and nested, where each bridge has a row of its own with its ports below it, and
small gaps. The pitch is the number of rows that a bridge port takes: the largest that lets everything fit in the
height, and never so small that what a container serves has no room. What does not fit even so is scrolled.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.records import dataclass, replace
from views.text import cells
from views.topology.fitting import SEPARATOR
from views.topology.graph import Node, Scene, Switch

HEADS = ("OUTSIDE", "UPLINK", "HOST", "BRIDGE", "PORT")
#: The widest that a column of labels may get.
WIDEST = 20
HOST_WIDEST = 14
#: The room that facts ask for; what does not fit is told in full when its node is selected.
FACTS_ROOM = 26
#: The room that a name leaves for ports beside it, and the least that it takes itself.
PORTS_ROOM, NAME_LEAST = 12, 12
#: A published port (`:8080→8080`): with less room beside their names, what containers serve stands below them.
PORT_LEAST = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """The cell at which each column starts, and how the rows follow each other.

    `port` is None where the names of ports are left out. `name` is the room of a name at a port's end;
    `address` and `facts` are columns where the pitch is 1. `gap`
    is the number of empty rows between two bridges. `width` is the pane's.
    """

    uplink: int = 0
    host: int = 0
    host_end: int = 0
    bridge: int = 0
    trunk: int = 0
    port: int | None = None
    end: int = 0
    name: int = 0
    address: int = 0
    facts: int = 0
    nested: bool = False
    pitch: int = 1
    gap: int = 1
    width: int = 0

    def rows(self, switch: Switch) -> int:
        """The rows of a bridge with its ports."""
        shown = len(switch.ports) * self.pitch + (1 if switch.hidden else 0)
        return shown + (switch.bridge is not None) if self.nested else max(shown, 2)

    def middle(self, switch: Switch) -> int:
        """The row of the bridge itself, counted from its first one."""
        return 0 if self.nested else max(len(switch.ports) - 1, 0) * self.pitch // 2

    def port_rows(self, switch: Switch, top: int) -> list[int]:
        """The row of each port of a bridge that starts at that one."""
        first = top + (self.nested and switch.bridge is not None)
        return [first + number * self.pitch for number in range(len(switch.ports))]

    def height(self, scene: Scene) -> int:
        """The rows of the whole drawing between its heads and its foot."""
        right = sum(self.rows(switch) + self.gap for switch in scene.switches) + 2 - self.gap
        return max(right, 3 * len(scene.uplinks), 3 + len(scene.host.facts))

    def axis(self, scene: Scene, top: int, bottom: int) -> int:
        """The row of the host's name: halfway between its first and last bridge, so that a single one is in line."""
        rows = []
        y = top + 1
        for switch in scene.switches:
            rows.append(y + self.middle(switch))
            y += self.rows(switch) + self.gap
        middle = (rows[0] + rows[-1]) // 2 if rows else (top + bottom) // 2
        return min(max(middle, top + 1), max(bottom - 1 - len(scene.host.facts), top + 1))


def layout_for(scene: Scene, width: int, height: int) -> Layout:
    """The roomiest layout that fits; else the last one, to be scrolled."""
    ends = [port.far for switch in scene.switches for port in switch.ports]
    pitch = _tallest(Layout(), scene, height, ((3, 1), (2, 1), (1, 1))).pitch
    for ports in (True, False):
        found = replace(_columns(scene, ports=ports), width=width, pitch=pitch)
        if found.end + _end_width(ends, pitch) <= width:
            return _with_texts(found, ends)
    nested = _with_texts(replace(_columns(scene, nested=True), width=width), ends)
    if nested.end + _end_width(ends, 1) <= width:
        return _tallest(nested, scene, height, ((1, 1), (1, 0)))
    beside = nested.facts + PORT_LEAST <= width
    return _tallest(nested, scene, height, ((2, 1), (2, 0), (1, 1), (1, 0)) if beside else ((2, 1), (2, 0)))


def _tallest(layout: Layout, scene: Scene, height: int, choices: Iterable[tuple[int, int]]) -> Layout:
    """The layout with the first pitch and gap that fit the height, else with the last ones."""
    for pitch, gap in choices:
        layout = replace(layout, pitch=pitch, gap=gap)
        if layout.height(scene) <= height:
            break
    return layout


def widest(nodes: Iterable[Node], most: int = WIDEST) -> int:
    """The cells that the widest label or address among nodes takes, at most `most`."""
    return min(max((max(cells(node.label), cells(node.detail)) for node in nodes), default=0), most)


def first_of(addresses: str) -> str:
    """The first of some addresses, without the number of the others (`10.0.0.1/24 +1`)."""
    return addresses.partition(" ")[0]


def _columns(scene: Scene, *, ports: bool = False, nested: bool = False) -> Layout:
    gap = 2 if nested else 4
    far = [branch.far for branch in scene.uplinks]
    outside = _widest_label(far) if nested else widest(far)
    uplink = max(outside + 2 + gap, len(HEADS[0]) + 2) if far else 0
    near = [branch.near for branch in scene.uplinks]
    host = uplink + ((_widest_label(near) if nested else widest(near)) + 1 + gap if far else 0)
    if nested and far:
        host = max(host + 1, uplink + len(HEADS[1]) + 2, max(cells(first_of(node.detail)) for node in near) + 2)
    facts = [fact for fact in scene.host.facts if fact.amiss or not nested]
    inner = max([cells(scene.host.label) + 2, *(cells(str(fact)) for fact in facts)])
    host_end = host + min(inner, HOST_WIDEST) + 3
    bridge = host_end + gap
    if nested:
        return Layout(uplink, host, host_end, bridge, bridge, None, bridge + 2, nested=True)
    trunk = bridge + widest(switch.bridge for switch in scene.switches if switch.bridge) + 1 + gap
    names = max((cells(port.near.label) for switch in scene.switches for port in switch.ports), default=0)
    end = trunk + 3 + names + 5 if ports else trunk + 3
    return Layout(uplink, host, host_end, bridge, trunk, trunk + 3 if ports else None, end)


def _with_texts(layout: Layout, ends: list[Node]) -> Layout:
    """The layout with the columns of addresses and facts. Names are cut where these would have no room."""
    addresses = _widest_address(ends)
    left = layout.width - layout.end - addresses - 6 - PORTS_ROOM
    name = min(_widest_label(ends), max(left, NAME_LEAST))
    address = layout.end + 2 + name + 2
    return replace(layout, name=name, address=address, facts=address + addresses + 2)


def _end_width(ends: list[Node], pitch: int) -> int:
    """The cells that what stands at the ends of ports asks for."""
    facts = [min(cells(SEPARATOR.join(map(str, node.facts))), FACTS_ROOM) for node in ends]
    if pitch == 1:
        return 2 + _widest_label(ends) + 2 + _widest_address(ends) + 2 + max(facts, default=0)
    heads = (_widest_label([node]) + 4 + cells(node.detail) for node in ends)
    return max((max(head, told + 2) for head, told in zip(heads, facts, strict=True)), default=0)


def _widest_label(nodes: Iterable[Node]) -> int:
    return min(max((cells(node.label) for node in nodes), default=0), WIDEST)


def _widest_address(nodes: Iterable[Node]) -> int:
    return max((cells(node.detail) for node in nodes), default=0)
