"""A question as a conversation: the first packet, the answer to it, the third packet, data both ways, a relay's own
connection.

The packets share their flows (`Setting.tracks`), so that a reply is un-NATed by what the first packet was translated
to. Three rules say which packets there are:

1. A first packet of TCP or SCTP that is lost is sent again a second later. It belongs to a flow by then wherever the
   first one got through, so it may fare otherwise; what it comes to is the conversation, and the first one is told
   beside it with its answer (`Conversation.lost`). Between namespaces a packet and its error are one call, so that
   the error comes while connect() is busy: IPv4's wakes a client that polls, IPv6's is not heard (tcp_v4_err,
   tcp_v6_err: ip_icmp_error queues it for everybody, ipv6_icmp_error for who asked).
2. TCP's data goes the way of the handshake, unless something there told one packet of a connection from another
   (`Setting.told`): a rule that asked for it, or a packet that belonged to no flow, after which one from the middle of
   the connection may begin a flow of its own (`tcp`). Then the client's data and the server's are walked as well.
3. The third packet need not arrive: the client's data does the same for the server. An ICMP error about it still comes
   while a client polls, whose connect() then fails with it, though the connection stands (SO_ERROR takes sk_err_soft);
   one on another machine has looked before. The server's bare acknowledgement of data need not arrive, either.

`converse` runs one branch; `conversations` runs them all.
"""

from __future__ import annotations

from engine.model.firewall import RejectKind
from engine.model.packet import ECHO, PORTS, TCP_ACK, TCP_PSH, TCP_RST, TCP_SYN, Protocol
from engine.model.trace import Assumption, Conversation, Outcome, StepKind, Symptom, Trace
from engine.model.traffic import Process
from engine.model.verdict import Question, Source
from engine.path.choices import BranchRun, Choices, explore
from engine.path.exchange.client import Client
from engine.path.exchange.icmp_errors import Arrival, error_packet, error_start, foreign_source, reflected, untold
from engine.path.exchange.server import Server
from engine.path.exchange.symptoms import (
    ERROR_FOR,
    ERROR_FOR6,
    LATE,
    at_sender,
    error_symptom,
    relayed_symptom,
    sender_symptom,
)
from engine.path.journey import Setting
from engine.path.lookup.flow import Tracks
from engine.path.lookup.view import AT_RANDOM, OF_ONE_PACKET
from engine.path.lookup.vrf import domain_of
from engine.path.world import World
from engine.records import replace

#: A relay that leads to a relay that leads to a relay … ends here.
MOST_RELAYS = 4
#: Why a client ends the handshake of TLS.
TLS_REASONS = frozenset({"HTTP_TLS_TO_PLAIN", "TLS_EXPIRED", "TLS_NAME_MISMATCH"})
#: Protocols that open a connection, and so send its first packet again.
OPENING = frozenset({Protocol.TCP, Protocol.SCTP})


def conversations(world: World, question: Question) -> tuple[list[BranchRun[Conversation]], bool]:
    """Every way the question can go, and whether all of them were walked."""
    return explore(lambda choices: converse(world, question, choices))


def converse(world: World, question: Question, choices: Choices, depth: int = 0) -> Conversation:
    """One way the question goes."""
    if question.name:
        from engine.path.exchange.by_name import by_name  # noqa: PLC0415 - a question by address looks nothing up

        return by_name(world, question, lambda each, turns: converse(world, each, choices, depth + turns))
    return Exchange(world, question, choices, depth).run()


