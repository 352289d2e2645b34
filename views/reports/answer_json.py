"""A verdict as the JSON document `portscope.why/1`: a promise to scripts.

Laws:
1. A key keeps its name and its meaning; keys may be added. The order of keys is the order in which one reads.
2. Everything is a JSON type: addresses are strings, what is absent is null, what is empty is [].
3. A step that a rule or a chain decided has the pointer's parts as keys of their own (backend, family, table, chain,
   index); every step has the pointer itself as `ref`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from engine.catalogue import page_of
from engine.model.application.naming import NameLookup, NameStep
from engine.model.application.proxy import HttpAnswer
from engine.model.machine import Machine
from engine.model.ref import RefKind
from engine.model.trace import Conversation, Hop, Step, Trace
from engine.model.verdict import Cause, Fix, NearMiss, Question, Reach, Supposition, Verdict
from views.reports.json_parts import packet, pointer
from views.reports.proof_json import proof

SCHEMA = "portscope.why/1"

Json = dict[str, Any]

#: The parts of a pointer's key, by its kind, where they are keys of a step of their own.
RULE_KEYS: dict[RefKind, tuple[str, ...]] = {
    RefKind.RULE: ("backend", "family", "table", "chain", "index"),
    RefKind.CHAIN: ("backend", "family", "table", "chain"),
}


def dumps(verdict: Verdict) -> str:
    """The document as text, ending in a newline. ASCII only, so that any locale can print it."""
    return json.dumps(document(verdict), indent=2) + "\n"


def document(verdict: Verdict) -> Json:
    """The document as JSON types; of several hosts, whatever has a namespace says whose it is."""
    whole = _document(verdict)
    return whole if not verdict.hosts else {**placed(whole, verdict.hosts), **hosts(verdict)}


def hosts(verdict: Verdict) -> Json:
    """The hosts of the snapshot, and how the packets got from one to another."""
    return {
        "hosts": [
            {
                "name": each.name,
                "hostname": each.hostname or None,
                "source": each.source,
                "taken": each.taken_at or None,
                "kernel": each.kernel or None,
                "described": each.described,
                "gaps": [gap.source for gap in verdict.gaps if gap.machine == each.name],
            }
            for each in verdict.hosts
        ],
        "joins": [
            {
                "from": host_of(each.near.netns, verdict.hosts),
                "to": host_of(each.far.netns, verdict.hosts),
                "segment": each.segment,
                "by": str(each.by),
                "evidence": [each.text],
            }
            for each in verdict.joins
        ],
    }


def host_of(netns: str, machines: Iterable[Machine]) -> str | None:
    """The host that a namespace is of, by its id."""
    return next((each.name for each in machines if netns == each.home or netns.startswith(f"{each.name}/")), None)


def placed(value: Any, machines: tuple[Machine, ...]) -> Any:
    """The document with a `host` in everything that has a `netns`."""
    if isinstance(value, list):
        return [placed(each, machines) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: placed(each, machines) for key, each in value.items()}
    return {"host": host_of(str(value["netns"]), machines), **found} if "netns" in value else found


def _document(verdict: Verdict) -> Json:
    return {
        "schema": SCHEMA,
        "question": question(verdict.question, verdict.conversation),
        "reach": str(verdict.reach),
        **symptom(verdict),
        **named(verdict.conversation.name),
        **answered(verdict.conversation.http),
        **conversation(verdict.conversation),
        "causes": [cause(each) for each in verdict.causes],
        "findings": [cause(each) for each in verdict.findings],
        "assumptions": [{"code": each.code, "sentence": each.sentence} for each in verdict.assumptions],
        "gaps": [{"source": each.source, "netns": each.netns, "reason": each.reason} for each in verdict.gaps],
        "branches": [{"symptom": str(each.symptom), **conversation(each)} for each in verdict.branches],
        "kernel": proof(verdict.kernel) if verdict.kernel else None,
    } | ({"if": supposition(verdict.supposed)} if verdict.supposed else {})


def supposition(supposed: Supposition) -> Json:
    """What the answer supposes, and what the question gives without it."""
    return {
        "changes": list(supposed.sentences),
        "without": {"reach": str(supposed.reach), "symptom": str(supposed.symptom)},
        "flips": list(supposed.flips),
    }


def named(lookup: NameLookup | None) -> Json:
    """How the source looks the name up; nothing for a question by address."""
    if lookup is None:
        return {}
    return {
        "name": {
            "asked": lookup.asked,
            "source": lookup.source,
            "order": [name_step(each) for each in lookup.order],
            "addresses": [str(each) for each in lookup.addresses],
            "used": str(lookup.used) if lookup.used is not None else None,
            "seconds": lookup.seconds,
        }
    }


def answered(http: HttpAnswer | None) -> Json:
    """What an HTTP client is answered by a proxy; nothing where none was met."""
    if http is None:
        return {}
    at, server = http.at, http.upstream
    upstream: Json | None = None
    if server is not None:
        address = str(http.address) if http.address is not None else None
        upstream = {"name": server.host, "address": address, "port": server.port, "tls": server.tls}
    place = {"file": at.key[0], "line": at.key[1]} if at is not None else None
    return {
        "http": {
            "url": http.url,
            "status": http.status or None,
            "by": http.by,
            "netns": http.netns,
            "at": place,
            "upstream": upstream,
            "served": http.served,
        }
    }


def name_step(taken: NameStep) -> Json:
    """One place that was asked for the name, with the walk of the query."""
    return {
        "by": str(taken.by),
        "server": str(taken.server) if taken.server is not None else None,
        "name": taken.name,
        "answer": [str(each) for each in taken.answer],
        "symptom": str(taken.symptom),
        "network": taken.network or None,
        "at": pointer(taken.at) if taken.at else None,
        "query": beside(taken.query),
    }


def symptom(verdict: Verdict) -> Json:
    """What the client sees: one symptom, or null with those that the branches end in."""
    found = list(dict.fromkeys(str(each.symptom) for each in verdict.branches))
    if len(found) > 1 and verdict.reach is Reach.DEPENDS:
        return {"symptom": None, "symptoms": found}
    return {"symptom": str(verdict.symptom)}


def question(asked: Question, talk: Conversation) -> Json:
    """Who asks for what. The client's address is the one that routing chose, null where it found none; an echo's port
    is null."""
    address = asked.source.address
    if address is None and talk.forward.hops and not talk.forward.hops[0].packet.src.is_unspecified:
        address = talk.forward.hops[0].packet.src
    nameless = talk.name is not None and talk.name.used is None
    client: Json = {"netns": asked.source.netns, "address": str(address) if address else None}
    if asked.source.outside:
        client["device"] = asked.source.device
    return {
        "from": client,
        "to": {
            "address": None if nameless else str(asked.address),
            "port": asked.port or None,
            "protocol": str(asked.protocol),
        },
        "target": asked.target or None,
    }


def conversation(talk: Conversation) -> Json:
    """The journeys there and back, and the second connection of a relay."""
    return {
        "forward": trace(talk.forward),
        "reply": trace(talk.reply),
        "confirm": trace(talk.confirm),
        "request": trace(talk.request),
        "answer": trace(talk.answer),
        "lost": beside(talk.lost),
        "error": trace(talk.error),
        "notice": trace(talk.notice),
        "relayed": beside(talk.relayed),
    }


def beside(talk: Conversation | None) -> Json | None:
    """A conversation that belongs to another one: what was lost before it, or a relay's."""
    if talk is None:
        return None
    return {"symptom": str(talk.symptom), **named(talk.name), **answered(talk.http), **conversation(talk)}


