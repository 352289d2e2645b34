"""What the client sees of each symptom: the same text in every screen and document."""

from __future__ import annotations

from engine.model.trace import Symptom

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
}
