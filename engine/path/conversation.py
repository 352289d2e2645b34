"""A question as a conversation: the first packet, the answer to it, the third packet, a relay's own connection.

The packets share their flows (`Setting.tracks`), so that a reply is un-NATed by what the first packet was
translated to. `converse` runs one branch; `conversations` runs them all.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.firewall import RejectKind
from engine.model.link import Link
from engine.model.packet import ECHO, TCP_ACK, TCP_RST, TCP_SYN, Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Conversation, Outcome, StepKind, Symptom, Trace
from engine.model.traffic import Tuple4
from engine.model.verdict import Question, Source
from engine.path.choices import Choices, Run, explore
from engine.path.client import kept_flows, source_port
from engine.path.echo import is_anycast, take_echo
from engine.path.errors import Arrival, arrival_of, error_packet, error_start, reflected, reply_mark
from engine.path.fields import NO_SOCKET
from engine.path.flow import Tracks, inverse, tuple_of
from engine.path.journey import Journey, Setting
from engine.path.segment import bridge_of
from engine.path.sockets import find_listener, listener_ref
from engine.path.stages import Arrive, LocalOut, Stack, Stage
from engine.path.symptoms import (
    ERROR_FOR,
    ERROR_FOR6,
    at_sender,
    error_symptom,
    relayed_symptom,
    sender_symptom,
)
from engine.path.walk import walk
from engine.path.world import World

#: A relay that leads to a relay that leads to a relay … ends here.
MOST_RELAYS = 4


def conversations(world: World, question: Question) -> tuple[list[Run[Conversation]], bool]:
    """Every way the question can go, and whether all of them were walked."""
    return explore(lambda choices: converse(world, question, choices))


def converse(world: World, question: Question, choices: Choices, depth: int = 0) -> Conversation:
    """One way the question goes."""
    return Talk(world, question, choices, depth).run()


class Talk:
    """The packets of one question, in order."""

    def __init__(self, world: World, question: Question, choices: Choices, depth: int) -> None:
        self.question = question
        self.setting = Setting(world, Tracks(), choices)
        self.depth = depth
        self.arrival: Arrival | None = None
        self.flow: Tuple4 | None = None

    def run(self) -> Conversation:
        """First packet, then whatever answers it."""
        forward = self._first()
        if forward.outcome is Outcome.DELIVERED and self.arrival is not None:
            return self._answered(forward, self.arrival)
        if forward.outcome is Outcome.NO_LISTENER and self.arrival is not None:
            return self._closed_port(forward, self.arrival)
        return self._failed(forward)

    @property
    def protocol(self) -> Protocol:
        """The question's."""
        return self.question.protocol

    def _first(self) -> Trace:
        source = self.question.source
        any_address: IPAddress = ip_address("0.0.0.0" if self.question.address.version == 4 else "::")
        packet = Packet(source.address or any_address, self.question.address, self.protocol)
        if self.protocol in ECHO:
            packet = replace(packet, icmp_type=ECHO[self.protocol][0], icmp_code=0)
        else:
            port = source_port(self.setting.world, self.question, self.setting.choices, self.depth)
            flags = TCP_SYN if self.protocol is Protocol.TCP else 0
            packet = replace(packet, sport=port, dport=self.question.port, tcp_flags=flags)
        journey = Journey(self.setting, source.netns, packet, self._listen)
        journey.connecting = True
        journey.bound = self._zone()
        stage = self._start(journey, source)
        first = journey.packet
        trace = kept_flows(self.setting.world, self.setting.tracks, walk(journey, stage))
        sent = trace.hops[0].packet if first.src.is_unspecified else first
        self.flow = Tuple4(sent.src, first.dst, first.sport, first.dport)
        if trace.outcome in (Outcome.DELIVERED, Outcome.NO_LISTENER):
            return trace
        if not journey.hidden:
            self.arrival = arrival_of(journey, trace)
        return trace

    def _zone(self) -> int | None:
        """The device that a link-local target was asked for by."""
        link = self.setting.world.netns(self.question.source.netns).links_by_name.get(self.question.zone)
        return link.index if link is not None else None

    def _start(self, journey: Journey, source: Source) -> Stage:
        if source.device is None:
            return LocalOut()
        link = journey.netns.links_by_name[source.device]
        journey.exit = (journey.netns.id, link.index)
        if link.kind == "bridge":
            return Stack(link)
        bridge = bridge_of(journey.netns, link)
        return Arrive(link, (bridge or link).mac)

    def _listen(self, journey: Journey, device: Link) -> Trace:
        """The first packet's end: a socket, or none. Echoes are the kernel's own to answer."""
        netns = journey.netns
        if self.protocol in ECHO:
            self.arrival = Arrival(netns, journey.packet, journey.context)
            return take_echo(journey)
        listener = journey.assigned or find_listener(netns, journey.packet, device)
        self.arrival = Arrival(netns, journey.packet, journey.context, listener)
        if listener is None:
            port = f"{journey.packet.dport}/{journey.packet.protocol}"
            ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
            journey.step(StepKind.SOCKET, f"no socket takes {journey.packet.dst}:{port} here", ref)
            return journey.end(Outcome.NO_LISTENER)
        ref = listener_ref(netns.id, listener)
        if self.protocol is Protocol.TCP and listener.queued > listener.backlog:
            text = f"the accept queue is full ({listener.queued} wait, {listener.backlog} may)"
            journey.step(StepKind.SOCKET, text, ref)
            return journey.end(Outcome.BACKLOG_FULL)
        journey.step(StepKind.SOCKET, f"delivered to {ref.text}", ref)
        return journey.end(Outcome.DELIVERED)

    def _answered(self, forward: Trace, arrival: Arrival) -> Conversation:
        """A socket took the packet: its answer, then the client's third packet, then what the program does."""
        flags = TCP_SYN | TCP_ACK if self.protocol is Protocol.TCP else 0
        reply = self._reply(arrival, flags)
        if reply.outcome is not Outcome.DELIVERED:
            return Conversation(forward, Symptom.TIMEOUT, reply)
        if self.protocol not in (Protocol.TCP, Protocol.SCTP):
            return self._served(Conversation(forward, Symptom.CONNECTED, reply), arrival)
        confirm, end = self._confirm()
        if confirm.outcome is not Outcome.DELIVERED:
            return self._unconfirmed(Conversation(forward, Symptom.TIMEOUT, reply, confirm=confirm), confirm, end)
        return self._served(Conversation(forward, Symptom.CONNECTED, reply, confirm=confirm), arrival)

    def _unconfirmed(self, talk: Conversation, confirm: Trace, end: Arrival) -> Conversation:
        """The third packet is lost. TCP's connect() has returned by now, and hears of nothing but a reset; SCTP's waits
        for the answer to its cookie."""
        if self.protocol is not Protocol.TCP:
            return talk
        if confirm.reject is not RejectKind.TCP_RESET:
            return replace(talk, symptom=Symptom.ACCEPTED_THEN_SILENT)
        reset = self._sent_back(confirm, end, RejectKind.TCP_RESET)
        heard = reset.outcome is Outcome.DELIVERED
        return replace(talk, symptom=Symptom.RESET if heard else Symptom.ACCEPTED_THEN_SILENT, error=reset)

    def _served(self, connected: Conversation, arrival: Arrival) -> Conversation:
        process = arrival.listener.process if arrival.listener else None
        silent = Symptom.TIMEOUT if self.protocol is Protocol.UDP else Symptom.ACCEPTED_THEN_SILENT
        if self.protocol not in ECHO and self._frozen(arrival):
            return replace(connected, symptom=silent)
        if process is None or process.relay is None:
            return connected
        relay = process.relay
        if relay.silent:
            return replace(connected, symptom=silent)
        if relay.target is None or relay.port is None or self.depth >= MOST_RELAYS:
            about = Assumption("ASSUME_RELAY_SERVES", f"{relay.kind} passes the connection on to where it should")
            forward = replace(connected.forward, assumptions=(*connected.forward.assumptions, about))
            return replace(connected, forward=forward)
        source = Source(arrival.netns.id)
        second = Question(source, relay.target, relay.port, self.protocol)
        talk = converse(self.setting.world, second, self.setting.choices, self.depth + 1)
        return replace(connected, symptom=relayed_symptom(talk.symptom, self.protocol), relayed=talk)

    def _frozen(self, arrival: Arrival) -> bool:
        process = arrival.listener.process if arrival.listener else None
        if process is not None and process.state in ("T", "t"):
            return True
        containers = self.setting.world.snapshot.containers_in(arrival.netns.id)
        return bool(containers) and all(container.state == "paused" for container in containers)

    def _reply(self, arrival: Arrival, flags: int) -> Trace:
        """The answer of the namespace that took the packet."""
        got = arrival.packet
        source = got.dst
        wildcard = arrival.listener is not None and arrival.listener.address is None
        if (self.protocol is Protocol.UDP and wildcard) or is_anycast(arrival.netns, got):
            # An unconnected wildcard socket lets routing choose the source of its answer; an anycast address is none.
            source = ip_address("0.0.0.0" if got.dst.version == 4 else "::")
        packet = Packet(source, got.src, self.protocol, got.dport, got.sport, flags)
        if self.protocol in ECHO:
            packet = replace(packet, icmp_type=ECHO[self.protocol][1], icmp_code=0)
        return self._sent(self._back(arrival, packet, reply_mark(arrival, packet)), LocalOut())

    def _confirm(self) -> tuple[Trace, Arrival]:
        """TCP's third packet, from the client, and where it ended."""
        assert self.flow is not None
        flow, source = self.flow, self.question.source
        flags = TCP_ACK if self.protocol is Protocol.TCP else 0
        packet = Packet(flow.src, flow.dst, self.protocol, flow.sport, flow.dport, flags)
        if flow.dst.version == 6 and source.address is None:
            # The socket keeps the route that it found before it had an address (inet6_csk_route_socket).
            packet = replace(packet, src=ip_address("::"))
        journey = Journey(self.setting, source.netns, packet)
        journey.connecting = True
        journey.bound = self._zone()
        trace = walk(journey, self._start(journey, source))
        return trace, arrival_of(journey, trace)

    def _closed_port(self, forward: Trace, arrival: Arrival) -> Conversation:
        if self.protocol is Protocol.UDP:
            return self._error(forward, arrival, RejectKind.PORT_UNREACHABLE)
        # SCTP answers with an ABORT (sctp_ootb), which is to a client what a reset is.
        reset = self._reply(arrival, TCP_RST | TCP_ACK if self.protocol is Protocol.TCP else 0)
        heard = reset.outcome is Outcome.DELIVERED
        return Conversation(forward, Symptom.REFUSED if heard else Symptom.TIMEOUT, reset)

    def _failed(self, forward: Trace) -> Conversation:
        outside = self.question.source.outside
        if at_sender(forward, outside=outside):
            symptom = sender_symptom(forward, self.protocol)
            if symptom is not None:
                return Conversation(forward, symptom)
        told = ERROR_FOR if self.question.address.version == 4 else ERROR_FOR6
        error = forward.reject or told.get(forward.outcome)
        if error is None or self.arrival is None:
            return Conversation(forward, Symptom.TIMEOUT)
        return self._error(forward, self.arrival, error)

    def _error(self, forward: Trace, arrival: Arrival, kind: RejectKind) -> Conversation:
        """The message that tells the client of the failure, and whether it gets there."""
        error = self._sent_back(forward, arrival, kind)
        heard = error.outcome is Outcome.DELIVERED
        symptom = error_symptom(kind, self.protocol, arrival.packet.dst.version) if heard else Symptom.TIMEOUT
        return Conversation(forward, symptom, error=error)

    def _sent_back(self, failed: Trace, arrival: Arrival, kind: RejectKind) -> Trace:
        """The error's own journey."""
        journey = self._back(arrival, error_packet(arrival, kind, failed.outcome), reflected(arrival))
        return self._sent(journey, error_start(journey, arrival, kind))

    def _back(self, arrival: Arrival, packet: Packet, mark: int) -> Journey:
        """A packet that goes back to the client from where the first one ended."""
        journey = Journey(self.setting, arrival.netns.id, packet, self._at_client)
        journey.see(uid=arrival.listener.uid if arrival.listener is not None else NO_SOCKET, mark=mark)
        journey.bound = arrival.zone
        device = self.question.source.device
        if device is not None:
            host = self.setting.world.netns(self.question.source.netns)
            journey.exit = (host.id, host.links_by_name[device].index)
        return journey

    def _sent(self, journey: Journey, start: Stage | Trace) -> Trace:
        """Its journey. One that leaves by an outside client's device has reached it."""
        trace = start if isinstance(start, Trace) else walk(journey, start)
        if not self.question.source.outside or trace.outcome is not Outcome.LEAVES_VIEW:
            return trace
        if not self._expected(journey):
            return replace(trace, outcome=Outcome.REPLY_MISMATCH)
        device = self.question.source.device
        words = f"packets of the client arrive on {device} and answers reach it: what is between is not seen here"
        about = Assumption("ASSUME_OUTSIDE_PATH", f"{words} (routers, security groups; --prove waits for one)")
        return replace(trace, outcome=Outcome.DELIVERED, assumptions=(*trace.assumptions, about))

    def _expected(self, journey: Journey) -> bool:
        """Whether a packet is what the client's socket waits for: an answer from where it asked, or an error that
        quotes its own packet."""
        if journey.inner is not None:
            return journey.inner == self.flow
        return self.flow is not None and tuple_of(journey.packet) == inverse(self.flow)

    def _at_client(self, journey: Journey, device: Link) -> Trace:
        """The end of what goes back: the client's socket takes only what it waits for."""
        if journey.inner is None:
            return self._taken(journey, self._expected(journey), f"{journey.packet} is not what the client waits for")
        if device.kind == "loopback" and self.question.zone:
            # A socket for a link-local address belongs to a device; an error made here comes by loopback (tcp_v6_err).
            return self._taken(journey, False, "the error comes by loopback, the client's socket waits at a device")
        return self._taken(journey, self._expected(journey), "the error does not speak of the client's packet")

    def _taken(self, journey: Journey, expected: bool, otherwise: str) -> Trace:
        netns = journey.netns
        ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
        if expected and netns.id == self.question.source.netns and not self.question.source.outside:
            journey.step(StepKind.SOCKET, "the client's socket takes it", ref)
            return journey.end(Outcome.DELIVERED)
        text = otherwise if netns.id == self.question.source.netns else f"ends in {netns.id}, not at the client"
        journey.step(StepKind.SOCKET, text, ref)
        return journey.end(Outcome.REPLY_MISMATCH)