class Exchange:
    """The packets of one question, in order."""

    def __init__(self, world: World, question: Question, choices: Choices, depth: int) -> None:
        self.question = question
        self.protocol = question.protocol
        self.depth = depth
        self.setting = Setting(world, Tracks(), choices)
        self.asker = Client(self.setting, question, depth)
        self.answerer = Server(self.setting, self.asker)

    def run(self) -> Conversation:
        """The first packet and what comes of it; where it is lost, of the one that is sent again."""
        talk = self._followed(*self.asker.opens(self.answerer.listens))
        if not self._goes_again(talk):
            return talk
        self.setting.tracks.forget_unconfirmed()
        first = talk.forward.hops[0].packet
        forward, end = self.asker.goes_on(first.tcp_flags, self.answerer.listens)
        again = self._followed(forward, None if end.hidden else end)
        return replace(again, lost=talk) if _differs(talk, again) else talk

    def _goes_again(self, talk: Conversation) -> bool:
        """Whether the first packet is sent again, and may fare otherwise than before."""
        told = talk.error is not None and talk.symptom is not Symptom.TIMEOUT
        heard = self.question.source.outside or self.question.address.version == 4 or _is_reset(talk.error)
        if told and (heard or talk.forward.outcome in LATE):
            return False
        if self.protocol not in OPENING or not (told or talk.symptom is Symptom.TIMEOUT):
            return False
        return bool(self.setting.told & AT_RANDOM) or self.setting.tracks.any_confirmed()

    def _followed(self, forward: Trace, ended: Arrival | None) -> Conversation:
        """What answers a first packet."""
        taken = self.answerer.taken
        if taken is not None and forward.outcome is Outcome.DELIVERED:
            return self._answered(forward, taken)
        if taken is not None and forward.outcome is Outcome.NO_LISTENER:
            return self._closed_port(forward, taken)
        return self._failed(forward, ended)

    def _answered(self, forward: Trace, taken: Arrival) -> Conversation:
        """A socket took the packet: its answer, then the client's third packet, data, and what the program does."""
        if self.protocol is Protocol.UDP:
            return self._told(self._served(Conversation(forward, Symptom.CONNECTED), taken), taken)
        earlier = set(self.setting.told)
        self.setting.told.clear()
        reply = self.answerer.answers(taken, TCP_SYN | TCP_ACK)
        if reply.outcome is not Outcome.DELIVERED:
            self.setting.told.update(earlier)
            return Conversation(forward, Symptom.TIMEOUT, reply, self._notice(reply))
        connected = Conversation(forward, Symptom.CONNECTED, reply)
        if self.protocol not in OPENING:
            return self._served(connected, taken)
        if self.protocol is not Protocol.TCP:
            confirm, _ = self.asker.goes_on(0, self.answerer.goes_on)
            connected = replace(connected, confirm=confirm)
            lost = confirm.outcome is not Outcome.DELIVERED  # the client waits for the answer to its cookie
            return replace(connected, symptom=Symptom.TIMEOUT) if lost else self._served(connected, taken)
        confirm, end = self.asker.goes_on(TCP_ACK, self.answerer.goes_on)
        connected = replace(connected, confirm=confirm)
        lost = confirm.outcome is not Outcome.DELIVERED
        if taken.proxied and not lost:
            return self._proxied(connected, end)
        if self.setting.told & (OF_ONE_PACKET | AT_RANDOM if lost else OF_ONE_PACKET):
            return self._exchanged(connected, taken, end)
        return self._cut(connected, confirm, end, Symptom.RESET) if lost else self._served(connected, taken)

    def _proxied(self, talk: Conversation, proxy: Arrival) -> Conversation:
        """The client has a connection to a SYNPROXY, which opens one to the server now. Of errors about that the client
        does not hear, since they quote a packet from before its connection (tcp_v4_err)."""
        self.answerer.taken = None
        forward, end = self.answerer.opens(proxy)
        server, second = self.answerer.taken, Conversation(forward, Symptom.TIMEOUT)
        if server is not None and forward.outcome is Outcome.DELIVERED:
            reply = self.answerer.answers(server, TCP_SYN | TCP_ACK)
            joined = reply.outcome is Outcome.DELIVERED and reply.hops[-1].netns == proxy.netns.id
            second = replace(second, reply=reply, symptom=Symptom.CONNECTED if joined else Symptom.TIMEOUT)
        elif server is not None and forward.outcome is Outcome.NO_LISTENER:
            second = self._closed_port(forward, server)
        elif forward.reject is RejectKind.TCP_RESET and end.netns.id != proxy.netns.id:
            second = self._error(forward, end, RejectKind.TCP_RESET)
        talk = replace(talk, relayed=second)
        if second.symptom is not Symptom.CONNECTED:
            refused = second.symptom is Symptom.REFUSED
            return replace(talk, symptom=Symptom.RESET if refused else Symptom.ACCEPTED_THEN_SILENT)
        assert server is not None
        return self._exchanged(talk, server, end)

    def _told(self, served: Conversation, taken: Arrival) -> Conversation:
        """The answer to a datagram is the program's: there is none where it has none."""
        if served.symptom is not Symptom.CONNECTED:
            return served
        reply = self.answerer.answers(taken, 0)
        heard = reply.outcome is Outcome.DELIVERED
        symptom = Symptom.CONNECTED if heard else Symptom.TIMEOUT
        return replace(served, reply=reply, notice=self._notice(reply), symptom=symptom)

    def _exchanged(self, talk: Conversation, taken: Arrival, end: Arrival) -> Conversation:
        """Data both ways, after a third packet that ended at `end`."""
        assert talk.confirm is not None
        lost = talk.confirm.outcome is not Outcome.DELIVERED
        if lost:
            cut = self._cut(talk, talk.confirm, end, Symptom.RESET)
            if cut.symptom is not Symptom.ACCEPTED_THEN_SILENT:
                return cut
        request, end = self.asker.goes_on(TCP_PSH | TCP_ACK, self.answerer.goes_on)
        talk = replace(talk, request=request)
        if request.outcome is not Outcome.DELIVERED:
            cut = self._cut(talk, request, end, Symptom.ACCEPTED_THEN_CLOSED)
            return cut if lost else self._accepted(cut, taken)
        receipt = self.answerer.answers(taken, TCP_ACK)
        talk = replace(talk, receipt=receipt)
        if receipt.outcome is not Outcome.DELIVERED and self.answerer.is_reset(receipt):
            return self._accepted(self._closed(replace(talk, answer=receipt)), taken)
        answer = self.answerer.answers(taken, TCP_PSH | TCP_ACK)
        talk = replace(talk, answer=answer)
        if answer.outcome is Outcome.DELIVERED:
            return self._served(talk, taken)
        if receipt.outcome is not Outcome.DELIVERED and self.answerer.is_reset(answer):
            return self._accepted(self._closed(talk), taken)
        return self._accepted(replace(talk, symptom=Symptom.ACCEPTED_THEN_SILENT), taken)

    def _accepted(self, talk: Conversation, taken: Arrival) -> Conversation:
        """A relay has accepted, and opens its own connection whatever comes of the data."""
        return replace(talk, relayed=self._served(talk, taken).relayed)

    def _closed(self, talk: Conversation) -> Conversation:
        """The server's connection is reset. Data of the client, not acknowledged, is sent again and refused."""
        silent = replace(talk, symptom=Symptom.ACCEPTED_THEN_SILENT)
        request, end = self.asker.goes_on(TCP_PSH | TCP_ACK, self.answerer.goes_on)
        if request.outcome is not Outcome.DELIVERED:
            return silent
        reset = self.answerer.answers(end, TCP_RST)
        heard = reset.outcome is Outcome.DELIVERED
        return replace(silent, symptom=Symptom.ACCEPTED_THEN_CLOSED, error=reset) if heard else silent

    def _cut(self, talk: Conversation, lost: Trace, end: Arrival, symptom: Symptom) -> Conversation:
        """A packet of the client is lost, which has a connection by now and hears of nothing but a reset: `symptom`
        then, or of an error about its third packet. A namespace that knows no such connection sends a reset, too."""
        silent = replace(talk, symptom=Symptom.ACCEPTED_THEN_SILENT)
        if lost.outcome is Outcome.REPLY_MISMATCH:
            error = self.answerer.answers(end, TCP_RST)
        else:
            kind = self._message(lost)
            polls = lost is talk.confirm and lost.outcome not in LATE and not self.question.source.outside
            if kind is None or not (polls or kind is RejectKind.TCP_RESET):
                return silent
            error = self._sent_back(lost, end, kind)
            if kind is not RejectKind.TCP_RESET:
                symptom = error_symptom(kind, self.protocol, end.packet.dst.version)
        return replace(talk, symptom=symptom, error=error) if error.outcome is Outcome.DELIVERED else silent

    def _served(self, connected: Conversation, taken: Arrival) -> Conversation:
        process = taken.listener.process if taken.listener else None
        silent = Symptom.TIMEOUT if self.protocol is Protocol.UDP else Symptom.ACCEPTED_THEN_SILENT
        if self.protocol not in ECHO and self.answerer.is_frozen(taken):
            return replace(connected, symptom=silent)
        if process is None or process.relay is None:
            return self._answered_by_proxy(connected, taken, process) if self.question.url is not None else connected
        relay = process.relay
        if relay.silent:
            return replace(connected, symptom=silent)
        if relay.target is None or relay.port is None or relay.port not in PORTS or self.depth >= MOST_RELAYS:
            about = Assumption("ASSUME_RELAY_SERVES", f"{relay.kind} passes the connection on to its target")
            forward = replace(connected.forward, assumptions=(*connected.forward.assumptions, about))
            return replace(connected, forward=forward)
        second = Question(Source(taken.netns.id), relay.target, relay.port, self.protocol, url=self.question.url)
        talk = converse(self.setting.world, second, self.setting.choices, self.depth + 1)
        return replace(connected, symptom=relayed_symptom(talk.symptom, self.protocol), relayed=talk, http=talk.http)

    def _answered_by_proxy(self, connected: Conversation, taken: Arrival, process: Process | None) -> Conversation:
        """The proxy that took an HTTP client's connection asks on by one of its own."""
        proxies = self.setting.world.snapshot.around(taken.netns.id).proxies
        pid = process.pid if process is not None else 0
        proxy = next((each for each in proxies if pid in each.pids), None)
        if proxy is None or self.question.url is None or self.depth >= MOST_RELAYS:
            return connected
        from engine.path.proxies.access import as_asked_by  # noqa: PLC0415 - few questions meet a proxy
        from engine.path.proxies.passing import Passing  # noqa: PLC0415

        world, choices, depth = self.setting.world, self.setting.choices, self.depth + 1
        proxy = as_asked_by(proxy, taken.packet.src)
        passing = Passing(world, proxy, self.question.url, lambda asked: converse(world, asked, choices, depth))
        http, talk = passing.answer(taken.packet.dst, taken.packet.dport or 0)
        symptom = Symptom.TLS_FAILURE if http.reason in TLS_REASONS and talk is None else connected.symptom
        return replace(connected, symptom=symptom, relayed=talk, http=http)

    def _closed_port(self, forward: Trace, taken: Arrival) -> Conversation:
        if self.protocol is Protocol.UDP:
            return self._error(forward, taken, RejectKind.PORT_UNREACHABLE)
        # SCTP answers with an ABORT (sctp_ootb), which is to a client what a reset is.
        reset = self.answerer.answers(taken, TCP_RST | TCP_ACK)
        heard = reset.outcome is Outcome.DELIVERED
        return Conversation(forward, Symptom.REFUSED if heard else Symptom.TIMEOUT, reset, self._notice(reset))

    def _failed(self, forward: Trace, ended: Arrival | None) -> Conversation:
        kind, symptom = self._message(forward), None
        if ended is not None and at_sender(forward, outside=self.question.source.outside):
            symptom = sender_symptom(forward, self.protocol)
            kind = kind if symptom is None else forward.reject  # a rule's error is sent, though connect() knows by then
        if kind is None or ended is None or untold(ended):
            return Conversation(forward, symptom or Symptom.TIMEOUT)
        talk = self._error(forward, ended, kind)
        return talk if symptom is None else replace(talk, symptom=symptom)

    def _notice(self, answer: Trace) -> Trace | None:
        """What tells whoever answered that the answer is lost; None where it is not, or nothing does."""
        kind, end = self._message(answer), self.answerer.ended
        if answer.outcome is Outcome.DELIVERED or kind is None or end is None or end.hidden or untold(end):
            return None
        known = at_sender(answer, outside=False) and sender_symptom(answer, self.protocol) is not None
        reset = kind is RejectKind.TCP_RESET and bool(end.packet.tcp_flags & TCP_RST)
        return None if reset or (known and answer.reject is None) else self.answerer.told(answer, kind)

    def _message(self, lost: Trace) -> RejectKind | None:
        """What is sent back for a packet that ended so; None where that is nothing."""
        told = ERROR_FOR if self.question.address.version == 4 else ERROR_FOR6
        return lost.reject or told.get(lost.outcome)

    def _error(self, forward: Trace, ended: Arrival, kind: RejectKind) -> Conversation:
        """The message that tells the client of the failure, and whether it gets there."""
        error = self._sent_back(forward, ended, kind)
        heard = error.outcome is Outcome.DELIVERED
        symptom = error_symptom(kind, self.protocol, ended.packet.dst.version) if heard else Symptom.TIMEOUT
        return Conversation(forward, symptom, error=error)

    def _sent_back(self, failed: Trace, ended: Arrival, kind: RejectKind) -> Trace:
        """The error's own journey."""
        journey = self.asker.back(ended, error_packet(ended, kind, failed.outcome), reflected(ended))
        if failed.outcome is Outcome.NO_NEIGHBOUR:  # the device that it would have left by says so (ipv4_link_failure)
            domain = domain_of(ended.netns, ended.netns.links_by_name.get(ended.context.oif))
            journey.see(socket_device=domain.name if domain is not None else "")
        unsent = foreign_source(journey, ended.packet.dst) if failed.outcome is Outcome.NO_LISTENER else None
        return self.asker.hears(journey, unsent or error_start(journey, ended, kind))


def _is_reset(error: Trace | None) -> bool:
    return error is not None and bool(error.hops[0].packet.tcp_flags & TCP_RST)


def _differs(first: Conversation, again: Conversation) -> bool:
    """Whether the packet that was sent again fared otherwise, or met a rule that the first one did not."""
    if (first.symptom, first.forward.outcome) != (again.symptom, again.forward.outcome):
        return True
    met = {(step.ref, step.verdict) for step in first.forward.steps}
    return any((step.ref, step.verdict) not in met for step in again.forward.steps if step.kind is StepKind.RULE)
