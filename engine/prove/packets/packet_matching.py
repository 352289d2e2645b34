"""Which packets belong to the question, and which part of its conversation each of them is. Pure.

The client's port is known before anything is sent, and the prediction tells which addresses the client bears on the way
and which connection of its own a relay makes. That is an `ObservedTalk`; from it come the flows that are looked for,
and the leg that each packet is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.model.address import IPAddress
from engine.model.packet import ECHO, TCP_ACK, TCP_RST, TCP_SYN, Packet, Protocol
from engine.model.proof import Leg
from engine.model.trace import Conversation, Trace
from engine.model.verdict import Question
from engine.prove.packets.patterns import Flow, Pattern, echo_patterns, patterns
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class ObservedTalk:
    """A conversation as it looks on a wire. `port` is the client's, None for one that is not known yet.

    `addresses` are those that the client bears on the way. `translated` are connections in which it has another port,
    which only the kernel knows; `relayed` are connections of relays, from their clients' side.
    """

    protocol: Protocol
    target: IPAddress
    target_port: int
    port: int | None = None
    addresses: tuple[IPAddress, ...] = ()
    translated: tuple[Flow, ...] = ()
    relayed: tuple[Flow, ...] = ()

    @property
    def flows(self) -> tuple[Flow, ...]:
        """What to look for: the first packet as it is sent, what translation makes of it, and relays' connections."""
        others = (*self.translated, *self.relayed)
        if self.port is None:
            first = self.addresses[0] if self.addresses else None
            return (Flow(self.protocol, first, self.target, None, self.target_port), *others)
        sent = Flow(self.protocol, None, self.target, self.port, self.target_port)
        return (sent, *(Flow(self.protocol, src=address, sport=self.port) for address in self.addresses), *others)

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The bytes to look for. An echo's identifier stands where others have a port."""
        if self.protocol in ECHO:
            return echo_patterns(self.protocol, self.port or 0, self.target, self.addresses)
        return patterns(self.flows)

    def ours(self, packet: Packet) -> bool:
        """Whether the client sent it, under whatever name."""
        if packet.protocol is not self.protocol:
            return False
        if packet.sport == self.port:
            asked = (packet.dst, packet.dport) == (self.target, self.target_port)
            return asked or packet.src in self.addresses
        return any(_fits(packet, flow) for flow in self.translated)


def talk_of(question: Question, conversations: Iterable[Conversation], port: int | None) -> ObservedTalk:
    """The talk that any of these predictions leads to, for a client that sends from `port`."""
    every = tuple(conversations)
    looks = [packet for talk in every for packet in _looks(talk.forward)]
    own = {talk.forward.hops[0].packet.sport for talk in every}
    addresses = [question.source.address] if question.source.address else []
    addresses += [packet.src for packet in looks if packet.sport in own]
    others = [Flow(each.protocol, each.src, each.dst, None, each.dport) for each in looks if each.sport not in own]
    relayed = [flow for talk in every for flow in _relays(talk.relayed)]
    found = (tuple(dict.fromkeys(each)) for each in (others, relayed))
    return ObservedTalk(
        question.protocol, question.address, question.port, port, tuple(dict.fromkeys(addresses)), *found
    )


def _looks(trace: Trace) -> Iterator[Packet]:
    """What a packet looks like on its way, once it has a source."""
    for hop in trace.hops:
        for packet in (hop.packet, *(step.after for step in hop.steps if step.after)):
            if not packet.src.is_unspecified:
                yield packet


def _relays(talk: Conversation | None) -> Iterator[Flow]:
    while talk is not None:
        first = talk.forward.hops[0].packet
        source = None if first.src.is_unspecified else first.src
        yield Flow(first.protocol, source, first.dst, None, first.dport)
        for step in talk.forward.steps:
            if step.after is not None:
                yield Flow(first.protocol, step.after.src, step.after.dst, None, step.after.dport)
        talk = talk.relayed


def leg_of(packet: Packet, quoted: Packet | None, talk: ObservedTalk) -> Leg | None:
    """The part of the conversation that a packet is; None for one of somebody else."""
    if talk.protocol in ECHO:
        return _echo_leg(packet, quoted, talk.protocol)
    if quoted is not None:
        ours = talk.ours(quoted) or talk.ours(_turned(quoted))
        return Leg.ERROR if ours else None
    if talk.ours(packet):
        return Leg.FORWARD if _opens(packet) else Leg.CONFIRM
    if talk.ours(_turned(packet)):
        return Leg.REPLY if _answers(packet) else Leg.DATA
    for flow in talk.relayed:
        if _fits(packet, flow):
            return Leg.RELAYED if _opens(packet) else Leg.DATA
        if _fits(packet, flow.back):
            return Leg.RELAYED_REPLY if _answers(packet) else Leg.DATA
    return None


def _echo_leg(packet: Packet, quoted: Packet | None, protocol: Protocol) -> Leg | None:
    """The leg of an echo's packet: what is looked for has its identifier, which a `Packet` has not."""
    if quoted is not None:
        return Leg.ERROR if quoted.protocol is protocol else None
    kinds = dict(zip(ECHO[protocol], (Leg.FORWARD, Leg.REPLY), strict=True))
    return kinds.get(packet.icmp_type) if packet.protocol is protocol and packet.icmp_type is not None else None


def _turned(packet: Packet) -> Packet:
    return Packet(packet.dst, packet.src, packet.protocol, packet.dport, packet.sport)


def _opens(packet: Packet) -> bool:
    if packet.protocol is not Protocol.TCP:
        return True
    return packet.tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST) == TCP_SYN


def _answers(packet: Packet) -> bool:
    if packet.protocol is not Protocol.TCP:
        return True
    return packet.tcp_flags & (TCP_SYN | TCP_ACK) == TCP_SYN | TCP_ACK or bool(packet.tcp_flags & TCP_RST)


def _fits(packet: Packet, flow: Flow) -> bool:
    pairs = ((flow.src, packet.src), (flow.dst, packet.dst), (flow.sport, packet.sport), (flow.dport, packet.dport))
    return packet.protocol is flow.protocol and all(want is None or want == is_ for want, is_ in pairs)


def traces(talk: Conversation) -> Iterator[tuple[Leg, Trace]]:
    """The journeys of a prediction with the leg that each is; of relays one behind the other, those of each.

    A reset in the target's name comes as an answer would: on the wire it is the reply.
    """
    yield Leg.FORWARD, talk.forward
    if talk.reply:
        yield Leg.REPLY, talk.reply
    if talk.error:
        reset = talk.error.hops[0].packet.tcp_flags & TCP_RST
        yield (Leg.REPLY if reset else Leg.ERROR), talk.error
    if talk.confirm:
        yield Leg.CONFIRM, talk.confirm
    if talk.request:
        yield Leg.CONFIRM, talk.request
    if talk.answer:
        yield Leg.DATA, talk.answer
    relay = talk.relayed
    while relay is not None:
        yield Leg.RELAYED, relay.forward
        if relay.reply:
            yield Leg.RELAYED_REPLY, relay.reply
        relay = relay.relayed
