"""What the client sees of each symptom, and how a packet ended: the same text in every screen and document."""

from __future__ import annotations

from engine.model.application.naming import NameSymptom
from engine.model.trace import Outcome, Symptom

#: The end of a line that begins with the question: "lan → 10.77.0.1:8080/tcp   times out".
IN_SHORT: dict[Symptom, str] = {
    Symptom.CONNECTED: "connects",
    Symptom.REFUSED: "connection refused",
    Symptom.TIMEOUT: "times out",
    Symptom.HOST_UNREACHABLE: "no route to host",
    Symptom.NET_UNREACHABLE: "network is unreachable",
    Symptom.PROHIBITED: "permission denied",
    Symptom.RESET: "connection reset",
    Symptom.NOT_PERMITTED: "operation not permitted",
    Symptom.INVALID_ARGUMENT: "invalid argument",
    Symptom.PROTOCOL_UNREACHABLE: "protocol not available",
    Symptom.ACCEPTED_THEN_CLOSED: "connects, then is closed",
    Symptom.ACCEPTED_THEN_SILENT: "connects, then no answer",
    Symptom.NAME_NOT_FOUND: "no such name",
    Symptom.NAME_TIMEOUT: "the name gets no answer",
    Symptom.TLS_FAILURE: "TLS fails",
}

MEANINGS: dict[Symptom, str] = {
    Symptom.CONNECTED: "the client connects and gets an answer",
    Symptom.REFUSED: 'the client gets "connection refused" at once',
    Symptom.TIMEOUT: "the client gets no answer and gives up",
    Symptom.HOST_UNREACHABLE: 'the client gets "no route to host"',
    Symptom.NET_UNREACHABLE: 'the client gets "network is unreachable"',
    Symptom.PROHIBITED: 'the client gets "permission denied" (EACCES)',
    Symptom.RESET: "the connection is reset",
    Symptom.NOT_PERMITTED: 'the client\'s own host forbids it: "operation not permitted"',
    Symptom.INVALID_ARGUMENT: 'the client\'s own host rejects the call: "invalid argument"',
    Symptom.PROTOCOL_UNREACHABLE: 'the client gets "protocol not available"',
    Symptom.ACCEPTED_THEN_CLOSED: "the connection opens and closes at once, without an answer",
    Symptom.ACCEPTED_THEN_SILENT: "the connection opens, and no answer comes",
    Symptom.NAME_NOT_FOUND: "the client gets no address for the name",
    Symptom.NAME_TIMEOUT: "the client waits for an address of the name and gets none",
    Symptom.TLS_FAILURE: "the connection opens, and TLS fails",
}

#: What asking one place for a name came to.
NAME_MEANINGS: dict[NameSymptom, str] = {
    NameSymptom.FOUND: "found",
    NameSymptom.NO_NAME: "no such name",
    NameSymptom.NO_ADDRESS: "no address of that name",
    NameSymptom.SERVER_FAILURE: "it cannot tell (SERVFAIL)",
    NameSymptom.REFUSED: "connection refused",
    NameSymptom.TIMEOUT: "no answer",
    NameSymptom.UNREACHABLE: "not reachable",
    NameSymptom.UNKNOWN: "its answer is not in the snapshot",
}

#: How a packet ended, before "in NAMESPACE: at what".
ENDED: dict[Outcome, str] = {
    Outcome.DELIVERED: "delivered",
    Outcome.RULE_DROP: "dropped by a rule",
    Outcome.POLICY_DROP: "dropped by a policy",
    Outcome.REJECTED: "rejected",
    Outcome.CONNTRACK_FULL: "conntrack table full",
    Outcome.CONNTRACK_CLASH: "conntrack clash",
    Outcome.IPSEC_DROP: "dropped by IPsec",
    Outcome.NO_ROUTE: "no route",
    Outcome.ROUTE_UNREACHABLE: "unreachable route",
    Outcome.ROUTE_PROHIBIT: "prohibit route",
    Outcome.ROUTE_BLACKHOLE: "blackhole route",
    Outcome.NOT_FORWARDED: "not forwarded",
    Outcome.RP_FILTER: "dropped by rp_filter",
    Outcome.MARTIAN: "martian address",
    Outcome.NO_NEIGHBOUR: "no neighbour answers",
    Outcome.LINK_DOWN: "link down",
    Outcome.BRIDGE_DROP: "dropped by the bridge",
    Outcome.NOT_FOR_US: "not addressed to it",
    Outcome.NO_LISTENER: "nothing listens",
    Outcome.BACKLOG_FULL: "accept queue full",
    Outcome.ECHO_IGNORED: "echo ignored",
    Outcome.TUNNEL_PORT: "a tunnel's own port",
    Outcome.REPLY_MISMATCH: "reply does not match",
    Outcome.NO_SOURCE_ADDRESS: "no source address",
    Outcome.TTL_EXPIRED: "TTL expired",
    Outcome.LOOP: "routing loop",
    Outcome.LEAVES_VIEW: "leaves what is seen",
    Outcome.UNKNOWN: "not known",
    Outcome.NO_NAME: "never sent",
}
