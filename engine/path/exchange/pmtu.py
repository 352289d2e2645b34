"""Packets that are too large for a device on their way, and whether the error that tells of it gets back.

The first packets of a connection are small. Later ones are as large as both ends agree on (TCP's MSS, which each end
takes from the MTU of the device that it sends by), and mayn't be fragmented; a router whose way on is narrower drops
them and says so (ip_forward.c, ip_exceeds_mtu; ip6_output.c, ip6_forward). Where that error is lost, the connection
opens and then hangs. A rule that clamps the MSS of one direction spares the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Hop, Outcome, Step, StepKind, Symptom, Trace
from engine.model.verdict import Question
from engine.path.choices import Choices
from engine.path.exchange.conversation import Exchange
from engine.path.fields.table import NO_SOCKET
from engine.path.journey import Endpoint, Journey, Setting
from engine.path.lookup.fib import FlowKey, Found
from engine.path.lookup.flow import tuple_of
from engine.path.lookup.source_address6 import error_source6
from engine.path.stages import LocalOut
from engine.path.walk import walk
from engine.path.world import World
from engine.records import dataclass

#: Words of rules that lower the MSS (iptables-extensions(8), nft(8)).
CLAMPS = ("TCPMSS", "maxseg")
#: Type and code of the error by IP version (RFC 792, RFC 4443).
TOO_BIG = {4: (Protocol.ICMP, 3, 4), 6: (Protocol.ICMPV6, 2, 0)}


@dataclass(frozen=True, slots=True)
class TooBig:
    """A router that can't pass on what `sender` sends by its device `sends_by`: `size` is the packet's, `mtu` that of
    `device` (or its route).

    `error` is the way of the message that tells of it; delivered where the sender learns and sends smaller ones.
    """

    netns: str
    device: str
    mtu: int
    size: int
    sender: str
    sends_by: str
    packet: Packet
    error: Trace


def too_big(world: World, question: Question) -> list[TooBig]:
    """Where full-sized packets of a TCP connection don't get through, in either direction. Both ends must be seen."""
    talk = Exchange(world, question, Choices(), 0)
    conversation = talk.run()
    forward, reply = conversation.forward, conversation.reply
    seen = question.protocol is Protocol.TCP and not question.source.outside
    if not seen or conversation.symptom is not Symptom.CONNECTED or reply is None or _is_at_home(conversation):
        return []
    ends = [_first_mtu(world, trace) for trace in (forward, reply)]
    if None in ends:
        return []
    size = min(end for end in ends if end is not None)
    found = [] if _clamps(reply) else list(_narrow(world, talk.setting, forward, size))
    return found if _clamps(forward) else [*found, *_narrow(world, talk.setting, reply, size)]


def _is_at_home(conversation: Conversation) -> bool:
    return len(conversation.forward.hops) == 1


def _clamps(trace: Trace) -> bool:
    return any(step.kind is StepKind.RULE and any(word in step.text for word in CLAMPS) for step in trace.steps)


def _first_mtu(world: World, trace: Trace) -> int | None:
    """What the sender of a trace takes its packets' size from."""
    first = trace.hops[0]
    return _way_on(world.netns(first.netns), first, world)[2] if _leaves(first) else None


def _narrow(world: World, setting: Setting, trace: Trace, size: int) -> Iterator[TooBig]:
    sender = trace.hops[0]
    for hop in trace.hops[1:]:
        netns = world.netns(hop.netns)
        if not _leaves(hop):
            continue
        step, link, mtu = _way_on(netns, hop, world)
        if mtu is None or mtu >= size or step is None or link is None:
            continue
        error = _error(setting, netns, step, _listener(sender.netns, tuple_of(_sent(sender))))
        yield TooBig(netns.id, link.name, mtu, size, sender.netns, _device_of(sender), step.packet, error)


def _leaves(hop: Hop) -> bool:
    return any(step.kind is StepKind.ROUTE for step in hop.steps) and any(step.context.oif for step in hop.steps)


def _device_of(hop: Hop) -> str:
    """The device that a packet left a namespace by."""
    return next((each.context.oif for each in reversed(hop.steps) if each.context.oif), "")


def _sent(hop: Hop) -> Packet:
    """The packet as it left its sender's program: after a source was chosen, before any translation."""
    return next((s.packet for s in hop.steps if not s.packet.src.is_unspecified), hop.packet)


def _way_on(netns: Netns, hop: Hop, world: World) -> tuple[Step | None, Link | None, int | None]:
    """The routing decision by which a packet leaves a namespace, the device, and how much goes through."""
    step = next((each for each in reversed(hop.steps) if each.kind is StepKind.ROUTE), None)
    link = netns.links_by_name.get(_device_of(hop))
    if step is None or link is None:
        return None, None, None
    found = world.fib(netns).lookup(FlowKey(step.packet.dst, mark=step.context.mark))
    route = found.route.mtu if isinstance(found, Found) else None
    return step, link, route or link.mtu


def _error(setting: Setting, netns: Netns, step: Step, endpoint: Endpoint) -> Trace:
    bad = step.packet
    protocol, number, code = TOO_BIG[bad.dst.version]
    nowhere = ip_address("0.0.0.0" if bad.dst.version == 4 else "::")
    source = error_source6(netns, step.context.iif, bad.src) or nowhere
    journey = Journey(setting, netns.id, Packet(source, bad.src, protocol, icmp_type=number, icmp_code=code), endpoint)
    journey.see(uid=NO_SOCKET)
    journey.inner = tuple_of(bad)
    return walk(journey, LocalOut())


def _listener(netns: str, flow: object) -> Endpoint:
    """The sender's socket: it takes an error that quotes its own packet."""

    def take(journey: Journey, _device: Link) -> Trace:
        ref = Ref(RefKind.NETNS, journey.netns.id, (), journey.netns.id, journey.netns.id)
        heard = journey.netns.id == netns and journey.inner == flow
        journey.step(
            StepKind.SOCKET, "the sender receives the error" if heard else "no socket here receives the error", ref
        )
        return journey.end(Outcome.DELIVERED if heard else Outcome.REPLY_MISMATCH)

    return take
