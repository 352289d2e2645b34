"""A packet on its way through the picture: where it is after a step, what it says then, whether it fell there. Pure."""

from __future__ import annotations

from engine.model.address import end_of
from engine.model.host import Snapshot
from engine.model.packet import Packet
from engine.model.trace import Hop, Outcome, Step, Trace
from engine.records import dataclass, replace
from views.topology.graph import Scene
from views.topology.way import focus

MARK, FALLEN = "◆", "✗"
#: So many rows a packet falls below the node at which it is stopped.
DEEPEST = 2


@dataclass(frozen=True, slots=True)
class Flight:
    """A packet at a node. `changed`: the step has just rewritten it. `fell` is by how many rows it has fallen."""

    node: str | None
    packet: str
    what: str
    changed: bool = False
    fell: int = 0

    @property
    def words(self) -> str:
        """The packet, and what happens to it."""
        return f"{MARK} {self.packet}  {self.what}".rstrip()


def flight(snapshot: Snapshot, scene: Scene, hop: Hop, step: Step) -> Flight:
    """The packet after a step."""
    said = step.verdict or str(step.kind)
    what = f"{step.ref.name} {said}" if step.ref is not None and step.ref.name and step.verdict else said
    return Flight(focus(snapshot, scene, hop, step), ends(step.after or step.packet), what, step.after is not None)


def ends(packet: Packet) -> str:
    """From where to where it says that it goes."""
    return f"{_end(packet, source=True)} → {_end(packet, source=False)}"


def _end(packet: Packet, *, source: bool) -> str:
    address, port = (packet.src, packet.sport) if source else (packet.dst, packet.dport)
    return end_of(address, port) if port is not None else str(address)


def so_far(trace: Trace, hop: Hop, step: Step) -> Trace:
    """The journey up to a step. Before its last one it has not ended: nothing has stopped it yet."""
    number = next(place for place, each in enumerate(trace.hops) if each is hop)
    steps = hop.steps[: next(place for place, each in enumerate(hop.steps) if each is step) + 1]
    whole = number == len(trace.hops) - 1 and len(steps) == len(hop.steps)
    if whole:
        return trace
    return replace(trace, outcome=Outcome.DELIVERED, hops=(*trace.hops[:number], replace(hop, steps=steps)))
