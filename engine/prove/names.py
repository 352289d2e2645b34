"""Asks servers outside the snapshot for a name, from where the look-up asks them, so that its answer is known.

One question for each kind of address, by UDP and then TCP, each bounded in time. Servers whose records are in the
snapshot are asked too, beside what they are predicted to say: a row for the proof.
Sources: RFC 1035, 4.1.1 (response codes), 7.3 (what an answer is).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.application.naming import NameAnswer, NameLookup, NameStep, NameSymptom
from engine.model.host import Snapshot
from engine.model.proof import Agreement, Leg, ProofRow
from engine.model.verdict import Verdict
from engine.prove.listeners import within

#: Seconds for one question, and how many are asked for one look-up.
SECONDS, MOST = 2.0, 8
_SILENT = (NameSymptom.TIMEOUT, NameSymptom.UNREACHABLE, NameSymptom.REFUSED)
_ENDED = {errno.ECONNREFUSED: NameSymptom.REFUSED}


def ask_outside(snapshot: Snapshot, verdict: Verdict) -> tuple[NameAnswer, ...]:
    """What the servers say whose answer the look-up of a verdict lacks; () where it lacks none."""
    lookup = verdict.conversation.name
    steps = lookup.order if lookup is not None else ()
    unknown = [step for step in steps if step.symptom is NameSymptom.UNKNOWN and step.server is not None]
    return tuple(answer for step in unknown[:MOST] for answer in _asked(snapshot, step))


def rows(snapshot: Snapshot, verdict: Verdict) -> Iterator[ProofRow]:
    """The question to a server that decides the look-up, as predicted and as it is answered."""
    lookup = verdict.conversation.name
    step = _decides(lookup) if lookup is not None else None
    if lookup is None or step is None or lookup.unknown:
        return
    for seen in _asked(snapshot, step):
        end = lookup.order[-1]
        predicted = set(end.answer) if end.symptom is NameSymptom.FOUND else set[IPAddress]()
        agree = Agreement.YES if predicted == set(seen.addresses) else Agreement.NO
        said = _said(seen.symptom, seen.addresses)
        yield ProofRow(
            Leg.FORWARD,
            verdict.question.source.netns,
            f"{step.server} is asked for {step.name}: {_said(end.symptom, end.answer)}",
            said,
            agree,
            "DNS",
            step.at,
        )


def _decides(lookup: NameLookup) -> NameStep | None:
    """The first server that is expected to answer, asked for the name that the look-up ends with: a search list may
    have led to others before. What that server asks in turn comes behind it."""
    asked = [each for each in lookup.order if each.server is not None and each.name == lookup.order[-1].name]
    return next((each for each in asked if each.symptom not in _SILENT), asked[0] if asked else None)


def _said(symptom: NameSymptom, addresses: tuple[IPAddress, ...]) -> str:
    return ", ".join(map(str, addresses)) if symptom is NameSymptom.FOUND else str(symptom)


def _asked(snapshot: Snapshot, step: NameStep) -> Iterator[NameAnswer]:
    """The server's answer, asked from the namespace that the query sets out from; none where that is not entered."""
    if step.server is None or step.query is None:
        return
    server, name = step.server, step.name
    try:
        yield within(snapshot, step.query.forward.hops[0].netns, lambda: ask_server(server, name))
    except OSError:
        return


def ask_server(server: IPAddress, name: str) -> NameAnswer:
    """What one server says about a name to the namespace of the calling thread. Raises nothing."""
    import dns.exception  # noqa: PLC0415 - few answers are proved
    import dns.message  # noqa: PLC0415
    import dns.query  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415

    found: list[IPAddress] = []
    symptom = NameSymptom.NO_ADDRESS
    for kind in ("A", "AAAA"):
        try:
            query = dns.message.make_query(name, kind)
            said = dns.query.udp_with_fallback(query, str(server), SECONDS)[0]
        except dns.exception.Timeout:
            return NameAnswer(server, name, NameSymptom.TIMEOUT)
        except OSError as error:
            return NameAnswer(server, name, _ENDED.get(error.errno or 0, NameSymptom.UNREACHABLE))
        except dns.exception.DNSException:
            return NameAnswer(server, name, NameSymptom.SERVER_FAILURE)
        found += [
            ip_address(each.to_text())
            for rrset in said.answer
            for each in rrset
            if each.rdtype == query.question[0].rdtype
        ]
        if said.rcode() == dns.rcode.NXDOMAIN:
            symptom = NameSymptom.NO_NAME
        elif said.rcode() != dns.rcode.NOERROR:
            symptom = NameSymptom.SERVER_FAILURE
    return NameAnswer(server, name, NameSymptom.FOUND if found else symptom, tuple(dict.fromkeys(found)))
