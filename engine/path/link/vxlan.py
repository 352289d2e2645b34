"""vxlan: a frame inside of a UDP packet, which is walked from one end to the other as any packet is.

The outer packet meets routes, rules and cables of its own; where it ends, the frame ends. The far end takes it where a
vxlan device with the same number and port is up. The outer packet's source port is a hash of the frame, so any.
Questions for an address (ARP, neighbour discovery) and their answers are such frames, too.

Source: drivers/net/vxlan/vxlan_core.c (vxlan_xmit_one, vxlan_rcv, vxlan_snoop).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.fields.table import NO_SOCKET
from engine.path.ip.routing import route_output
from engine.path.journey import Journey, Setting
from engine.path.link.fdb_learning import learn_remote, remotes_of
from engine.path.link.upper_devices import leave
from engine.path.lookup.broadcast_domain import Tunnel
from engine.path.lookup.device_topology import told_elsewhere, tunnel_port
from engine.path.lookup.flow import Tracks
from engine.path.lookup.route_decision import RouteDecision
from engine.path.stages import Arrive, Asking, LocalOut, Next, Stage, Tunnelled
from engine.records import dataclass, replace

Walk = Callable[[Journey, Stage], Trace]
#: Some source port of the outer packet (udp_flow_src_port).
SOURCE_PORT = 49999
#: Tunnels in tunnels.
DEEPEST = 4

#: Endings of a packet around a message that do not say that it is lost.
UNDECIDED = frozenset({Outcome.LEAVES_VIEW, Outcome.UNKNOWN})


@dataclass(frozen=True, slots=True)
class _Message:
    """A question for an address, or its answer: the addresses in it, and the MAC address that sends it."""

    kind: str
    packet: Packet
    sender: str


def carries_frame(packet: Packet) -> bool:
    """Whether a packet of a walk is one around a frame: its source port is any, on the way back, too."""
    return packet.protocol is Protocol.UDP and packet.sport == SOURCE_PORT


def through(journey: Journey, stage: Tunnelled, walk: Walk) -> Next:
    """Takes the frame to the other end of the tunnel."""
    link, far = stage.link, journey.world.wiring.vteps(journey.netns, stage.link, stage.remote)
    ref = journey.link_ref(link)
    journey.step(StepKind.LINK, f"{link.name} encapsulates the frame in UDP to {stage.remote}:{tunnel_port(link)}", ref)
    below = journey.world.wiring.underlay(journey.netns, link)
    if below is None:
        return leave(journey, link, "the namespace of its own packets is not in the snapshot")
    inside = _outer(journey.setting, below, link, stage.remote)
    inside.depth = journey.depth + 1
    ended = _sent(inside, link, walk)
    for assumption in ended.assumptions:
        journey.assume(assumption)
    journey.include(ended)
    end = journey.world.wiring.underlay(*far) if far is not None else None
    if ended.outcome is not Outcome.DELIVERED or far is None or end is None or end.id != inside.netns.id:
        journey.hidden = True
        outcome = Outcome.NO_LISTENER if ended.outcome is Outcome.DELIVERED else ended.outcome
        return Trace(outcome, journey.end(outcome).hops, ended.reject, tuple(journey.assumptions))
    journey.enter(far[0])
    journey.step(StepKind.LINK, f"{far[1].name} decapsulates it", journey.link_ref(far[1]))
    learn_remote(journey, far[1], stage.source_mac, inside.packet.src)
    return Arrive(far[1], stage.mac, stage.source_mac)


def asked(journey: Journey, stage: Asking, walk: Walk) -> Next:
    """Takes the question for an address through tunnels, and the answer back. Where one is lost, nobody answers: the
    story is that of the messages and of the packets around them."""
    asker, answerer = stage.frame.source_mac, stage.frame.mac or ""
    question = _Message("question", Packet(journey.packet.src, stage.towards, Protocol.UDP), asker)
    answer = _Message("answer", Packet(stage.towards, journey.packet.src, Protocol.UDP), answerer)
    carried: list[Trace] = []
    for message, tunnel in _ways(journey, stage.tunnels, question, answer):
        carried.append(_carried(journey, message, tunnel, walk))
        if carried[-1].outcome not in (Outcome.DELIVERED, *UNDECIDED):
            return _unheard(journey, message, carried)
    journey.step(StepKind.NEIGHBOUR, stage.text, stage.ref)
    return stage.frame


def _ways(
    journey: Journey, tunnels: Sequence[Tunnel], question: _Message, answer: _Message
) -> Iterator[tuple[_Message, Tunnel]]:
    """The tunnels that the question goes through, and where each end then sends the answer."""
    yield from ((question, tunnel) for tunnel in tunnels)
    for tunnel in reversed(tunnels):
        far = journey.world.netns(tunnel.far_netns)
        back = remotes_of(journey, far, tunnel.far_link, question.sender)
        if len(back) == 1 or (not back and not told_elsewhere(far, tunnel.far_link)):
            yield answer, Tunnel(far.id, tunnel.far_link, back[0] if back else None, tunnel.netns, tunnel.link)


def _carried(journey: Journey, message: _Message, tunnel: Tunnel, walk: Walk) -> Trace:
    """Takes a message through a tunnel: its trace, with that of the packet around it."""
    world, link = journey.world, tunnel.link
    own = Setting(world, Tracks(), journey.choices)
    told = Journey(own, tunnel.netns, message.packet)
    if tunnel.remote is None:
        text = f"{link.name} has no entry for it and no default entry: it drops the {message.kind}"
        told.step(StepKind.LINK, text, told.link_ref(link))
        return told.end(Outcome.BRIDGE_DROP)
    below = world.wiring.underlay(told.netns, link)
    if below is None:
        told.step(StepKind.LINK, f"{link.name} sends by a namespace outside of the snapshot", told.link_ref(link))
        return told.end(Outcome.LEAVES_VIEW)
    inside = _outer(own, below, link, tunnel.remote)
    inside.depth = journey.depth + 1
    ended = _sent(inside, link, walk)
    for assumption in ended.assumptions:
        journey.assume(assumption)
    if ended.outcome is Outcome.DELIVERED:
        learn_remote(journey, tunnel.far_link, message.sender, inside.packet.src, tunnel.far_netns)
    text = f"{link.name} encapsulates the {message.kind} in UDP to {tunnel.remote}:{tunnel_port(link)}"
    told.step(StepKind.LINK, text, told.link_ref(link))
    told.include(ended)
    return told.end(ended.outcome)


def _unheard(journey: Journey, message: _Message, carried: list[Trace]) -> Trace:
    """Nobody answers, for the last of the messages is lost."""
    about = message.packet.dst if message.kind == "question" else message.packet.src
    text = f"no answer for {about}: the {message.kind} is lost in a tunnel"
    lost = carried[-1]
    journey.step(StepKind.NEIGHBOUR, text, lost.last.ref)
    journey.include(replace(lost, hops=tuple(hop for each in carried for hop in each.hops)))
    return Trace(Outcome.NO_NEIGHBOUR, journey.end(lost.outcome).hops, None, tuple(journey.assumptions))


def _outer(setting: Setting, netns: Netns, link: Link, remote: IPAddress) -> Journey:
    """The packet around a frame, before it sets out."""
    local = link.detail.get("local") or ("0.0.0.0" if remote.version == 4 else "::")
    outer = Packet(ip_address(local), remote, Protocol.UDP, SOURCE_PORT, tunnel_port(link))
    inside = Journey(setting, netns.id, outer, _endpoint)
    inside.see(uid=NO_SOCKET)
    return inside


def _sent(inside: Journey, link: Link, walk: Walk) -> Trace:
    """The journey of the packet around a frame. One that is routed into the tunnel itself is dropped at once."""
    way = route_output(inside, inside.packet) if inside.depth <= DEEPEST else None
    if way is None or (isinstance(way, RouteDecision) and not way.local and way.link == link):
        inside.step(StepKind.NOTE, "the tunnel's own packets are routed into the tunnel", inside.link_ref(link))
        return inside.end(Outcome.LOOP)
    return walk(inside, LocalOut())


def _endpoint(journey: Journey, device: Link) -> Trace:
    del device
    ref = Ref(RefKind.NETNS, journey.netns.id, (), journey.netns.id, journey.netns.id)
    journey.step(StepKind.SOCKET, f"{journey.netns.id} receives the tunnel's packet", ref)
    return journey.end(Outcome.DELIVERED)
