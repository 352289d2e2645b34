"""What the client sees: from endings and ICMP errors to the word for it.

Sources: connect(2) and the errno that the kernel maps each error to (net/ipv4/icmp.c, icmp_err_convert: a TCP
socket that is still connecting reports every one of them, a UDP socket only those marked fatal); for route types
net/ipv4/fib_semantics.c, fib_props.
"""

from __future__ import annotations

from engine.model.firewall import RejectKind
from engine.model.packet import Protocol
from engine.model.trace import Outcome, StepKind, Symptom, Trace

#: An error message that reaches the client, as a connecting TCP socket reports it.
BY_ERROR: dict[RejectKind, Symptom] = {
    RejectKind.TCP_RESET: Symptom.REFUSED,
    RejectKind.PORT_UNREACHABLE: Symptom.REFUSED,
    RejectKind.PROTO_UNREACHABLE: Symptom.PROTOCOL_UNREACHABLE,
    RejectKind.NET_UNREACHABLE: Symptom.NET_UNREACHABLE,
    RejectKind.NET_PROHIBITED: Symptom.NET_UNREACHABLE,
    RejectKind.HOST_UNREACHABLE: Symptom.HOST_UNREACHABLE,
    RejectKind.HOST_PROHIBITED: Symptom.HOST_UNREACHABLE,
    RejectKind.ADMIN_PROHIBITED: Symptom.HOST_UNREACHABLE,
}

#: Where an ICMPv6 error means something else to the client (net/ipv6/icmp.c, tab_unreach).
BY_ERROR6: dict[RejectKind, Symptom] = {**BY_ERROR, RejectKind.ADMIN_PROHIBITED: Symptom.PROHIBITED}

#: Errors that a UDP socket keeps to itself (not fatal in icmp_err_convert).
QUIET_FOR_UDP = frozenset({RejectKind.NET_UNREACHABLE, RejectKind.HOST_UNREACHABLE})

#: Type and code of each message, for IPv4 and IPv6 (RFC 792, RFC 1812, RFC 4443; net/ipv4/netfilter/ipt_REJECT.c).
ICMP: dict[RejectKind, tuple[int, int]] = {
    RejectKind.NET_UNREACHABLE: (3, 0),
    RejectKind.HOST_UNREACHABLE: (3, 1),
    RejectKind.PROTO_UNREACHABLE: (3, 2),
    RejectKind.PORT_UNREACHABLE: (3, 3),
    RejectKind.NET_PROHIBITED: (3, 9),
    RejectKind.HOST_PROHIBITED: (3, 10),
    RejectKind.ADMIN_PROHIBITED: (3, 13),
}
ICMP6: dict[RejectKind, tuple[int, int]] = {
    RejectKind.NET_UNREACHABLE: (1, 0),
    RejectKind.ADMIN_PROHIBITED: (1, 1),
    RejectKind.HOST_UNREACHABLE: (1, 3),
    RejectKind.PORT_UNREACHABLE: (1, 4),
}
#: Time exceeded in transit, by IP version.
TIME_EXCEEDED: dict[int, tuple[int, int]] = {4: (11, 0), 6: (3, 0)}

#: What a router sends back for a packet that it can't pass on. Endings that are not here are silent.
ERROR_FOR: dict[Outcome, RejectKind] = {
    Outcome.NO_ROUTE: RejectKind.NET_UNREACHABLE,
    Outcome.ROUTE_UNREACHABLE: RejectKind.HOST_UNREACHABLE,
    Outcome.ROUTE_PROHIBIT: RejectKind.ADMIN_PROHIBITED,
    Outcome.NO_NEIGHBOUR: RejectKind.HOST_UNREACHABLE,
    Outcome.TTL_EXPIRED: RejectKind.HOST_UNREACHABLE,
    Outcome.LOOP: RejectKind.HOST_UNREACHABLE,
}

#: Where a router of IPv6 sends another error: an unreachable route is "no route" (ip6_rt_init_dst_reject).
ERROR_FOR6: dict[Outcome, RejectKind] = {**ERROR_FOR, Outcome.ROUTE_UNREACHABLE: RejectKind.NET_UNREACHABLE}

