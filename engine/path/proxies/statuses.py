"""The status that a proxy answers, by what became of its own connection. Measured: nginx 1.26, HAProxy 3.0, Caddy 2.6,
Apache httpd 2.4; Traefik by its source (pkg/proxy/httputil, ErrorHandler).

`tests/engines/test_proxies_docker.py` asks each program again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from engine.model.application.proxy import ProxyKind
from engine.model.trace import Symptom


class UpstreamEnd(StrEnum):
    """What becomes of a proxy's own connection."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    #: It was accepted, and closed without an answer.
    CLOSED = "closed"
    #: It was accepted, and no answer comes.
    SILENT = "silent"
    #: The server's name has no address.
    NAMELESS = "nameless"
    #: The other end speaks plain where TLS is spoken to it.
    NO_TLS = "no-tls"
    #: No server is left to ask.
    NONE_LEFT = "none-left"


STATUSES: Mapping[ProxyKind, Mapping[UpstreamEnd, int]] = {
    ProxyKind.NGINX: {UpstreamEnd.TIMEOUT: 504, UpstreamEnd.SILENT: 504},
    ProxyKind.HAPROXY: {
        UpstreamEnd.REFUSED: 503,
        UpstreamEnd.TIMEOUT: 503,
        UpstreamEnd.UNREACHABLE: 503,
        UpstreamEnd.NAMELESS: 503,
        UpstreamEnd.NO_TLS: 503,
        UpstreamEnd.NONE_LEFT: 503,
        UpstreamEnd.SILENT: 504,
    },
    ProxyKind.CADDY: {UpstreamEnd.SILENT: 504, UpstreamEnd.NONE_LEFT: 503},
    ProxyKind.APACHE: {
        UpstreamEnd.REFUSED: 503,
        UpstreamEnd.TIMEOUT: 503,
        UpstreamEnd.UNREACHABLE: 503,
        UpstreamEnd.NONE_LEFT: 503,
        UpstreamEnd.NAMELESS: 500,
        UpstreamEnd.NO_TLS: 500,
    },
    ProxyKind.TRAEFIK: {UpstreamEnd.TIMEOUT: 504, UpstreamEnd.SILENT: 504, UpstreamEnd.NONE_LEFT: 503},
}
#: What a proxy answers for what its own row does not have.
USUAL = 502

_ENDS: Mapping[Symptom, UpstreamEnd] = {
    Symptom.REFUSED: UpstreamEnd.REFUSED,
    Symptom.RESET: UpstreamEnd.CLOSED,
    Symptom.TIMEOUT: UpstreamEnd.TIMEOUT,
    Symptom.ACCEPTED_THEN_CLOSED: UpstreamEnd.CLOSED,
    Symptom.ACCEPTED_THEN_SILENT: UpstreamEnd.SILENT,
    Symptom.NAME_NOT_FOUND: UpstreamEnd.NAMELESS,
    Symptom.NAME_TIMEOUT: UpstreamEnd.NAMELESS,
    Symptom.TLS_FAILURE: UpstreamEnd.NO_TLS,
}


def end_of(symptom: Symptom) -> UpstreamEnd:
    """What a connection's symptom is to a proxy; any other error of connect() is one that is unreachable."""
    return _ENDS.get(symptom, UpstreamEnd.UNREACHABLE)


def status_for(kind: ProxyKind, end: UpstreamEnd) -> int:
    """The status."""
    return STATUSES[kind].get(end, USUAL)
