"""The story of a packet: steps in hops, an ending from a closed set, and what the client sees of it."""

from __future__ import annotations

from enum import StrEnum

from engine.model.address import IPAddress
from engine.model.application.naming import NameLookup
from engine.model.application.proxy import HttpAnswer
from engine.model.firewall import RejectKind
from engine.model.packet import Packet, Protocol
from engine.model.ref import Ref
from engine.model.traffic import Tuple4
from engine.records import dataclass


class Outcome(StrEnum):
    """Every way in which one packet's journey can end. `docs/endings.md` has the exact conditions."""

    DELIVERED = "DELIVERED"
    RULE_DROP = "RULE_DROP"
    POLICY_DROP = "POLICY_DROP"
    REJECTED = "REJECTED"
    CONNTRACK_FULL = "CONNTRACK_FULL"
    CONNTRACK_CLASH = "CONNTRACK_CLASH"
    IPSEC_DROP = "IPSEC_DROP"
    NO_ROUTE = "NO_ROUTE"
    ROUTE_UNREACHABLE = "ROUTE_UNREACHABLE"
    ROUTE_PROHIBIT = "ROUTE_PROHIBIT"
    ROUTE_BLACKHOLE = "ROUTE_BLACKHOLE"
    NOT_FORWARDED = "NOT_FORWARDED"
    RP_FILTER = "RP_FILTER"
    MARTIAN = "MARTIAN"
    NO_NEIGHBOUR = "NO_NEIGHBOUR"
    LINK_DOWN = "LINK_DOWN"
    BRIDGE_DROP = "BRIDGE_DROP"
    NOT_FOR_US = "NOT_FOR_US"
    NO_LISTENER = "NO_LISTENER"
    BACKLOG_FULL = "BACKLOG_FULL"
    ECHO_IGNORED = "ECHO_IGNORED"
    TUNNEL_PORT = "TUNNEL_PORT"
    REPLY_MISMATCH = "REPLY_MISMATCH"
    NO_NAME = "NO_NAME"
    NO_SOURCE_ADDRESS = "NO_SOURCE_ADDRESS"
    TTL_EXPIRED = "TTL_EXPIRED"
    LOOP = "LOOP"
    LEAVES_VIEW = "LEAVES_VIEW"
    UNKNOWN = "UNKNOWN"


class Symptom(StrEnum):
    """What a client's connect() and first exchange give."""

    CONNECTED = "connected"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    HOST_UNREACHABLE = "host-unreachable"
    NET_UNREACHABLE = "net-unreachable"
    PROHIBITED = "prohibited"
    RESET = "reset"
    NOT_PERMITTED = "not-permitted"
    INVALID_ARGUMENT = "invalid-argument"
    PROTOCOL_UNREACHABLE = "protocol-unreachable"
    ACCEPTED_THEN_CLOSED = "accepted-then-closed"
    ACCEPTED_THEN_SILENT = "accepted-then-silent"
    NAME_NOT_FOUND = "name-not-found"
    NAME_TIMEOUT = "name-timeout"
    TLS_FAILURE = "tls-failure"


