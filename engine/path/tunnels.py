"""vxlan: a frame inside of a UDP packet, which is walked from one end to the other as any packet is.

The outer packet meets routes, rules and cables of its own; where it ends, the frame ends. The far end takes it where a
vxlan device with the same number and port is up. The outer packet's source port is a hash of the frame, so any.

Source: drivers/net/vxlan/vxlan_core.c (vxlan_xmit_one, vxlan_rcv).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from engine.model.link import Link
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Outcome, StepKind, Trace
from engine.path.fields import NO_SOCKET
from engine.path.journey import Journey
from engine.path.stages import Arrive, LocalOut, Next, Stage, Tunnelled
from engine.path.wiring import vxlan_port

Walk = Callable[[Journey, Stage], Trace]
#: Some source port of the outer packet (udp_flow_src_port).
SOURCE_PORT = 49999
#: Tunnels in tunnels. The kernel drops what a vxlan routes to itself at once (circular route).
DEEPEST = 4


def through(journey: Journey, stage: Tunnelled, walk: Walk) -> Next:
    """Takes the frame to the other end of the tunnel."""
    link, far = stage.link, journey.world.wiring.vteps(journey.netns, stage.link, stage.remote)
    ref = journey.link_ref(link)
    journey.step(StepKind.LINK, f"{link.name} wraps the frame in UDP to {stage.remote}:{vxlan_port(link)}", ref)
    local = link.detail.get("local") or ("0.0.0.0" if stage.remote.version == 4 else "::")
    outer = Packet(ip_address(local), stage.remote, Protocol.UDP, SOURCE_PORT, vxlan_port(link))
    inside = Journey(journey.setting, journey.netns.id, outer, _endpoint)
    inside.see(uid=NO_SOCKET)
    inside.depth = journey.depth + 1
    if inside.depth > DEEPEST:
        journey.step(StepKind.NOTE, "the tunnel's own packets are routed into the tunnel", ref)
        return journey.end(Outcome.LOOP)
    ended = walk(inside, LocalOut())
    for assumption in ended.assumptions:
        journey.assume(assumption)
    journey.include(ended)
    if ended.outcome is not Outcome.DELIVERED or far is None or far[0].id != inside.netns.id:
        journey.hidden = True
        outcome = Outcome.NO_LISTENER if ended.outcome is Outcome.DELIVERED else ended.outcome
        return Trace(outcome, journey.end(outcome).hops, ended.reject, tuple(journey.assumptions))
    journey.enter(far[0])
    journey.step(StepKind.LINK, f"{far[1].name} unwraps it", journey.link_ref(far[1]))
    return Arrive(far[1], stage.mac, stage.source_mac)


def _endpoint(journey: Journey, device: Link) -> Trace:
    del device
    ref = Ref(RefKind.NETNS, journey.netns.id, (), journey.netns.id, journey.netns.id)
    journey.step(StepKind.SOCKET, f"{journey.netns.id} takes the tunnel's packet", ref)
    return journey.end(Outcome.DELIVERED)
