"""One question put to the model and to the kernel of a scene, and where the two disagree.

The kernel gets a real client. Beside its symptom everything in the scene is traced: which rules the packets met and
where they were routed, held against each step of the model by `oracle`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from engine import explain
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from tests.fidelity.oracle import (
    LegacyRule,
    asked_of_kernel,
    counter_disagreements,
    legacy_counters,
    route_disagreements,
    rule_disagreements,
    talks,
)
from tests.harness.nftrace import Event, Tracer
from tests.harness.probe import Result, probe
from tests.harness.scenes import Scene
from tests.scenarios.scenario import Question

#: Seconds for a handshake and for an answer where silence is expected, and where something should be heard.
SILENCE, PATIENCE = 0.9, 3.0
SILENT = frozenset({"timeout", "accepted-then-silent"})


@dataclass
class Attempt:
    """What the kernel showed of one question."""

    result: Result
    events: dict[str, tuple[Event, ...]] = field(default_factory=dict)
    before: dict[LegacyRule, int] = field(default_factory=dict)
    after: dict[LegacyRule, int] = field(default_factory=dict)


def attempt(scene: Scene, verdict: Verdict, question: Question) -> Attempt:
    """A real client's attempt, with everything in the scene traced."""
    scene.forget()
    legacy = [each.name for each in scene.scenario.namespaces if any("legacy" in f.backend for f in each.firewall)]
    counters = [legacy_counters(scene.netns[name].name, scene.netns[name]) for name in legacy]
    tracers = {each.name: Tracer(each) for each in scene.netns.values()}
    with ExitStack() as stack:
        for tracer in tracers.values():
            stack.callback(tracer.close)
            tracer.start()
        again = any(each.lost for talk in (verdict.conversation, *verdict.branches) for each in talks(talk))
        patience = SILENCE if SILENT & set(question.symptoms) and not again else PATIENCE
        seen = Attempt(knock(scene, verdict, question, patience))
        seen.events = {name: tracer.stop() for name, tracer in tracers.items()}
    for name, before in zip(legacy, counters, strict=True):
        seen.before |= before
        seen.after |= legacy_counters(scene.netns[name].name, scene.netns[name])
    return seen


def knock(scene: Scene, verdict: Verdict, question: Question, patience: float = PATIENCE) -> Result:
    asked = verdict.question
    address = f"{asked.address}%{asked.zone}" if asked.zone else str(asked.address)
    return probe(scene.netns[question.source].path, address, asked.port, question.protocol, patience, own=question.port)


def ask(scene: Scene, snapshot: Snapshot, question: Question) -> Verdict:
    source = f"ns:{scene.netns[question.source].name}"
    asked = resolve(snapshot, question.target, source, Protocol(question.protocol))
    return explain.ask(snapshot, replace(asked, source=replace(asked.source, port=question.port or None)))


def attempt_disagreements(scene: Scene, snapshot: Snapshot, question: Question, verdict: Verdict) -> list[str]:
    """Where a real attempt is not what the model says of it: the symptom, the rules, the routes, the counters."""
    seen = attempt(scene, verdict, question)
    wrong = []
    talk = next((branch for branch in verdict.branches if branch.symptom == seen.result.symptom), verdict.conversation)
    if talk.symptom != seen.result.symptom:
        wrong.append(f"the model says {talk.symptom}, the kernel {seen.result}")
    wrong += rule_disagreements(talk, seen.events)
    places = {each.name: each for each in scene.netns.values()}
    wrong += route_disagreements(talk, snapshot, lambda netns, asked: asked_of_kernel(places[netns], asked))
    wrong += counter_disagreements(talk, seen.before, seen.after)
    return wrong
