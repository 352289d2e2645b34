"""Names and proxies in words: how the client looked a name up, and what a proxy answered. Pure."""

from __future__ import annotations

from engine.model.application.naming import NameLookup, NameStep, NameSymptom
from engine.model.application.proxy import HttpAnswer
from views.symptoms import NAME_MEANINGS
from views.text import Role

#: How a step of a look-up is painted; any other one is bad.
NAME_ROLES = {NameSymptom.FOUND: Role.GOOD, NameSymptom.NO_NAME: Role.WARN, NameSymptom.UNKNOWN: Role.WARN}


def name_title(lookup: NameLookup) -> str:
    """`name db: 172.18.0.2`, `name db: no address, after 8 s`."""
    waited = f", after {lookup.seconds} s" if lookup.seconds else ""
    return f"name {lookup.asked}: {', '.join(map(str, lookup.addresses)) or 'no address'}{waited}"


def name_text(step: NameStep) -> str:
    """One place that was asked: `127.0.0.11: db has 172.18.0.2 (network back)`."""
    where = str(step.server) if step.server is not None else step.at.name if step.at is not None else ""
    network = f" (network {step.network})" if step.network else ""
    if step.symptom is NameSymptom.FOUND:
        said = f"{step.name} has {', '.join(map(str, step.answer))}{network}"
    else:
        said = f"{step.name}: {NAME_MEANINGS[step.symptom]}"
    return f"{where}: {said}" if where else said


def http_title(http: HttpAnswer) -> str:
    """`http 502 by nginx in proxy`. A status that the server behind decides is none of the proxy's."""
    if http.served and http.upstream is not None:
        return f"http passed on by {http.by} in {http.netns}"
    return f"http {http.status or 'no answer'} by {http.by} in {http.netns}"


def http_lines(http: HttpAnswer) -> list[tuple[str, str]]:
    """What decided, with a label for each line."""
    found = [("asked", http.url)]
    if http.at is not None:
        found.append(("line", http.at.name))
    if http.upstream is not None:
        address = f" ({http.address})" if http.address is not None and str(http.address) != http.upstream.host else ""
        found.append(("server", f"{http.upstream.host}:{http.upstream.port}{address}{' by TLS' * http.upstream.tls}"))
    return found