#: What the client's own system call gives when the packet does not get out of its namespace.
AT_SENDER: dict[Outcome, Symptom] = {
    Outcome.NO_ROUTE: Symptom.NET_UNREACHABLE,
    Outcome.ROUTE_UNREACHABLE: Symptom.HOST_UNREACHABLE,
    Outcome.ROUTE_PROHIBIT: Symptom.PROHIBITED,
    Outcome.ROUTE_BLACKHOLE: Symptom.INVALID_ARGUMENT,
    Outcome.MARTIAN: Symptom.INVALID_ARGUMENT,
    Outcome.IPSEC_DROP: Symptom.NOT_PERMITTED,
}

#: Endings of which a router knows only after a while: a neighbour is asked three times.
LATE = frozenset({Outcome.NO_NEIGHBOUR})
_TRACKED = frozenset({Outcome.CONNTRACK_FULL, Outcome.CONNTRACK_CLASH})
_DROPS = _TRACKED | {Outcome.RULE_DROP, Outcome.POLICY_DROP, Outcome.REJECTED}


def at_sender(trace: Trace, *, outside: bool) -> bool:
    """Whether the packet ended before its own namespace had sent it."""
    return trace.local and not outside and not trace.last.context.iif


def sender_symptom(trace: Trace, protocol: Protocol) -> Symptom | None:
    """The symptom of a packet that ended at its sender; None where an error message decides, or nothing comes."""
    if protocol is Protocol.SCTP:
        return Symptom.TIMEOUT  # connect() tries again until it gives up (sctp_packet_transmit)
    if trace.outcome is Outcome.NO_ROUTE and trace.last.kind is StepKind.NOTE:
        return None  # a route let it out, and refused it then (ip6_pkt_discard_out)
    if trace.outcome in AT_SENDER:
        # A packet that is routed again after OUTPUT has left connect() behind, which only waits for an answer then.
        routed_again = any(step.hook for step in trace.steps)
        return Symptom.TIMEOUT if routed_again and protocol is Protocol.TCP else AT_SENDER[trace.outcome]
    if trace.outcome is Outcome.NOT_FOR_US:  # a broadcast address: only UDP may send there, and must have asked for it
        return Symptom.NET_UNREACHABLE if protocol is Protocol.TCP else Symptom.PROHIBITED
    if trace.outcome in _DROPS and protocol is not Protocol.TCP:
        return Symptom.NOT_PERMITTED
    return None


def icmp_of(error: RejectKind, outcome: Outcome, version: int) -> tuple[int, int]:
    """Type and code of the message that tells of an ending; those of port unreachable where IPv6 has no such error."""
    if outcome in (Outcome.TTL_EXPIRED, Outcome.LOOP):
        return TIME_EXCEEDED[version]
    table = ICMP if version == 4 else ICMP6
    return table.get(error, table[RejectKind.PORT_UNREACHABLE])


def error_symptom(error: RejectKind, protocol: Protocol, version: int = 4) -> Symptom:
    """The symptom of an error message that reached the client. `version` is the IP version.

    ping hears of every error (IP_RECVERR). SCTP goes on trying, but where its own protocol is unknown (sctp_v4_err).
    """
    if protocol is Protocol.SCTP:
        return Symptom.REFUSED if error is RejectKind.PROTO_UNREACHABLE else Symptom.TIMEOUT
    if protocol is Protocol.UDP and error in QUIET_FOR_UDP:
        return Symptom.TIMEOUT
    return (BY_ERROR if version == 4 else BY_ERROR6)[error]


def relayed_symptom(second: Symptom, protocol: Protocol) -> Symptom:
    """What the client of a relay sees of the relay's own connection."""
    if second is Symptom.CONNECTED:
        return Symptom.CONNECTED
    if protocol is not Protocol.TCP:
        return Symptom.TIMEOUT
    if second in (Symptom.TIMEOUT, Symptom.ACCEPTED_THEN_SILENT):
        return Symptom.ACCEPTED_THEN_SILENT
    return Symptom.ACCEPTED_THEN_CLOSED