class StepKind(StrEnum):
    """What decided a step."""

    RULE = "rule"
    POLICY = "policy"
    NAT = "nat"
    CONNTRACK = "conntrack"
    ROUTE = "route"
    SYSCTL = "sysctl"
    LINK = "link"
    BRIDGE = "bridge"
    NEIGHBOUR = "neighbour"
    SOCKET = "socket"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Arp:
    """What is in an ARP message beside the addresses of IP: question (1) or answer (2), and the MAC addresses of who
    sends it and of whom it is for, which a question does not know."""

    operation: int
    saddr: str
    daddr: str = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule can see of a packet beside its headers. Devices are names, empty where there is none.

    `ct_state` is new, established, related, untracked or invalid; `ct_status` has snat and dnat once the flow is
    translated; `ct_original` is the tuple of the flow's first packet before translation, `ct_reply` that of its
    replies, `ct_protocol` the flow's (an error's own is another); `ct_old` says that it was tracked before the
    question. `uid` is the sending socket's owner where the packet was made in this namespace and who it is is known,
    -1 where the kernel itself made it; `socket_device` the one that its socket is bound to; `source_mac` and
    `target_mac` are of the frame that it came in, where that was seen; `gateway` is that of the way that
    it has been given. `arp` is there where it is no packet of IP but a question for an address, or its answer (ARP),
    from who has the packet's source to who has its destination.
    """

    iif: str = ""
    oif: str = ""
    gateway: IPAddress | None = None
    physin: str = ""
    physout: str = ""
    mark: int = 0
    ct_mark: int = 0
    ct_labels: int = 0
    ct_state: str = "new"
    ct_status: frozenset[str] = frozenset()
    ct_original: Tuple4 | None = None
    ct_reply: Tuple4 | None = None
    ct_protocol: Protocol | None = None
    ct_zone: int = 0
    ct_reply_direction: bool = False
    ct_old: bool = False
    uid: int | None = None
    socket_device: str = ""
    source_mac: str = ""
    target_mac: str = ""
    arp: Arp | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One decision on the path of a packet."""

    kind: StepKind
    #: What happened, for people; no program reads it.
    text: str
    #: The packet as it was when the decision was taken, and what a rule could see beside its headers.
    packet: Packet
    context: Context = Context()
    #: The object that decided.
    ref: Ref | None = None
    #: For rules: the netfilter hook.
    hook: str = ""
    #: For rules: what the rule said (accept, drop, jump DOCKER, dnat to …).
    verdict: str = ""
    #: The packet after a rewrite; None where nothing was rewritten.
    after: Packet | None = None
    #: For rules: the nftables handle, where it has one.
    handle: int | None = None
    #: Another packet that the step is about: the ARP request or neighbour solicitation that a filter drops.
    about: Packet | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """The part of a journey that lies in one namespace. `packet` is as it came in."""

    netns: str
    packet: Packet
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the answer rests on and that was not seen."""

    code: str
    sentence: str
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """One packet's journey. The last step of the last hop is where it ended.

    `reject` goes with REJECTED. `local` says that the packet ended in the namespace that sent it
    (then its sender gets an error at once instead of an ICMP message).
    """

    outcome: Outcome
    hops: tuple[Hop, ...]
    reject: RejectKind | None = None
    assumptions: tuple[Assumption, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order."""
        return tuple(step for hop in self.hops for step in hop.steps)

    @property
    def last(self) -> Step:
        """The step that ended the journey."""
        return self.hops[-1].steps[-1]

    @property
    def local(self) -> bool:
        """Whether the packet never left the namespace it was made in."""
        return len(self.hops) == 1


@dataclass(frozen=True, slots=True)
class Conversation:
    """A question's packets: there, back, and the second connection of a relay in between.

    `reply` is None when the forward packet was never delivered and nothing came back. `error` is the
    journey of the ICMP error (or the RST of a rule) that answered the client instead, where there was
    one; `notice` that of the error which tells whoever sent the reply that it is lost. `confirm` is the client's third
    packet (TCP's ACK), walked once the reply has arrived; `request` and `answer` are the client's and the server's
    first data, walked where they may fare otherwise than the handshake, and `receipt` is the server's bare
    acknowledgement of the client's data, which need not arrive. Where `forward` was sent again, `lost` is the one
    before it, with what answered it. `name` is the look-up that the address came from; where it found none,
    `forward` is the query that decided. `http` is what an HTTP client is answered by a proxy, which asks by `relayed`.
    """

    forward: Trace
    symptom: Symptom
    reply: Trace | None = None
    notice: Trace | None = None
    error: Trace | None = None
    confirm: Trace | None = None
    request: Trace | None = None
    receipt: Trace | None = None
    answer: Trace | None = None
    lost: Conversation | None = None
    relayed: Conversation | None = None
    name: NameLookup | None = None
    http: HttpAnswer | None = None

    @property
    def way(self) -> tuple[Trace, ...]:
        """The packets that have to arrive, in order; errors and lost ones are not among them, nor is the third packet
        where data got through, which does the same."""
        spared = self.request is not None and self.request.outcome is Outcome.DELIVERED
        parts = (self.forward, self.reply, None if spared else self.confirm, self.request, self.answer)
        return tuple(trace for trace in parts if trace is not None)

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Every packet's journey but a relay's."""
        first = (self.forward, self.reply, self.notice, self.error)
        later = (self.confirm, self.request, self.receipt, self.answer)
        earlier = self.lost.traces if self.lost else ()
        return (*earlier, *(trace for trace in (*first, *later) if trace is not None))

    @property
    def works(self) -> bool:
        """Whether the client gets what it asks for: a connection, and where a proxy answers, not its own error."""
        return self.symptom is Symptom.CONNECTED and (self.http is None or self.http.served)

    @property
    def broken(self) -> Trace | None:
        """The first part that did not arrive; None where all did."""
        return next((trace for trace in self.way if trace.outcome is not Outcome.DELIVERED), None)

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What any part of the conversation rests on, each once."""
        found = [assumption for trace in self.traces for assumption in trace.assumptions]
        if self.relayed:
            found += self.relayed.assumptions
        return tuple(dict.fromkeys(found))
