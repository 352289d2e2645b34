"""What a symptom means to the person at the client: the same words in every picture and document."""

from __future__ import annotations

from engine.model.trace import Symptom

MEANINGS: dict[Symptom, str] = {
    Symptom.CONNECTED: "the client connects and is answered",
    Symptom.REFUSED: "the client is told at once: connection refused",
    Symptom.TIMEOUT: "the client hears nothing until it gives up",
    Symptom.HOST_UNREACHABLE: "the client is told: no route to host",
    Symptom.NET_UNREACHABLE: "the client is told: network is unreachable",
    Symptom.PROHIBITED: "the client is told: permission denied (EACCES)",
    Symptom.RESET: "the connection is reset",
    Symptom.NOT_PERMITTED: "the client's own host forbids it: operation not permitted",
    Symptom.INVALID_ARGUMENT: "the client's own host rejects the call: invalid argument",
    Symptom.PROTOCOL_UNREACHABLE: "the client is told: protocol not available",
    Symptom.ACCEPTED_THEN_CLOSED: "the connection opens and is closed at once without an answer",
    Symptom.ACCEPTED_THEN_SILENT: "the connection opens and nobody ever answers",
}
