"""The proxy's own answer, as a cause: its status, the line that decided, and whom it asked."""

from __future__ import annotations

from ipaddress import ip_address

from engine.explain.blocker import Blocker
from engine.explain.failure import Failure
from engine.model.address import IPAddress
from engine.model.application.proxy import CIRCLE, HttpAnswer, Proxy, ProxySite
from engine.model.host import Snapshot
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Outcome, Symptom

#: What becomes of the proxy's own connection, in a sentence.
_BECAME = {
    Symptom.REFUSED: "refuses the connection",
    Symptom.TIMEOUT: "does not answer",
    Symptom.HOST_UNREACHABLE: "is not reached (no route to host)",
    Symptom.NET_UNREACHABLE: "is not reached (network unreachable)",
    Symptom.ACCEPTED_THEN_CLOSED: "accepts and closes without an answer",
    Symptom.ACCEPTED_THEN_SILENT: "accepts and does not answer",
    Symptom.NAME_NOT_FOUND: "has no address there",
    Symptom.NAME_TIMEOUT: "has no address there (its resolver does not answer)",
}
#: Names of a site that are listed.
MOST_NAMES = 6


def unserved(failure: Failure) -> list[Blocker]:
    """HTTP: the proxy answers by itself, and asks no server."""
    return [blocker] if (blocker := answered(failure.world.snapshot, failure.conversation)) is not None else []


def answered(snapshot: Snapshot, talk: Conversation) -> Blocker | None:
    """What the proxy that a client reached answers; None where none was met, or all is well."""
    http = talk.http
    if http is None or http.served:
        return None
    at = http.at or Ref(RefKind.NETNS, http.netns, (), http.netns, http.netns)
    code = http.reason or "HTTP_UPSTREAM_REFUSED"
    if code == "INFO_DEPENDS":
        return Blocker(code, f"{_who(http)} takes the connection; what it answers is not known: {http.words}", at)
    return Blocker(code, _sentence(snapshot, http, talk), at, evidence=_evidence(snapshot, http))


def _who(http: HttpAnswer) -> str:
    return f"{http.by} in {http.netns}"


def _sentence(snapshot: Snapshot, http: HttpAnswer, talk: Conversation) -> str:
    says = (
        f"{_who(http)} answers {http.status}" if http.status else f"{_who(http)} ends the connection without an answer"
    )
    line = f"{http.at.name} " if http.at is not None else "its configuration "
    shown = f"the certificate that {_who(http)} shows ({line.strip()})"
    if http.upstream is not None and _is_open(talk):
        server = f"{_server(http)} ({line.strip()})"
        return f"{_who(http)} passes {http.url} on to {server}, whose answer is not in the snapshot"
    if http.reason == "HTTP_REDIRECT_LOOP" and (http.words == CIRCLE or http.upstream is not None):
        return f"{says}: {line}passes {http.url} on in a circle: it comes back to a proxy that has had it before"
    if http.upstream is not None:
        return f"{says}: {line}passes {http.url} on to {_server(http)}, which {_became(http, talk)}"
    if http.reason == "HTTP_UPSTREAM_UNHEALTHY":
        return f"{says}: {line}names only servers that are down"
    return {
        "HTTP_TLS_TO_PLAIN": f"the client speaks TLS, and {line}opens a plain port of {_who(http)}",
        "HTTP_PLAIN_TO_TLS": f"{says}: the client speaks plain HTTP, and {line}opens a port for TLS",
        "TLS_EXPIRED": f"{shown} was good until {http.words}",
        "TLS_NAME_MISMATCH": f"{shown} is for {http.words}, not for {_host(http)}",
        "HTTP_NO_SERVER_FOR_HOST": f"{says}: no site at that port has the name {_host(http)}{_but(snapshot, http)}",
        "HTTP_NO_ROUTE_FOR_PATH": f"{says} for {http.url}: {line}"
        + (f"answers from files, and {http.words}" if http.words else "has nothing for that path"),
        "HTTP_ACCESS_DENIED": f"{says} for {http.url}: {line}{http.words}{_seen_as(http, talk)}",
        "HTTP_REDIRECT_LOOP": f"{says}: {line}sends the client to {http.url}, where it already is",
    }.get(http.reason, f"{says}: {line}decides so")


def _seen_as(http: HttpAnswer, talk: Conversation) -> str:
    """Whose address on the way became the one that is turned away."""
    own = talk.forward.hops[0].packet.src
    hidden = http.words.startswith("denies ") and not http.words.endswith(f" {own}")
    return f", which is how it sees {own}" if hidden else ""


def _is_open(talk: Conversation) -> bool:
    """Whether the server, or the address of its name, is outside of the snapshot."""
    second = talk.relayed
    if second is None:
        return False
    unknown = second.name is not None and second.name.used is None and second.name.unknown
    return unknown or any(trace.outcome is Outcome.LEAVES_VIEW for trace in second.way)


def _server(http: HttpAnswer) -> str:
    server = http.upstream
    assert server is not None
    address = f" ({http.address})" if http.address is not None and server.host != str(http.address) else ""
    return f"{server.host}:{server.port}{address}"


def _became(http: HttpAnswer, talk: Conversation) -> str:
    second = talk.relayed
    if second is None:
        return "is down"
    if second.http is not None and second.symptom is Symptom.CONNECTED:
        return f"answers {second.http.status} itself"
    down = ", and is taken out by its health check" if http.reason == "HTTP_UPSTREAM_UNHEALTHY" else ""
    return _BECAME.get(second.symptom, f"ends in {second.symptom}") + down


def _host(http: HttpAnswer) -> str:
    return http.url.partition("://")[2].partition("/")[0]


def _but(snapshot: Snapshot, http: HttpAnswer) -> str:
    names = [name for site in _sites(snapshot, http) for name in site.names if name]
    return f", only {', '.join(dict.fromkeys(names[:MOST_NAMES]))}" if names else ""


def _sites(snapshot: Snapshot, http: HttpAnswer) -> tuple[ProxySite, ...]:
    proxy = proxy_of(snapshot, http)
    return proxy.table.sites if proxy is not None else ()


def proxy_of(snapshot: Snapshot, http: HttpAnswer) -> Proxy | None:
    """The proxy that answered."""
    return next((each for each in snapshot.proxies if (each.netns, str(each.kind)) == (http.netns, http.by)), None)


def _evidence(snapshot: Snapshot, http: HttpAnswer) -> tuple[str, ...]:
    proxy = proxy_of(snapshot, http)
    return (proxy.table.unread,) if proxy is not None and proxy.table.unread else ()


def is_loopback(host: str) -> bool:
    """Whether a host is the proxy's own machine."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(text: str) -> IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
