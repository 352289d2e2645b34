"""The model against the kernel: every scenario is built, looked at, asked and tried; `oracle` compares."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from _pytest.mark import ParameterSet

from engine.model.firewall import Firewall
from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from tests.fidelity.oracle import failed_leg
from tests.fidelity.question import ask, attempt_disagreements, knock
from tests.harness.needs import require
from tests.harness.netns import World, run
from tests.harness.scenes import Scene, build
from tests.scenarios.scenario import Question, Scenario, read_all
from views.reports.json_parts import pointer

require("ip", "nsenter", "nft", "iptables-nft", "iptables-legacy", "arptables-legacy", "bridge", "conntrack", root=True)

#: Scenarios that stand side by side.
AT_ONCE = 4
SCENARIOS = read_all()


def answer_of(scene: Scene, verdict: Verdict) -> tuple[str, ...]:
    """The model's answer in the words of a scenario file."""
    endings = {verdict.symptom, *(branch.symptom for branch in verdict.branches)}
    code = at = ""
    if verdict.causes:
        first = verdict.causes[0]
        named = pointer(first.at)["name"]  # the number in it counts from 0, as in the files
        code, at = first.code, f"{scene.label(first.at.netns)} {scene.label(named)}".strip()
    return (" or ".join(sorted(endings)), str(verdict.reach), failed_leg(verdict.conversation), code, at)


def expected(question: Question) -> tuple[str, ...]:
    return (" or ".join(sorted(question.symptoms)), question.reach, question.ending, question.code, question.at)


def disagreements(scene: Scene, snapshot: Snapshot, question: Question) -> list[str]:
    """One question put to the file, the model and the kernel."""
    verdict = ask(scene, snapshot, question)
    wrong = []
    if answer_of(scene, verdict) != expected(question):
        wrong.append(f"the file says {expected(question)}, the model {answer_of(scene, verdict)}")
    wrong += attempt_disagreements(scene, snapshot, question, verdict)
    return [scene.label(f"{question}: {line}") for line in wrong]


def unmended(scene: Scene, question: Question) -> list[str]:
    """Carries out the fixes of the answer, as they are given, and tries again."""
    verdict = ask(scene, scene.look(), question)
    causes = [cause for cause in verdict.causes if not cause.settled]
    first = [cause.change.commands for cause in causes if cause.change is not None]
    commands = [argv for argvs in first for argv in argvs]
    whole = len(first) == len(causes) and all(first)
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


def as_parameter(scenario: Scenario) -> ParameterSet:
    """A scenario to be checked. One that is known to disagree must go on to: what agrees loses the mark."""
    known = pytest.mark.xfail(strict=True, raises=AssertionError, reason=scenario.disagrees)
    return pytest.param(scenario, id=scenario.name, marks=[known] if scenario.disagrees else [])


@pytest.mark.parametrize("scenario", map(as_parameter, SCENARIOS))
def test_file_model_and_kernel_agree(scenario: Scenario, checked: dict[str, Future[list[str]]]) -> None:
    wrong = checked[scenario.name].result()  # a scenario that can't be built is an error, whatever is known of it
    assert wrong == []


def test_only_a_known_disagreement_is_expected_to_fail() -> None:
    plain = next(each for each in SCENARIOS if not each.disagrees)
    assert as_parameter(plain).marks == []
    (mark,) = as_parameter(replace(plain, disagrees="for a reason")).marks
    assert mark.kwargs == {"strict": True, "raises": AssertionError, "reason": "for a reason"}


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
