"""Nouns that several documents hold. What they mean is said where they are made (`views.reports`)."""

from __future__ import annotations

from engine.model.application.naming import NameSymptom
from engine.model.proof import Agreement
from engine.model.ref import RefKind
from engine.model.trace import Outcome, StepKind, Symptom
from engine.model.verdict import FixKind, Reach
from views.schemas.form import Maybe, Part, Said

PROTOCOLS = {"tcp", "udp", "sctp", "icmp", "ipv6-icmp"}
END = {"src": str, "dst": str, "sport": Maybe(int), "dport": Maybe(int)}

PACKET = {
    **END,
    "protocol": str,
    "ttl": int,
    "flags?": [{"syn", "ack", "fin", "rst", "psh", "urg"}],
    "icmp_type?": int,
    "icmp_code?": Maybe(int),
}
PLACE = {"kind": set(RefKind), "netns": str, "name": str, "text": str, "host?": Maybe(str)}
STEP = {
    "kind": set(StepKind),
    "text": str,
    "verdict": Maybe(str),
    "ref": Maybe(Part("place")),
    "after?": Part("packet"),
    "hook?": Maybe(str),
    "backend?": Maybe({"nft", "xt-nft", "xt-legacy"}),
    "family?": Maybe(str),
    "table?": Maybe(str),
    "chain?": Maybe(str),
    "index?": Said(Maybe(int), "of a rule, counted from 0"),
    "handle?": Maybe(int),
}
TRACE = {
    "outcome": set(Outcome),
    "reject": Maybe(str),
    "hops": [{"netns": str, "host?": Maybe(str), "packet": Part("packet"), "steps": [Part("step")]}],
}
LEGS = ("forward", "reply", "confirm", "request", "answer", "error", "notice")
TALK = {
    **{leg: Maybe(Part("trace")) for leg in LEGS},
    "lost": Said(Maybe(Part("beside")), "what was lost before this packet"),
    "relayed": Said(Maybe(Part("beside")), "the second connection, of a relay or a proxy"),
}
NAME_STEP = {
    "by": str,
    "server": Maybe(str),
    "name": str,
    "answer": [str],
    "symptom": set(NameSymptom),
    "network": Maybe(str),
    "at": Maybe(Part("place")),
    "query": Maybe(Part("beside")),
}
NAME = {
    "asked": str,
    "source": str,
    "order": [NAME_STEP],
    "addresses": [str],
    "used": Maybe(str),
    "seconds": float,
}
HTTP = {
    "url": str,
    "status": Maybe(int),
    "by": str,
    "netns": str,
    "host?": Maybe(str),
    "at": Maybe({"file": str, "line": int}),
    "upstream": Maybe({"name": str, "address": Maybe(str), "port": int, "tls": bool}),
    "served": bool,
}
LAYERS = {"name?": Part("name"), "http?": Part("http")}
BESIDE = {"symptom": set(Symptom), **LAYERS, **TALK}
FIX = {
    "title": str,
    "kind": set(FixKind),
    "commands": Said([[str]], "each a list of words, to be run in this order"),
    "verified": {"model", "kernel"},
    "then": Said(set(Symptom), "what the same question gives after it"),
    "side_effects": [str],
    "persistence": str,
    "survives": Said(str, "what it outlasts: a reboot, a restart of the engine …"),
    "lasting": [[str]],
    "host?": str,
    "ask": Said(Maybe({"address": str, "port": int, "protocol": PROTOCOLS}), "what to ask for instead"),
}
CAUSE = {
    "code": Said(str, "of the catalogue of causes"),
    "page": Said(str, "the address of the page that explains the code"),
    "sentence": str,
    "at": Part("place"),
    "owner": Said(str, "whose rule or setting it is: docker, ufw, admin, kernel …"),
    "evidence": [str],
    "near_misses": [{"text": str, "because": str, "at": Part("place")}],
    "fixes": [Part("fix")],
}
GAP = {"source": str, "netns": str, "reason": str, "host?": Maybe(str)}
SIGHTING = {"seconds": float, "netns": str, "device": str, "direction": str, "leg": str, "packet": Part("packet")}
KERNEL = {
    "symptom": Maybe(set(Symptom)),
    "predicted": set(Symptom),
    "agrees": set(Agreement),
    "code": Maybe(str),
    "attempt": Maybe(
        {
            "address": Maybe(str),
            "port": Maybe(int),
            "error": Maybe(str),
            "answer": Maybe(str),
            "status": Maybe(int),
            "seconds": float,
            "doubt": Maybe(str),
        }
    ),
    "arrived": Maybe(bool),
    "steps": [
        {
            "leg": str,
            "netns": str,
            "predicted": str,
            "seen": str,
            "agree": set(Agreement),
            "source": Maybe(str),
            "ref": Maybe(Part("place")),
        }
    ],
    "last_seen": Maybe(SIGHTING),
    "rules": [
        {
            "netns": str,
            "family": str,
            "table": str,
            "chain": str,
            "handle": Maybe(int),
            "verdict": str,
            "packet": Part("packet"),
        }
    ],
    "drops": [{"reason": str, "function": str}],
    "flows": [{"netns": str, "event": str, "protocol": str, "original": END, "reply": END}],
    "counters": [{"netns": str, "name": str, "by": int, "ref": Maybe(Part("place"))}],
    "sightings": [SIGHTING],
    "gaps": [Part("gap")],
}
CHANGE = {"how": str, "what": str, "name": str, "netns": Maybe(str), "detail": Maybe(str), "text": str}
WHY = {
    "schema": {"portscope.why/1"},
    "question": {
        "from": {"netns": str, "address": Maybe(str), "device?": str, "host?": Maybe(str)},
        "to": {"address": Maybe(str), "port": Maybe(int), "protocol": PROTOCOLS},
        "target": Maybe(str),
    },
    "reach": set(Reach),
    "symptom": Said(Maybe(set(Symptom)), "what the client sees; null where it depends on something"),
    "symptoms?": [set(Symptom)],
    **LAYERS,
    **TALK,
    "causes": Said([Part("cause")], "of what fails, each to be fixed"),
    "findings": Said([Part("cause")], "beside a connection that works"),
    "assumptions": [{"code": str, "sentence": str}],
    "gaps": Said([Part("gap")], "what is missing in the snapshot and bears on the answer"),
    "branches": [{"symptom": set(Symptom), **TALK}],
    "kernel": Said(Maybe(Part("kernel")), "what a real attempt showed (--prove)"),
    "if?": {"changes": [str], "without": {"reach": set(Reach), "symptom": str}, "flips": [str]},
    "hosts?": [
        {
            "name": str,
            "hostname": Maybe(str),
            "source": str,
            "taken": Maybe(str),
            "kernel": Maybe(str),
            "described": Said(bool, "whether an edge file describes it: it was not read"),
            "gaps": [str],
        }
    ],
    "joins?": [{"from": Maybe(str), "to": Maybe(str), "segment": str, "by": str, "evidence": [str]}],
}

PARTS = {
    "packet": PACKET,
    "place": PLACE,
    "step": STEP,
    "trace": TRACE,
    "name": NAME,
    "http": HTTP,
    "beside": BESIDE,
    "fix": FIX,
    "cause": CAUSE,
    "gap": GAP,
    "kernel": KERNEL,
    "change": CHANGE,
    "why": WHY,
}
