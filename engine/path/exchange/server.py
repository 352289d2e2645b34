"""The end that takes a question's packets: a socket, or none, the kernel's own answers, and what goes back.

Echoes are the kernel's own to answer. Later packets of a connection are taken where the first one was, and as it was.
"""

from __future__ import annotations

from ipaddress import ip_address

from engine.model.firewall import RejectKind
from engine.model.link import Link
from engine.model.packet import ECHO, TCP_RST, TCP_SYN, Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Outcome, StepKind, Trace
from engine.model.traffic import Listener
from engine.path.exchange.client import KEPT, Client, do_without
from engine.path.exchange.echo import take_echo
from engine.path.exchange.icmp_errors import (
    Arrival,
    arrival_of,
    error_packet,
    error_start,
    foreign_source,
    reflected,
    reply_mark,
)
from engine.path.fields.table import NO_SOCKET
from engine.path.ip.special_addresses import not_taken, shared
from engine.path.journey import Journey, Setting
from engine.path.lookup.flow import tuple_of
from engine.path.lookup.packet_lengths import of_tcp
from engine.path.lookup.sockets import find_listeners, listener_ref
from engine.path.netfilter.conntrack import attach
from engine.path.stages import LocalOut
from engine.path.walk import walk
from engine.records import replace

#: What an answer rests on where programs share a port.
SHARED_PORT = "ASSUME_SHARED_PORT"


