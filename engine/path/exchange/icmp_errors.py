"""What is sent back for a packet that went no further: an ICMP error or a reset, its addresses, and where it starts.

1. An error has the flow of the packet that it speaks of (nf_ct_attach), and its mark where fwmark_reflect says so.
2. It is routed and passes OUTPUT and POSTROUTING like all that a namespace sends, with two exceptions.
3. A reset for a packet that came in by a bridge port past br_netfilter goes back by that port at once: it needs a
   route, which it does not take, and meets no hook, so that nothing turns a translation back.
4. A rule of a bridge's own family answers by the port, too, past the bridge's OUTPUT and POSTROUTING.

Sources: net/ipv4/netfilter/nf_reject_ipv4.c (nf_send_reset, nf_send_unreach), net/ipv6/netfilter/nf_reject_ipv6.c,
net/bridge/netfilter/nft_reject_bridge.c, net/ipv4/icmp.c (__icmp_send), net/ipv6/icmp.c (icmp6_send).
"""

from __future__ import annotations

from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.firewall import RejectKind
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Packet, Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Context, Outcome, StepKind, Trace
from engine.model.traffic import Listener
from engine.path.exchange.symptoms import icmp_of
from engine.path.ip.routing import route_output
from engine.path.ip.special_addresses import shared
from engine.path.journey import Journey
from engine.path.lookup.addresses import is_local, source_for
from engine.path.lookup.flow import Track, tuple_of
from engine.path.lookup.packet_lengths import of_error, of_tcp
from engine.path.lookup.route_decision import Refusal
from engine.path.lookup.source_address6 import error_source6
from engine.path.lookup.vrf import VRF
from engine.path.netfilter.conntrack import attach
from engine.path.netfilter.hooks import run_hook
from engine.path.stages import LocalOut, OnWire, Stage
from engine.records import dataclass, replace

#: What an error of IPv4 keeps of the byte of DSCP of what it is about, and the precedence that it has itself
#: (IPTOS_TOS_MASK, IPTOS_PREC_INTERNETCONTROL).
TOS_MASK, TOS_CONTROL = 0x1E, 0xC0
INBOUND = "net.ipv4.icmp_errors_use_inbound_ifaddr"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a packet ended, for the answer to start from: as it was there, its flow, and hook and family of the rule
    that said so. `own` says that routes have its destination be the namespace's own, `proxied` that a SYNPROXY took it,
    `hidden` that it ended inside of a tunnel or a bridge, whose errors its sender does not hear of."""

    netns: Netns
    packet: Packet
    context: Context
    listener: Listener | None = None
    track: Track | None = None
    hook: str = ""
    family: str = ""
    own: bool = False
    proxied: bool = False
    hidden: bool = False

    @property
    def zone(self) -> int | None:
        """The device that an answer to a link-local address leaves by: the one that the packet came in by."""
        link = self.netns.links_by_name.get(self.context.iif)
        return link.index if link is not None and link.kind != "loopback" else None

    @property
    def domain(self) -> Link | None:
        """The VRF device that the packet came in by."""
        link = self.netns.links_by_name.get(self.context.iif)
        return link if link is not None and link.kind == VRF else None

    @property
    def port(self) -> Link | None:
        """The bridge port that a reset, or a bridge's own rule, answers by without a route."""
        return self.netns.links_by_name.get(self.context.iif if self.family == "bridge" else self.context.physin)


def arrival_of(journey: Journey, trace: Trace) -> Arrival:
    """Where a packet that went no further is."""
    last = trace.last
    family = str(last.ref.key[1]) if trace.outcome is Outcome.REJECTED and last.ref is not None else ""
    found = Arrival(journey.netns, journey.packet, journey.context, None, journey.skb.track, last.hook, family)
    own = is_local(found.netns, journey.world.fib(found.netns), found.packet.dst)
    return replace(found, own=own, hidden=journey.hidden)


def reflected(arrival: Arrival) -> int:
    """The mark of an answer that the kernel makes by itself (IP4_REPLY_MARK)."""
    name = f"net.ipv{arrival.packet.dst.version}.fwmark_reflect"
    return arrival.context.mark if arrival.netns.sysctl(name) else 0


def reply_mark(arrival: Arrival, packet: Packet) -> int:
    """The mark of an answer: a SYN/ACK may have its socket's (inet_request_mark), a datagram has none."""
    if packet.protocol is Protocol.UDP:
        return 0
    if packet.tcp_flags & TCP_SYN:
        return arrival.context.mark if arrival.netns.sysctl("net.ipv4.tcp_fwmark_accept") else 0
    return reflected(arrival)


