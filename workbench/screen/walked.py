"""The panes while a packet walks: its step under the path's cursor, itself on the topology."""

from __future__ import annotations

from engine.records import replace
from views.path.rows import ARRIVED, step_keys
from views.topology.flight import flight
from workbench.screen.shown import Shown


class Walked(Shown):
    """The panes, and the packet that walks through them."""

    def walk(self, steps: int, *, hops: bool = False) -> bool:
        """Takes the packet so many steps on or back, or to the end of the next hop. Whether there is such a step."""
        keys = list(step_keys(self._legs))
        flying = self.topology.look.flight is not None and self.path.cursor in keys
        here = keys.index(self.path.cursor) if flying else -1 if steps > 0 else len(keys)  # type: ignore[arg-type]
        there = here + steps
        while hops and 0 <= there < len(keys) - 1 and keys[there + 1][:2] == keys[there][:2]:
            there += 1
        if not 0 <= there < len(keys):
            return False
        self.path.go(keys[there])
        found = self.step()
        scene, snapshot = self.topology.full, self.snapshot
        if found is not None and scene is not None and snapshot is not None:
            self.topology.fly(flight(snapshot, scene, found[1], found[2]))
        self._light()
        self._tell()
        return True

    def fall(self, rows: int) -> None:
        """Shows the packet so many rows below where it was stopped."""
        if self.topology.look.flight is not None:
            self.topology.fly(replace(self.topology.look.flight, fell=rows, changed=False))

    @property
    def changed(self) -> bool:
        """Whether the packet that walks has just been rewritten."""
        return self.topology.look.flight is not None and self.topology.look.flight.changed

    @property
    def stopped(self) -> bool:
        """Whether the packet that walks is where something stops it."""
        found = self.step() if self.topology.look.flight is not None else None
        return found is not None and found[0].trace.outcome not in ARRIVED and found[2] is found[0].trace.last