class Server:
    """Whoever takes the packets of one question. `taken` is the first packet as it arrived, once one did; `handed`
    says that a rule gave it to a (transparent) socket, `ended` is where the last answer did."""

    def __init__(self, setting: Setting, asker: Client) -> None:
        self.setting = setting
        self.asker = asker
        self.protocol = asker.question.protocol
        self.taken: Arrival | None = None
        self.handed = False
        self.ended: Arrival | None = None

    def listens(self, journey: Journey, device: Link) -> Trace:
        """The first packet's end: a socket, or none."""
        netns = journey.netns
        if self.protocol in ECHO:
            self.taken = Arrival(netns, journey.packet, journey.context)
            return take_echo(journey)
        if journey.proxied:
            self.handed = True
            track = journey.skb.track
            self.taken = Arrival(netns, journey.packet, journey.context, track=track, proxied=True)
            return journey.end(Outcome.DELIVERED)
        given = journey.skb.assigned
        self.handed = given is not None
        listener = given.listener if given is not None else self._socket(journey, device)
        self.taken = Arrival(netns, journey.packet, journey.context, listener, own=True)
        self.setting.refused.update(journey.packet.stripped - KEPT)
        if listener is not None:
            self.setting.sockets[netns.id, tuple_of(journey.packet)] = True if given else listener.transparent
        everybodys = shared(netns, journey.packet.dst)
        # UDP looks for a socket of any address, SCTP of an anycast one, too (sctp_v6_addr_valid).
        sought = {Protocol.UDP: ("broadcast", "anycast"), Protocol.SCTP: ("anycast",)}.get(self.protocol, ())
        if everybodys is not None and everybodys.kind not in sought:
            a = "a broadcast" if everybodys.kind == "broadcast" else "an anycast"
            return not_taken(journey, everybodys, f"{a} address takes no connections")
        if everybodys is not None and everybodys.kind == "broadcast" and listener is None:
            return not_taken(journey, everybodys, "no error is sent for broadcast or multicast without a socket")
        if listener is None:
            port = f"{journey.packet.dport}/{journey.packet.protocol}"
            ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
            journey.step(StepKind.SOCKET, f"no socket listens on {journey.packet.dst}:{port}", ref)
            return journey.end(Outcome.NO_LISTENER)
        ref = listener_ref(netns.id, listener)
        tunnel = self._tunnel(journey, listener)
        if tunnel is not None:
            text = f"the kernel takes {tunnel.kind} frames of {tunnel.name} there, and drops everything else"
            journey.step(StepKind.SOCKET, text, ref)
            return journey.end(Outcome.TUNNEL_PORT)
        if self.protocol is Protocol.TCP and listener.queued > listener.backlog:
            text = f"the accept queue is full ({listener.queued} waiting, backlog {listener.backlog})"
            journey.step(StepKind.SOCKET, text, ref)
            return journey.end(Outcome.BACKLOG_FULL)
        journey.step(StepKind.SOCKET, f"delivered to {ref.text}", ref)
        return journey.end(Outcome.DELIVERED)

    def _tunnel(self, journey: Journey, listener: Listener) -> Link | None:
        """The device of the kernel's own socket (vxlan_rcv, geneve_udp_encap_recv), which no program answers by."""
        if self.protocol is not Protocol.UDP or listener.process is not None:
            return None
        return journey.world.wiring.tunnel_at(journey.netns, listener.port)

    def _socket(self, journey: Journey, device: Link) -> Listener | None:
        """The socket of the packet; where programs share its port, each of them in a branch of its own."""
        found = find_listeners(journey.netns, journey.packet, device)
        if len(found) < 2:
            return found[0] if found else None
        names = " and ".join(listener_ref(journey.netns.id, each).text for each in found)
        sentence = f"programs share a port in {journey.netns.id}, and the kernel chooses one: {names}"
        about = Assumption(SHARED_PORT, sentence, listener_ref(journey.netns.id, found[0]))
        place = (journey.netns.id, journey.packet.dst, journey.packet.dport)
        return found[journey.pick_once(("port", place), len(found), about)]

    def goes_on(self, journey: Journey, device: Link) -> Trace:
        """The end of a later packet: the connection is where the first packet arrived."""
        del device
        netns, first, given = journey.netns, self.taken, journey.skb.assigned
        assert first is not None
        if journey.proxied:  # a SYNPROXY takes one packet to open the connection; what it takes then is lost
            return journey.end(Outcome.DELIVERED if first.proxied else Outcome.RULE_DROP)
        ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
        text = f"{netns.id} has no connection for {journey.packet}"
        if netns.id == first.netns.id and tuple_of(journey.packet) == tuple_of(first.packet):
            if given is None or given.seen == tuple_of(first.packet):
                return journey.end(Outcome.DELIVERED)
            ref = listener_ref(netns.id, given.listener)
            text = f"passed to listener {given.listener}: the connection's destination differs from the rule's packet"
        journey.step(StepKind.SOCKET, text, ref)
        return journey.end(Outcome.REPLY_MISMATCH)

    def answers(self, arrival: Arrival, flags: int) -> Trace:
        """The answer to a packet that ended at `arrival`; `flags` are TCP's."""
        got = arrival.packet
        source, port = got.dst, got.dport
        wildcard = arrival.listener is not None and arrival.listener.address is None
        if self.protocol is Protocol.UDP and arrival.listener is not None:
            port = arrival.listener.port  # its own, where a rule gave it a packet for another one
        chosen = self.protocol in (Protocol.UDP, Protocol.SCTP) and wildcard
        if chosen or shared(arrival.netns, got.dst) is not None:
            # An unconnected wildcard socket lets routing choose the source of its answer, and so does an association,
            # whose other end knows all addresses (sctp_transport_route); a shared address is none.
            source = ip_address("0.0.0.0" if got.dst.version == 4 else "::")
        flags = flags if self.protocol is Protocol.TCP else 0
        packet = Packet(source, got.src, self.protocol, port, got.sport, flags)
        if self.protocol is Protocol.TCP:
            packet = replace(packet, length=of_tcp(got.dst.version, flags))
        packet = do_without(packet, self.setting.refused)
        if self.protocol in ECHO or (self.protocol is Protocol.TCP and flags & TCP_RST):
            packet = replace(packet, tos=got.tos)  # what the kernel answers by itself (icmp_echo, tcp_v4_send_reset)
        if self.protocol in ECHO:
            packet = replace(packet, icmp_type=ECHO[self.protocol][1], icmp_code=0, number=got.number)
        journey = self.asker.back(arrival, packet, 0 if arrival.proxied else reply_mark(arrival, packet))
        if arrival.proxied and arrival.track is not None:
            attach(journey, arrival.track, "established", reply=True)
        start = None if self.handed else foreign_source(journey, packet.src)
        trace = self.asker.hears(journey, start or LocalOut())
        self.ended = arrival_of(journey, trace)
        return trace

    def opens(self, proxy: Arrival) -> tuple[Trace, Arrival]:
        """The first packet that a SYNPROXY sends to the server, where it has taken the client's third one."""
        got = proxy.packet
        packet = Packet(got.src, got.dst, self.protocol, got.sport, got.dport, TCP_SYN)
        journey = Journey(self.setting, proxy.netns.id, packet, self.listens)
        journey.see(uid=NO_SOCKET)
        journey.skb.proxying = True
        trace = walk(journey, LocalOut())
        return trace, arrival_of(journey, trace)

    def told(self, answer: Trace, kind: RejectKind) -> Trace:
        """The journey of the error about the last answer, which is lost, to whoever sent it. The client hears nothing
        of it, and no answer rests on it."""
        end = self.ended
        assert end is not None
        journey = Journey(self.setting, end.netns.id, error_packet(end, kind, answer.outcome), self._learns)
        journey.see(uid=NO_SOCKET, mark=reflected(end))
        journey.bound = end.zone
        start = error_start(journey, end, kind)
        return replace(start if isinstance(start, Trace) else walk(journey, start), assumptions=())

    def _learns(self, journey: Journey, device: Link) -> Trace:
        """The end of an error about an answer."""
        del device
        netns = journey.netns
        here = self.taken is not None and netns.id == self.taken.netns.id
        ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
        journey.step(
            StepKind.SOCKET, "the replying socket receives it" if here else f"no socket in {netns.id} replied", ref
        )
        return journey.end(Outcome.DELIVERED if here else Outcome.REPLY_MISMATCH)

    def is_reset(self, answer: Trace) -> bool:
        """Whether the last answer, which is lost, is refused with a reset that reaches the connection: by a rule, or by
        a stranger who got it."""
        end = self.ended
        assert end is not None
        by_rule = answer.reject is RejectKind.TCP_RESET
        if not by_rule and answer.outcome is not Outcome.REPLY_MISMATCH:
            return False
        packet = error_packet(end, RejectKind.TCP_RESET, answer.outcome)
        journey = Journey(self.setting, end.netns.id, packet, self.goes_on)
        journey.see(uid=NO_SOCKET)
        start = error_start(journey, end, RejectKind.TCP_RESET) if by_rule else LocalOut()
        trace = start if isinstance(start, Trace) else walk(journey, start)
        return trace.outcome is Outcome.DELIVERED

    def is_frozen(self, arrival: Arrival) -> bool:
        """Whether the program that should speak is stopped."""
        process = arrival.listener.process if arrival.listener else None
        if process is not None and process.state in ("T", "t"):
            return True
        containers = self.setting.world.snapshot.containers_in(arrival.netns.id)
        return bool(containers) and all(container.state == "paused" for container in containers)