def error_packet(arrival: Arrival, kind: RejectKind, outcome: Outcome) -> Packet:
    """The reset or ICMP error for a packet that ended so."""
    bad = arrival.packet
    if kind is RejectKind.TCP_RESET:
        flags = TCP_RST if bad.tcp_flags & TCP_ACK else TCP_RST | TCP_ACK  # nf_reject_ip_tcphdr_put
        length = of_tcp(bad.dst.version, flags)
        return Packet(bad.dst, bad.src, bad.protocol, bad.dport, bad.sport, flags, length=length)
    protocol = Protocol.ICMP if bad.dst.version == 4 else Protocol.ICMPV6
    number, code = icmp_of(kind, outcome, bad.dst.version)
    tos = (bad.tos or 0) & TOS_MASK | TOS_CONTROL if bad.dst.version == 4 else 0
    length = of_error(bad.dst.version, bad.length)
    return Packet(_source(arrival), bad.src, protocol, icmp_type=number, icmp_code=code, length=length, tos=tos)


def _source(arrival: Arrival) -> IPAddress:
    """The address that an ICMP error is sent from; unspecified where its route chooses.

    A rule in PREROUTING stands before the packet's own route, and takes the error's (nf_reject_fill_skb_dst).
    """
    netns, bad, context = arrival.netns, arrival.packet, arrival.context
    device = context.physin if context.physout else context.iif  # who passes it on within a bridge has it by the port
    routed = arrival.hook != "prerouting"
    own = bad.dst in netns.addresses_by_value or shared(netns, bad.dst) is not None
    own = own or (arrival.own and bad.dst.version == 4)  # RTCF_LOCAL; IPv6 looks for the address (ipv6_chk_addr)
    if arrival.family == "bridge" or (own and (routed or bad.dst.version == 6)):
        return bad.dst
    found = None
    if bad.dst.version == 6:
        found = error_source6(netns, context.iif, bad.src)
    elif routed and device in netns.links_by_name and netns.sysctl(INBOUND):
        found = source_for(netns, netns.links_by_name[device], bad.src, 4, "link")
    return found or ip_address("0.0.0.0" if bad.dst.version == 4 else "::")


def untold(arrival: Arrival) -> bool:
    """Whether no error tells of a packet, because it was for everybody (__icmp_send, nf_send_reset)."""
    return arrival.packet.dst.version == 4 and shared(arrival.netns, arrival.packet.dst) is not None


def foreign_source(journey: Journey, source: IPAddress) -> Trace | None:
    """The finished trace of an answer from an address that is not the namespace's, though packets to it are taken in:
    only transparent sockets of IPv4 may send in another's name (ip_route_output_key_hash_rcu)."""
    netns = journey.netns
    if source.version == 6 or source.is_unspecified or is_local(netns, journey.world.fib(netns), source):
        return None
    ref = Ref(RefKind.ADDRESS, netns.id, (str(source),), str(source), str(source))
    journey.step(StepKind.NOTE, f"no error is sent: {source} is not an address of {netns.id}", ref)
    return journey.end(Outcome.MARTIAN)


def error_start(journey: Journey, arrival: Arrival, kind: RejectKind) -> Stage | Trace:
    """Where the error's journey begins; the finished trace where it does not."""
    if arrival.track is not None:
        attach(journey, arrival.track, "related", not arrival.context.ct_reply_direction)
    if kind is not RejectKind.TCP_RESET:
        journey.inner = tuple_of(arrival.packet)
    port, own = arrival.port, arrival.family == "bridge"
    if port is None or not (own or kind is RejectKind.TCP_RESET):
        return LocalOut()
    if own:
        journey.see(oif=port.name)
        ended = run_hook(journey, "output", "bridge") or run_hook(journey, "postrouting", "bridge")
        if ended:
            return ended
    else:
        way = route_output(journey, replace(journey.packet, sport=None, dport=None))
        if isinstance(way, Refusal):
            journey.step(StepKind.ROUTE, f"no reset is sent: {way.text}", way.ref)
            return journey.end(way.outcome)
    journey.step(StepKind.BRIDGE, f"returns through the ingress port {port.name}", journey.link_ref(port))
    return OnWire(port, arrival.context.source_mac or None, arrival.context.target_mac)