def trace(walked: Trace | None) -> Json | None:
    """One packet's journey."""
    if walked is None:
        return None
    return {
        "outcome": str(walked.outcome),
        "reject": str(walked.reject) if walked.reject else None,
        "hops": [hop(each) for each in walked.hops],
    }


def hop(part: Hop) -> Json:
    """The steps in one namespace."""
    return {"netns": part.netns, "packet": packet(part.packet), "steps": [step(each) for each in part.steps]}


def step(taken: Step) -> Json:
    """One decision."""
    row: Json = {"kind": str(taken.kind)}
    ref = taken.ref
    if ref and ref.kind in RULE_KEYS:
        row["hook"] = taken.hook or None
        row |= dict.fromkeys(RULE_KEYS[RefKind.RULE]) | dict(zip(RULE_KEYS[ref.kind], ref.key, strict=False))
        row["handle"] = taken.handle
    row["text"] = ref.text if ref and ref.kind is RefKind.RULE and ref.text else taken.text
    row["verdict"] = taken.verdict or None
    row["ref"] = pointer(ref) if ref else None
    if taken.after:
        row["after"] = packet(taken.after)
    return row


def cause(blocker: Cause) -> Json:
    """One blocker."""
    return {
        "code": blocker.code,
        "page": page_of(blocker.code),
        "sentence": blocker.sentence,
        "at": pointer(blocker.at),
        "owner": blocker.owner,
        "evidence": list(blocker.evidence),
        "near_misses": [near_miss(each) for each in blocker.near_misses],
        "fixes": [fix(each) for each in blocker.fixes],
    }


def near_miss(missed: NearMiss) -> Json:
    """A rule that nearly matched."""
    return {"text": missed.text, "because": missed.because, "at": pointer(missed.ref)}


def fix(way: Fix) -> Json:
    """What mends a blocker."""
    asked = way.ask
    return {
        "title": way.title,
        "kind": str(way.kind),
        "commands": [list(argv) for argv in way.commands],
        "verified": way.verified,
        "then": str(way.then),
        "side_effects": list(way.side_effects),
        "persistence": way.survives,
        "survives": way.survives,
        "lasting": [list(argv) for argv in way.lasting],
        **({"host": way.host} if way.host else {}),
        "ask": {"address": str(asked.address), "port": asked.port, "protocol": str(asked.protocol)} if asked else None,
    }
