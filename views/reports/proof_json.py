"""What a real attempt showed, as the field `kernel` of `portscope.why/1`.

Laws: those of `answer_json`. `code` is MODEL_DISAGREES where prediction and kernel do not agree, else null; `steps`
has a row for each predicted step, and one for each rule that the kernel told of and nobody predicted (`predicted` is
empty).
"""

from __future__ import annotations

from typing import Any

from engine.model.proof import Attempt, FlowSeen, Growth, Proof, ProofRow, RuleSeen, Sighting
from engine.model.traffic import Tuple4
from views.reports.json_parts import packet, pointer

Json = dict[str, Any]


def proof(shown: Proof) -> Json:
    """The whole field."""
    made = shown.attempt
    return {
        "symptom": str(made.symptom) if made else None,
        "predicted": str(shown.predicted),
        "agrees": str(shown.agrees),
        "code": shown.code or None,
        "attempt": attempt(made) if made else None,
        "arrived": shown.arrived,
        "steps": [row(each) for each in shown.rows],
        "last_seen": sighting(shown.last) if shown.last else None,
        "rules": [rule(each) for each in shown.rules],
        "drops": [{"reason": each.reason, "function": each.function} for each in shown.drops],
        "flows": [flow(each) for each in shown.flows],
        "counters": [counter(each) for each in shown.growths],
        "sightings": [sighting(each) for each in shown.sightings],
        "gaps": [{"source": each.source, "netns": each.netns, "reason": each.reason} for each in shown.gaps],
    }


def attempt(made: Attempt) -> Json:
    """The client's side."""
    return {
        "address": str(made.address) if made.address else None,
        "port": made.port,
        "error": made.error or None,
        "answer": made.answer or None,
        "status": made.status or None,
        "seconds": round(made.seconds, 3),
        "doubt": made.doubt or None,
    }


def row(step: ProofRow) -> Json:
    """One step, predicted and seen."""
    return {
        "leg": str(step.leg),
        "netns": step.netns,
        "predicted": step.predicted,
        "seen": step.seen,
        "agree": str(step.agree),
        "source": step.source or None,
        "ref": pointer(step.ref) if step.ref else None,
    }


def sighting(seen: Sighting) -> Json:
    """A packet on a device."""
    return {
        "seconds": round(seen.seconds, 6),
        "netns": seen.netns,
        "device": seen.device,
        "direction": seen.direction,
        "leg": str(seen.leg),
        "packet": packet(seen.packet),
    }


def rule(met: RuleSeen) -> Json:
    """A rule (handle null: a policy) that the kernel told of."""
    place = {"netns": met.netns, "family": met.family, "table": met.table, "chain": met.chain, "handle": met.handle}
    return {**place, "verdict": met.verdict, "packet": packet(met.packet)}


def flow(seen: FlowSeen) -> Json:
    """An event of connection tracking."""
    entry = seen.entry
    ends = {"original": ends_of(entry.original), "reply": ends_of(entry.reply)}
    return {"netns": seen.netns, "event": seen.event, "protocol": str(entry.protocol), **ends}


def ends_of(ends: Tuple4) -> Json:
    """Both ends of one direction."""
    return {"src": str(ends.src), "dst": str(ends.dst), "sport": ends.sport, "dport": ends.dport}


def counter(grown: Growth) -> Json:
    """A counter that grew."""
    return {"netns": grown.netns, "name": grown.name, "by": grown.by, "ref": pointer(grown.ref) if grown.ref else None}
