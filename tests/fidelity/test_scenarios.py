"""The model against the kernel: every scenario is built, looked at, asked and tried; `oracle` compares."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import pytest

from engine import explain
from engine.explain.question import resolve
from engine.model.firewall import Firewall
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.verdict import Verdict
from tests.fidelity.oracle import (
    LegacyRule,
    asked_of_kernel,
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

#: Seconds for a handshake and for an answer where silence is expected, and where something should be heard.
SILENCE, PATIENCE = 0.9, 3.0
SILENT = frozenset({"timeout", "accepted-then-silent"})
#: Scenarios that stand side by side.
AT_ONCE = 4
SCENARIOS = read_all()


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
        patience = SILENCE if SILENT & set(question.symptoms) else PATIENCE
        seen = Attempt(knock(scene, verdict, question, patience))
        seen.events = {name: tracer.stop() for name, tracer in tracers.items()}
    for name, before in zip(legacy, counters, strict=True):
        seen.before |= before
        seen.after |= legacy_counters(scene.netns[name].name, scene.netns[name])
    return seen


def knock(scene: Scene, verdict: Verdict, question: Question, patience: float = PATIENCE) -> Result:
    asked = verdict.question
    address = f"{asked.address}%{asked.zone}" if asked.zone else str(asked.address)
    return probe(scene.netns[question.source].path, address, asked.port, question.protocol, patience)


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


def disagreements(scene: Scene, snapshot: Snapshot, question: Question) -> list[str]:
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
    places = {each.name: each for each in scene.netns.values()}
    wrong += route_disagreements(talk, snapshot, lambda netns, asked: asked_of_kernel(places[netns], asked))
    wrong += counter_disagreements(talk, seen.before, seen.after)
    return [scene.label(f"{question}: {line}") for line in wrong]


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


def check(scenario: Scenario) -> list[str]:
    """Everything that a scenario asks; what does not agree. A second fix needs a second, unmended scene."""
    wrong = []
    mending = [question for question in scenario.questions if question.fix != "unasked"]
    with World() as world:
        scene = build(world, scenario)
        snapshot = scene.look()
        for question in scenario.questions:
            wrong += disagreements(scene, snapshot, question)
        for question in mending[:1]:
            wrong += unmended(scene, question)
    for question in mending[1:]:
        with World() as world:
            wrong += unmended(build(world, scenario), question)
    return wrong


@pytest.fixture(scope="module")
def checked(request: pytest.FixtureRequest) -> dict[str, Future[list[str]]]:
    """The selected scenarios, all done. Several at a time: most of the time is waiting for clients to give up."""
    parameters = (getattr(item, "callspec", None) for item in request.session.items)
    chosen = {each.params["scenario"] for each in parameters if each and "scenario" in each.params}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {scenario.name: pool.submit(check, scenario) for scenario in SCENARIOS if scenario in chosen}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_file_model_and_kernel_agree(scenario: Scenario, checked: dict[str, Future[list[str]]]) -> None:
    assert checked[scenario.name].result() == []


def test_a_model_that_is_wrong_about_a_rule_is_found_out() -> None:
    scenario = next(each for each in SCENARIOS if each.name == "drop-in-forward")
    dropped = scenario.questions[1]
    with World() as world:
        scene = build(world, scenario)
        seen = scene.look()
        blind = tuple(replace(netns, firewall=Firewall()) for netns in seen.namespaces)
        wrong = "\n".join(disagreements(scene, replace(seen, namespaces=blind), dropped))
    assert "the model says connected, the kernel Result(symptom='timeout'" in wrong
    assert "the model says [], the kernel ['router ip filter/FORWARD #0: drop']" in wrong


def test_a_model_that_is_wrong_about_a_route_is_found_out() -> None:
    scenario = next(each for each in SCENARIOS if each.name == "drop-in-forward")
    with World() as world:
        scene = build(world, scenario)
        seen = scene.look()
        blind = tuple(
            replace(netns, routes=tuple(route for route in netns.routes if route.destination.prefixlen))
            for netns in seen.namespaces
        )
        wrong = "\n".join(disagreements(scene, replace(seen, namespaces=blind), scenario.questions[0]))
    assert "the model says ('Network is unreachable',), the kernel via 10.1.0.1 dev eth0" in wrong
