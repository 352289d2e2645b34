"""The client of a question: the packets that it sends, and what it takes of those that come back.

Its socket takes an answer from where it asked, and an error that quotes its own packet; all else ends at a stranger.
Where the client is outside of what is seen, what leaves by its device has reached it.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import ECHO, TCP_SYN, Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Outcome, StepKind, Trace
from engine.model.traffic import Tuple4
from engine.model.verdict import Question, Source
from engine.path.exchange.client_port import kept_flows, source_port
from engine.path.exchange.icmp_errors import Arrival, arrival_of
from engine.path.fields.header import opens
from engine.path.fields.table import NO_SOCKET
from engine.path.journey import Endpoint, Journey, Setting
from engine.path.lookup.broadcast_domain import bridge_of
from engine.path.lookup.flow import inverse, tuple_of
from engine.path.lookup.packet_lengths import of_tcp
from engine.path.lookup.vrf import domain_of
from engine.path.netfilter.mss import announced
from engine.path.stages import Arrive, LocalOut, Stack, Stage
from engine.path.walk import walk
from engine.records import replace

#: An option that each end announces for itself.
KEPT = frozenset({"maxseg"})


def do_without(packet: Packet, options: Collection[str]) -> Packet:
    """A packet of a connection whose handshake lost options of TCP, of a length that is not known then."""
    return replace(packet, stripped=packet.stripped | set(options), length=None) if options else packet


class Client:
    """One client. `flow` is what its packets look like when it sends them, once the first one has a source."""

    def __init__(self, setting: Setting, question: Question, depth: int) -> None:
        self.setting = setting
        self.question = question
        self.depth = depth
        self.flow: Tuple4 | None = None

    def opens(self, endpoint: Endpoint) -> tuple[Trace, Arrival | None]:
        """The first packet, and where it ended; None where it is inside of a tunnel or a bridge, whose errors its
        sender does not hear of."""
        asked = self.question
        packet = Packet(asked.source.address or _any(asked.address), asked.address, asked.protocol)
        if asked.protocol in ECHO:
            packet = replace(packet, icmp_type=ECHO[asked.protocol][0], icmp_code=0)
        else:
            port = source_port(self.setting.world, asked, self.setting.choices, self.depth)
            packet = replace(packet, sport=port, dport=asked.port)
            if asked.protocol is Protocol.TCP:
                packet = replace(packet, tcp_flags=TCP_SYN, length=of_tcp(packet.dst.version, TCP_SYN))
        journey, stage = self._sets_out(packet, endpoint)
        first = journey.packet
        trace = kept_flows(self.setting.world, self.setting.tracks, walk(journey, stage))
        sent = trace.hops[0].packet if first.src.is_unspecified else first
        self.flow = Tuple4(sent.src, first.dst, first.sport, first.dport)
        self.setting.sockets[asked.source.netns, inverse(self.flow)] = False
        return trace, None if journey.hidden else arrival_of(journey, trace)

    def goes_on(self, flags: int, endpoint: Endpoint) -> tuple[Trace, Arrival]:
        """A later packet of the same flow, and where it ended."""
        assert self.flow is not None
        flow, asked = self.flow, self.question
        length = of_tcp(flow.dst.version, flags) if asked.protocol is Protocol.TCP else None
        packet = Packet(flow.src, flow.dst, asked.protocol, flow.sport, flow.dport, flags, length=length)
        packet = do_without(packet, self.setting.refused)
        if flow.dst.version == 6 and asked.source.address is None:
            # The socket keeps the route that it found before it had an address (inet6_csk_route_socket).
            packet = replace(packet, src=_any(flow.dst))
        journey, stage = self._sets_out(packet, endpoint)
        trace = walk(journey, stage)
        return trace, arrival_of(journey, trace)

    def _sets_out(self, packet: Packet, endpoint: Endpoint) -> tuple[Journey, Stage]:
        source = self.question.source
        if source.device is not None and opens(packet):
            link = self.setting.world.netns(source.netns).links_by_name[source.device]
            packet = replace(packet, mss=announced(link.mtu, packet.dst.version))  # its own link has such an MTU, too
        journey = Journey(self.setting, source.netns, packet, endpoint)
        journey.connecting = True
        journey.bound = self._zone()
        return journey, _start(journey, source)

    def _zone(self) -> int | None:
        """The device that a link-local target was asked for by."""
        link = self.setting.world.netns(self.question.source.netns).links_by_name.get(self.question.zone)
        return link.index if link is not None else None

    def back(self, arrival: Arrival, packet: Packet, mark: int) -> Journey:
        """A packet that goes back to the client from where one of its own ended."""
        journey = Journey(self.setting, arrival.netns.id, packet, self._takes)
        listener = arrival.listener
        journey.see(uid=listener.uid if listener is not None else NO_SOCKET, mark=mark)
        own = arrival.netns.links_by_index.get(listener.device or 0) if listener is not None else None
        alone = Protocol.UDP if listener is not None else Protocol.SCTP  # whose answers are routed without the VRF
        if own is None and packet.protocol is not alone:
            own = arrival.domain  # what takes a packet of a VRF by itself answers there (inet_request_bound_dev_if)
        if own is not None:
            journey.see(socket_device=own.name)
        journey.bound = arrival.zone
        device = self.question.source.device
        if device is not None:
            host = self.setting.world.netns(self.question.source.netns)
            journey.exit = (host.id, host.links_by_name[device].index)
        return journey

    def hears(self, journey: Journey, start: Stage | Trace) -> Trace:
        """Its journey. One that leaves by an outside client's device, or into its network, has reached it; what becomes
        of one that leaves elsewhere is not known."""
        trace = start if isinstance(start, Trace) else walk(journey, start)
        if not self.question.source.outside or trace.outcome is not Outcome.LEAVES_VIEW:
            return trace
        if not self._lies_beyond(trace.last.ref):
            return trace
        if not self._expects(journey):
            return replace(trace, outcome=Outcome.REPLY_MISMATCH)
        device = self.question.source.device
        words = f"what lies between the client and {device} passes packets and replies: routers and security groups are"
        about = Assumption("ASSUME_OUTSIDE_PATH", f"{words} not in the snapshot (--prove waits for a real client)")
        return replace(trace, outcome=Outcome.DELIVERED, assumptions=(*trace.assumptions, about))

    def _lies_beyond(self, left: Ref | None) -> bool:
        """Whether an outside client is where a packet left: by the device that its own come in by, or into its subnet,
        or into one that both devices are in."""
        source = self.question.source
        host = self.setting.world.netns(source.netns)
        if left is None or left.kind is not RefKind.LINK or left.netns != host.id or left.name == source.device:
            return True
        came_by = host.links_by_name[source.device or ""].index
        there = [source.address, *(own.address for own in host.addresses if own.link == came_by)]
        left_by = [own for own in host.addresses if own.link == left.key[0]]
        return any(own.covers(address) for own in left_by for address in there if address is not None)

    def _expects(self, journey: Journey) -> bool:
        """Whether a packet is what the client's socket waits for: an answer from where it asked, or an error that
        quotes its own packet."""
        if journey.inner is not None:
            return journey.inner == self.flow
        if self.flow is None:
            return False
        heard, wanted = tuple_of(journey.packet), inverse(self.flow)
        if self.question.protocol is Protocol.SCTP and wanted.src in journey.origin.addresses_by_value:
            heard = replace(heard, src=wanted.src)  # from any address that the other end says it has (RFC 9260, 5.1.2)
        return heard == wanted

    def _hears_by_vrf(self, netns: Netns, *, error: bool) -> bool:
        """Whether the client's socket, which is bound to no device, takes what comes in by a VRF (inet_bound_dev_eq).

        TCP takes errors in any case (tcp_v4_err). An answer over UDP is found early, by TCP's setting, where the socket
        is connected (udp_v4_early_demux, inet_match).
        """
        protocol = self.question.protocol
        if protocol in ECHO or (protocol is Protocol.TCP and error):
            return True
        settings = {str(protocol), *(() if error else ("tcp",))}
        return any(netns.sysctl(f"net.ipv4.{name}_l3mdev_accept") for name in settings)

    def _takes(self, journey: Journey, device: Link) -> Trace:
        """The end of what goes back: the client's socket takes only what it waits for."""
        if journey.proxied:
            return journey.end(Outcome.DELIVERED)
        expected, otherwise = self._expects(journey), "the ICMP error quotes another packet than the client's"
        if journey.inner is None:
            otherwise = f"{journey.packet} is not the reply that the client expects"
        elif device.kind == "loopback" and self.question.zone:
            # A socket for a link-local address belongs to a device; an error made here comes by loopback (tcp_v6_err).
            expected, otherwise = False, "the ICMP error arrives on loopback, the client's socket is bound to a device"
        netns, source = journey.netns, self.question.source
        ref = Ref(RefKind.NETNS, netns.id, (), netns.id, netns.id)
        domain = domain_of(netns, device)
        if domain is not None and not self._hears_by_vrf(netns, error=journey.inner is not None):
            expected, otherwise = False, f"the client's socket is not bound to {domain.name}, by which it arrives"
        if expected and netns.id == source.netns and not source.outside:
            self.setting.refused.update(journey.packet.stripped - KEPT)
            journey.step(StepKind.SOCKET, "the client's socket receives it", ref)
            return journey.end(Outcome.DELIVERED)
        text = otherwise if netns.id == source.netns else f"ends in {netns.id}, not at the client"
        journey.step(StepKind.SOCKET, text, ref)
        return journey.end(Outcome.REPLY_MISMATCH)


def _any(address: IPAddress) -> IPAddress:
    return ip_address("0.0.0.0" if address.version == 4 else "::")


def _start(journey: Journey, source: Source) -> Stage:
    if source.device is None:
        return LocalOut()
    link = journey.netns.links_by_name[source.device]
    journey.exit = (journey.netns.id, link.index)
    if link.kind == "bridge":
        return Stack(link)
    bridge = bridge_of(journey.netns, link)
    return Arrive(link, (bridge or link).mac)
