"""The topology as a pane: draws the canvas, takes the pointer and the arrow keys, folds bridges.

The picture is drawn anew only when the scene, the way, the selection or the size changed, and of it only the rows that
are other ones are painted; painting a line is slicing a row of spans. Positions come from the scene alone, so a refresh
moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.content import Content
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.strip import Strip

from engine.model.host import Snapshot
from engine.records import replace
from views.painted import Painted
from views.topology.canvas import draw
from views.topology.drawing import Look
from views.topology.flight import Flight
from views.topology.fold import fold
from views.topology.graph import Node, Scene
from views.topology.minimap import MiniMap, minimap
from views.topology.picture import Picture
from views.topology.scene import scene
from views.topology.sift import sift
from views.topology.way import Way

LEGEND = "● up  ○ down  ▶ selected  ✗ ends  ◎ target  ━ path"
#: A bridge with more ports than fit into the pane is folded, to no fewer than this many, until the user unfolds it.
PORTS_LEAST = 5


class Topology(Painted):
    """The topology graph. Tells its owner which node was selected, and which was chosen."""

    class Moved(Message):
        """Another node is selected, by the user's hand."""

        def __init__(self, topology: Topology, node: Node) -> None:
            super().__init__()
            self.topology = topology
            self.node = node

        @property
        def control(self) -> Topology:
            """The pane that speaks."""
            return self.topology

    class Chosen(Moved):
        """The selected node was chosen."""

    def __init__(self, empty: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.empty = empty
        self.look = Look()
        self.way = Way()
        self._full: Scene | None = None
        self._scene: Scene | None = None
        self._picture: Picture | None = None
        self._map = MiniMap()
        self._opened: frozenset[str] = frozenset()
        self._tall = False
        self.pattern = ""
        self.found = 0

    @property
    def full(self) -> Scene | None:
        """The scene with nothing folded."""
        return self._full

    @property
    def selected(self) -> Node | None:
        """The selected node."""
        return self._full.nodes.get(self.look.selected) if self._full and self.look.selected else None

    def forget(self) -> None:
        """Shows nothing."""
        self.look, self.way, self._opened, self.pattern = Look(), Way(), frozenset(), ""
        self._full = self._scene = self._picture = None
        self._map = MiniMap()
        self.virtual_size = Size(0, 0)
        self.refresh()

    def show(self, snapshot: Snapshot) -> None:
        """Shows a snapshot; what was selected stays selected if it is still there."""
        self._full = scene(snapshot)
        self._draw()

    def trace(self, way: Way, focus: str | None) -> None:
        """Draws the traced way, and lights the node that the current step speaks of."""
        self.way = way
        self.look = replace(self.look, focus=focus)
        self._draw()
        if focus:
            self._reveal(focus)

    def fly(self, flight: Flight | None) -> None:
        """Draws the packet that walks; None: none does."""
        if flight != self.look.flight:
            self.look = replace(self.look, flight=flight)
            self._draw()

    def flow(self, rates: Mapping[str, str]) -> None:
        """Draws what passes each device of the host now, by the devices' names."""
        if self._full is None:
            return
        near = [branch.near for branch in self._full.branches]
        by_node = {node.id: rates[node.label] for node in near if node.label in rates}
        if by_node != self.look.rates:
            self.look = replace(self.look, rates=by_node)
            self._draw()

    def select(self, node: str | None) -> bool:
        """Selects a node, in view. False when there is no such node."""
        if node is not None and (self._full is None or node not in self._full.nodes):
            return False
        self.look = replace(self.look, selected=node)
        self._draw()
        if node:
            self._reveal(node)
        return True

    def filter(self, pattern: str) -> None:
        """Shows the ports that have the pattern (a leading `!`: the others), and selects the first of them."""
        self.pattern = pattern
        self._draw()
        fitting = [port.far.id for switch in (self._scene.switches if self._scene else ()) for port in switch.ports]
        if pattern and fitting and self.look.selected not in fitting:
            self._user_selects(fitting[0])
        elif self.look.selected:
            self._reveal(self.look.selected)

    @property
    def total(self) -> int:
        """How many ports there are, filtered or not."""
        full = self._full
        return sum(len(switch.ports) for switch in full.switches) + len(full.elsewhere) if full else 0

    def step(self, across: int, down: int) -> None:
        """Selects the neighbour in that direction: the nearest in the same column, or in the next one."""
        if self._picture is None or self._scene is None:
            return
        places = self._picture.places
        here = places.get(self.look.selected or "")
        if here is None:
            self._user_selects(self._scene.host.id)
            return
        centre = here.y + here.rows // 2 if here.rows > 2 else here.y
        if down:
            column = [(p.y, node) for node, p in places.items() if p.column == here.column]
            ahead = [(abs(y - here.y), node) for y, node in column if (y - here.y) * down > 0]
        else:
            columns = sorted({p.column for p in places.values() if (p.column - here.column) * across > 0})
            nearest = (columns[0] if across > 0 else columns[-1]) if columns else None
            ahead = [
                (abs(p.y + (p.rows // 2 if p.rows > 2 else 0) - centre), node)
                for node, p in places.items()
                if p.column == nearest
            ]
        if ahead:
            self._user_selects(min(ahead)[1])

    def end(self, last: bool) -> None:
        """Selects the first or the last node of the right-most column."""
        if self._picture and self._picture.places:
            column = max(place.column for place in self._picture.places.values())
            ordered = sorted((p.y, node) for node, p in self._picture.places.items() if p.column == column)
            self._user_selects(ordered[-1 if last else 0][1])

    def unfold(self) -> bool:
        """Folds or unfolds the bridge of the selected node; without one, every bridge. False where none is foldable."""
        if self._full is None:
            return False
        bridges = {one.bridge.id: one for one in self._full.switches if one.bridge}
        mine = {
            bridge
            for bridge, one in bridges.items()
            if self.look.selected in {bridge, *(node.id for port in one.ports for node in (port.near, port.far))}
        } or set(bridges)
        folded = {one.bridge.id for one in self._scene.switches if one.bridge and one.hidden} if self._scene else set()
        if not mine & (folded | self._opened):
            return False
        self._opened = self._opened - mine if mine <= self._opened else self._opened | mine
        self._draw()
        return True

    def choose(self) -> None:
        """Tells the owner that the selected node is the one."""
        if self.selected:
            self.post_message(self.Chosen(self, self.selected))

    def _user_selects(self, node: str) -> None:
        if self.select(node) and self.selected:
            self.post_message(self.Moved(self, self.selected))

    def _draw(self) -> None:
        if self._full is None:
            return
        marked = (self.way.wanted, self.look.selected, self.look.focus)
        used = self.way.links | self.way.entered | frozenset(filter(None, marked))
        before_map, self._map = self._map, minimap(self._full, self.way, self.look.selected, self.size.width - 1)
        size = self._room()
        bridges = sum(one.bridge is not None for one in self._full.switches)
        limit = max((size.height - 3) // max(bridges, 1) - 2, PORTS_LEAST)
        full, self.found = sift(self._full, self.pattern) if self.pattern else (self._full, 0)
        self._scene = fold(full, limit, used, self._opened)
        before, self._picture = self._picture, self._fitted(self._scene, size)
        self.caption(below=self._foot())
        wanted = Size(self._picture.width, self._picture.height + len(self._map.rows))
        if before is None or wanted != self.virtual_size or before_map != self._map:
            self.virtual_size = wanted
            self.refresh()
            return
        top = self.scroll_offset.y
        for y in range(top, min(top + size.height, self._picture.height)):
            if self._picture.row(y) != before.row(y):
                self.refresh_line(y)

    def _room(self) -> Size:
        """The room of the picture: what the map leaves of the pane."""
        return Size(self.size.width, max(self.size.height - len(self._map.rows), 1))

    def _fitted(self, scene: Scene, size: Size) -> Picture:
        """The picture, and a scrollbar for each direction in which it is larger than the pane.

        Which of them there are follows from picture and size alone: what a scrollbar takes away would else be drawn
        around it, and keep it there.
        """
        for tall in dict.fromkeys((self._tall, not self._tall)):
            picture = draw(scene, size.width - tall, size.height, replace(self.way, words=""), self.look)
            if (picture.height > size.height) == tall:
                break
        self._tall = picture.height > size.height
        wide = picture.width > size.width - self._tall
        self.styles.overflow_x = "scroll" if wide else "hidden"
        self.styles.overflow_y = "scroll" if self._tall or (wide and picture.height == size.height) else "hidden"
        return picture

    def _foot(self) -> Content:
        """What stands below: the packet that walks, the filter, where a packet stops, or the marks."""
        if self.look.flight is not None:
            flight = self.look.flight
            style = "$text-warning bold reverse" if flight.changed else "$text-error bold" if flight.fell else "bold"
            return Content.styled(flight.words, style)
        if self.pattern:
            return Content(f"/{self.pattern} {self.found} of {self.total}")
        if self.way.words:
            return Content.styled(f"✗ {self.way.words}", "$text-error bold")
        return Content(LEGEND)

    def _reveal(self, node: str) -> None:
        place = self._picture.places.get(node) if self._picture else None
        if place:
            region = Region(place.x, place.y, place.width, min(place.rows, 2))
            self.scroll_to_region(region, animate=False, force=True)

    def paint(self, y: int) -> Strip:
        """One line of the pane."""
        if self._picture is None:
            return self.said(self.empty, y)
        under = y - self._room().height
        if under >= 0:
            return self.strip(self._map.rows[under])
        return self.strip(self._picture.row(y + self.scroll_offset.y), self.scroll_offset.x)

    def _at(self, cell: Offset) -> str | None:
        """The node under a cell of the pane, in the picture or on the map."""
        under = cell.y - self._room().height
        if under >= 0 and self._map.at is not None:
            return self._map.at.get((cell.x, under))
        return self._picture.at(*(cell + self.scroll_offset)) if self._picture is not None else None

    def on_resize(self) -> None:
        """Another size may give another pitch."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Selects the node under the pointer; a second click chooses it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        node = self._at(offset)
        if node is None:
            return
        if node == self.look.selected and event.chain > 1:
            self.choose()
        else:
            self._user_selects(node)
