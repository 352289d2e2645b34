"""A trace on the topology: which links it used, where it stopped, and which node a step speaks of.

Pure. A journey crosses from one namespace into the next by the device on which it comes in there; the other
end of that device is where it left. So the links follow from the hops' incoming devices, and no step has to
name them.
"""

from __future__ import annotations

from engine.model.host import Snapshot
from engine.model.link import Link
from engine.model.ref import RefKind
from engine.model.trace import Hop, Outcome, Step, StepKind, Trace
from engine.records import dataclass
from views.topology.graph import Device, Scene

#: Hooks at which the outgoing device is known; before them a rule speaks of the incoming one.
LEAVING = ("forward", "output", "postrouting")
#: What a hop that a router took part in has, and one that was only bridged has not.
LAYER_3 = (StepKind.ROUTE, StepKind.POLICY, StepKind.SOCKET)


@dataclass(frozen=True, slots=True)
class Way:
    """What the canvas draws heavily: node ids whose link was used, namespaces that were entered, and the stop.

    `wanted` is the node that a packet which stopped before it was to go to.
    """

    links: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()
    stop: str | None = None
    words: str = ""
    wanted: str | None = None


def way(snapshot: Snapshot, scene: Scene, trace: Trace) -> Way:
    """The way of a trace through the scene."""
    used: set[Device] = set()
    for before, hop in zip((None, *trace.hops), trace.hops, strict=False):
        used |= _crossing(snapshot, before, hop)
    if trace.outcome is Outcome.LEAVES_VIEW and trace.hops:
        used |= _device(snapshot, trace.hops[-1].netns, _outgoing(trace.hops[-1]))
    links = frozenset(scene.devices[device] for device in used if device in scene.devices)
    entered = frozenset(node for hop in trace.hops if (node := scene.of_netns(hop.netns)))
    if trace.outcome in (Outcome.DELIVERED, Outcome.LEAVES_VIEW):
        return Way(links, entered)
    return Way(links, entered, _stop(scene, trace), stop_words(trace), _wanted(snapshot, scene, trace))


def stop_words(trace: Trace) -> str:
    """Where and why a packet stopped, in a few words."""
    last = trace.last
    if last.ref is not None and last.ref.kind in (RefKind.RULE, RefKind.CHAIN):
        reason = f"{last.ref.name} {last.verdict}".rstrip()
    else:
        reason = last.text
    return f"ends in {trace.hops[-1].netns}: {reason}"


def focus(snapshot: Snapshot, scene: Scene, hop: Hop, step: Step) -> str | None:
    """The node that a step speaks of: a link where it names one or was taken for one, else the namespace."""
    netns = snapshot.by_id.get(hop.netns)
    if netns is None:
        return None
    if step.ref is not None and step.ref.kind in (RefKind.LINK, RefKind.NEIGHBOUR) and step.ref.key:
        found = scene.devices.get((step.ref.netns, int(step.ref.key[0])))
        if found:
            return found
    if step.kind is StepKind.SOCKET:
        return scene.of_netns(hop.netns)
    if step.kind is StepKind.RULE and not _names_device(step):
        return scene.of_netns(hop.netns)
    context = step.context
    if step.kind is StepKind.ROUTE:
        link = netns.links_by_name.get(_device_after(hop, step))
        found = scene.devices.get((netns.id, link.index)) if link else None
        return found or scene.of_netns(hop.netns)
    leaving = step.hook in LEAVING or step.kind in (StepKind.NEIGHBOUR, StepKind.LINK)
    names = (context.oif, context.iif) if leaving else (context.iif, context.oif)
    for name in names:
        link = netns.links_by_name.get(name)
        if link is not None and (netns.id, link.index) in scene.devices:
            return scene.devices[(netns.id, link.index)]
    return scene.of_netns(hop.netns)


def _device_after(hop: Hop, step: Step) -> str:
    """The device that a route chose: a later step's outgoing one, since the choice is made at this step."""
    after = hop.steps[next(number for number, one in enumerate(hop.steps) if one is step) :]
    return next((one.context.oif for one in after if one.context.oif), "")


def _names_device(step: Step) -> bool:
    """Whether a rule asks for one of the packet's devices."""
    words = step.text.replace('"', "").split()
    return any(name in words for name in (step.context.iif, step.context.oif) if name)


def _crossing(snapshot: Snapshot, before: Hop | None, hop: Hop) -> set[Device]:
    """The devices used to get into this hop: its own incoming one, the peer's, and the bridges on either side."""
    netns = snapshot.by_id.get(hop.netns)
    entry = next((step.context for step in hop.steps if step.context.iif), None)
    if netns is None or entry is None:
        return set()
    if before is None or before.netns == hop.netns:
        return _device(snapshot, hop.netns, entry.physin or entry.iif) if before is None else set()
    link = netns.links_by_name.get(entry.physin or entry.iif)
    if link is not None and link.kind == "bridge":
        link = _port_towards(netns.links, link, before.netns)
    if link is None:
        return set()
    used = {(hop.netns, link.index)}
    if link.master is not None and _routed(hop, entry.iif):
        used.add((hop.netns, link.master))
    if link.peer is not None and link.peer.netns == before.netns:
        used.add((before.netns, link.peer.index))
        left = snapshot.by_id[before.netns].links_by_index.get(link.peer.index)
        if left is not None and left.master is not None and _routed(before, _outgoing(before)):
            used.add((before.netns, left.master))
    return used


def _routed(hop: Hop, device: str) -> bool:
    """Whether the packet went between a bridge and the stack above it, and not just through the bridge."""
    if any(step.kind in LAYER_3 for step in hop.steps):
        return True
    return any(step.hook in ("prerouting", "input") and step.context.iif == device for step in hop.steps)


def _port_towards(links: tuple[Link, ...], bridge: Link, netns: str) -> Link | None:
    ports = (link for link in links if link.master == bridge.index)
    return next((port for port in ports if port.peer is not None and port.peer.netns == netns), None)


def _outgoing(hop: Hop) -> str:
    return next((step.context.oif for step in reversed(hop.steps) if step.context.oif), "")


def _device(snapshot: Snapshot, netns: str, name: str) -> set[Device]:
    link = snapshot.by_id[netns].links_by_name.get(name) if netns in snapshot.by_id else None
    return {(netns, link.index)} if link else set()


def _stop(scene: Scene, trace: Trace) -> str | None:
    last = trace.last
    if last.ref is not None and last.ref.kind is RefKind.LINK and last.ref.key:
        found = scene.devices.get((last.ref.netns, int(last.ref.key[0])))
        if found:
            return found
    return scene.of_netns(trace.hops[-1].netns)


def _wanted(snapshot: Snapshot, scene: Scene, trace: Trace) -> str | None:
    """The node of who has the address that the packet was last sent to; None where nobody has it, or it was there."""
    address = trace.last.packet.dst
    ends = [branch.far for branch in scene.branches if branch.far.ref and branch.far.ref.netns != trace.hops[-1].netns]
    having = [
        node
        for node in ends
        if node.ref and any(own.address == address for own in snapshot.by_id[node.ref.netns].addresses)
    ]
    return next((node.id for node in sorted(having, key=lambda node: node.detail != str(address))), None)
