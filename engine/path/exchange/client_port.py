"""The client's port, and what becomes of a client that keeps it.

Most clients take a new port for each attempt, so the answer is for a new flow. A program that keeps its port (many UDP
clients do: resolvers, VPNs, syslog) stays with the flow that is tracked for it, wherever that leads:

1. A question that names the port (`Source.port`) is about just that client.
2. A UDP socket of the client's namespace that holds the port of such a flow now is that client: both are walked, and
   where they end differently the answer depends on which of them asks.
3. Otherwise the flow may be what a finished client left behind, or belong to one that is out of sight: the answer says
   what it rests on (`kept_flows`).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.packet import Protocol
from engine.model.trace import Assumption, Trace
from engine.model.traffic import ConntrackEntry, Tuple4
from engine.model.verdict import Question
from engine.path.choices import Choices
from engine.path.lookup.conntrack_snapshot import client_port, entry_ref, target_of
from engine.path.lookup.flow import Track, Tracks
from engine.path.world import World
from engine.records import replace

#: A new client's port: any from the ephemeral range does, since no rule of a sane host tells them apart.
CLIENT_PORT = 50123
#: Clients that keep their port and are walked beside a new one.
MOST_KEPT = 4


def source_port(world: World, question: Question, choices: Choices, depth: int) -> int:
    """The port that the question's first packet comes from; `depth` counts the relays in front."""
    if depth == 0 and question.source.port is not None:
        return question.source.port
    if depth == 0 and question.protocol is Protocol.UDP:
        for port, about in _held(world, question):
            if choices.pick_once(("client port", port), 2, about) == 1:
                return port
    return client_port(world.tracking(), question.protocol, CLIENT_PORT, depth)


def _held(world: World, question: Question) -> list[tuple[int, Assumption]]:
    """Ports that a UDP socket of the client's namespace holds and from which a flow to the target is tracked."""
    source = question.source
    if source.outside:
        return []
    client = world.netns(source.netns)
    sockets = {each.port for each in client.listeners if each.protocol is Protocol.UDP}
    if not sockets:
        return []
    own = (address.address for address in client.addresses)
    found: dict[int, Assumption] = {}
    for address in own:
        for netns, entry in _towards(world, question, address):
            port = entry.original.sport
            if port in sockets:
                sentence = f"a client that reuses its port {port} matches the conntrack entry in {netns}"
                found.setdefault(port, Assumption("ASSUME_CLIENT_PORT", sentence, entry_ref(netns, entry)))
    return list(found.items())[:MOST_KEPT]


def _towards(world: World, question: Question, source: IPAddress) -> list[tuple[str, ConntrackEntry]]:
    """The flows from an address to the question's target, with the namespaces that track them."""
    if source.version != question.address.version:
        return []
    wanted = Tuple4(source, question.address, None, question.port)
    tracking = [netns for netns in world.snapshot.namespaces if netns.conntrack]
    return [(netns.id, entry) for netns in tracking for entry in world.flows(netns).towards(question.protocol, wanted)]


def kept_flows(world: World, tracks: Tracks, trace: Trace) -> Trace:
    """The first packet's trace, resting on this: flows of its address that lead elsewhere are not the client's."""
    found = [
        about
        for netns, new in tracks.by_netns.items()
        for track in new
        if track.protocol is Protocol.UDP and track.entry is None and "dst" in track.initialized
        for about in _elsewhere(world, netns, track)
    ]
    return replace(trace, assumptions=(*trace.assumptions, *found)) if found else trace


def _elsewhere(world: World, netns: str, track: Track) -> list[Assumption]:
    """One for each other place to which flows of the same address, to the same port, are sent on."""
    here = (track.reply.src, track.reply.sport)
    others: dict[str, list[ConntrackEntry]] = {}
    for entry in world.flows(world.netns(netns)).towards(track.protocol, track.original):
        if (entry.reply.src, entry.reply.sport) != here:
            others.setdefault(target_of(entry), []).append(entry)
    return [
        Assumption("ASSUME_NEW_FLOW", _stays(netns, target, entries), entry_ref(netns, entries[0]))
        for target, entries in others.items()
    ]


def _stays(netns: str, target: str, entries: list[ConntrackEntry]) -> str:
    flow = entries[0].original
    ports = ", ".join(str(entry.original.sport) for entry in entries[:3]) + (", …" if len(entries) > 3 else "")
    return (
        f"the client uses a new port: one that reuses its old port ({ports}) goes to {target}, where {netns} sends "
        f"the earlier flow from {flow.src} to {flow.dst}:{flow.dport}"
    )
