"""The model against the kernel: every scenario is built, looked at, asked and tried. `oracle` tells what is compared."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from engine import explain
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from tests.fidelity.oracle import (
    LegacyRule,
    counter_disagreements,
    failed_leg,
    legacy_counters,
    route_disagreements,
    rule_disagreements,
)
from tests.harness.needs import require
from tests.harness.netns import World, run
from tests.harness.nftrace import Event, Tracer
from tests.harness.probe import Result, probe
from tests.harness.scenes import Scene, build
from tests.scenarios.scenario import Question, Scenario, read_all

require("ip", "nsenter", "nft", "iptables-nft", "iptables-legacy", "bridge", "conntrack", root=True)

#: Seconds for a handshake and for an answer: less than the kernel waits before it sends a packet again.
PATIENCE = 0.9


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
            stack.callback(tracer.socket.close)
            tracer.start()
        seen = Attempt(knock(scene, verdict, question))
        seen.events = {name: tracer.stop() for name, tracer in tracers.items()}
    for name, before in zip(legacy, counters, strict=True):
        seen.before |= before
        seen.after |= legacy_counters(scene.netns[name].name, scene.netns[name])
    return seen


def knock(scene: Scene, verdict: Verdict, question: Question) -> Result:
    asked = verdict.question
    return probe(scene.netns[question.source].path, str(asked.address), asked.port, question.protocol, PATIENCE)


def ask(scene: Scene, snapshot: Snapshot, question: Question) -> Verdict:
    source = f"ns:{scene.netns[question.source].name}"
    return explain.ask(snapshot, resolve(snapshot, question.target, source, Protocol(question.protocol)))


def answer_of(scene: Scene, verdict: Verdict) -> tuple[str, ...]:
    """The model's answer in the words of a scenario file."""
    endings = {verdict.symptom, *(branch.symptom for branch in verdict.branches)}
    code = at = ""
    if verdict.causes:
        first = verdict.causes[0]
        code, at = first.code, f"{scene.label(first.at.netns)} {scene.label(first.at.name)}".strip()
    return (" or ".join(sorted(endings)), str(verdict.reach), failed_leg(verdict.conversation), code, at)


def expected(question: Question) -> tuple[str, ...]:
    return (" or ".join(sorted(question.symptoms)), question.reach, question.ending, question.code, question.at)


def disagreements(scene: Scene, snapshot: Snapshot, question: Question) -> tuple[list[str], Verdict]:
    """One question put to the file, the model and the kernel."""
    verdict = ask(scene, snapshot, question)
    seen = attempt(scene, verdict, question)
    wrong = []
    if answer_of(scene, verdict) != expected(question):
        wrong.append(f"the file says {expected(question)}, the model {answer_of(scene, verdict)}")
    talk = next((branch for branch in verdict.branches if branch.symptom == seen.result.symptom), verdict.conversation)
    if talk.symptom != seen.result.symptom:
        wrong.append(f"the model says {talk.symptom}, the kernel {seen.result}")
    wrong += rule_disagreements(talk, seen.events)
    wrong += route_disagreements(talk, snapshot, {each.name: each for each in scene.netns.values()})
    wrong += counter_disagreements(talk, seen.before, seen.after)
    return [scene.label(f"{question}: {line}") for line in wrong], verdict


def unmended(scene: Scene, question: Question) -> list[str]:
    """Carries out the fixes of the answer, as they are given, and tries again."""
    verdict = ask(scene, scene.look(), question)
    first = [fix.commands for cause in verdict.causes for fix in cause.fixes[:1]]
    commands = [argv for argvs in first for argv in argvs]
    whole = len(first) == len(verdict.causes) and all(first)
    if question.fix == "none":
        return [f"{question}: the file says that no commands mend it, the model {commands}"] if whole else []
    for argv in commands:
        run(argv)
    scene.forget()
    result = knock(scene, verdict, question)
    if whole and result.symptom == "connected":
        return []
    return [scene.label(f"{question}: after {[' '.join(argv) for argv in commands]} the kernel says {result}")]


@pytest.mark.parametrize("scenario", read_all(), ids=lambda scenario: scenario.name)
def test_file_model_and_kernel_agree(scenario: Scenario) -> None:
    wrong = []
    mending = [question for question in scenario.questions if question.fix != "unasked"]
    with World() as world:
        scene = build(world, scenario)
        snapshot = scene.look()
        for question in scenario.questions:
            wrong += disagreements(scene, snapshot, question)[0]
        for question in mending[:1]:
            wrong += unmended(scene, question)
    for question in mending[1:]:
        with World() as world:
            wrong += unmended(build(world, scenario), question)
    assert wrong == []
