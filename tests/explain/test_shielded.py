"""Several rules of one chain in the packet's way: each is told, and one exception lets it pass them all."""

from __future__ import annotations

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.trace import Symptom
from engine.model.verdict import Reach, Verdict
from tests.hosts.stock import docker_world
from views.reports.answer_text import render

#: Translated for db, and accepted by no rule.
UNACCEPTED = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 9999 -j DNAT --to-destination 172.17.0.3:5432\n"


def answer(snapshot: Snapshot, target: str = "10.77.0.1:8080") -> Verdict:
    return ask(snapshot, resolve(snapshot, target, "ns:lan"))


def told(verdict: Verdict) -> list[tuple[str, str]]:
    return [(cause.code, cause.at.name) for cause in verdict.causes]


def test_rules_behind_an_exception_that_accepts_are_causes_of_their_own() -> None:
    snapshot = docker_world(
        filters=["-A FORWARD -s 10.77.0.2/32 -j REJECT", "-A FORWARD -i up0 -p tcp -j DROP"],
        user=["-p tcp -m tcp --dport 80 -j DROP"],
    ).snapshot()
    verdict = answer(snapshot)
    assert told(verdict) == [
        ("FW_RULE_REJECT", "filter/FORWARD 1"),
        ("FW_RULE_DROP", "filter/FORWARD 2"),
        ("FW_RULE_DROP", "filter/DOCKER-USER 1"),
    ]
    after = applied(snapshot, verdict.causes[0].fixes[0].plan.changes)
    assert answer(after).symptom is Symptom.CONNECTED
    assert [(len(cause.fixes), bool(cause.settled)) for cause in verdict.causes] == [(1, False), (0, True), (0, True)]
    assert render(verdict, 200).count("none of its own: the fix above") == 2
    assert verdict.causes[0].fixes[0].then is Symptom.CONNECTED


def test_a_policy_behind_a_rule_about_somebody_is_one_and_behind_a_general_rule_it_is_not() -> None:
    particular = answer(docker_world(user=["-s 10.77.0.0/24 -j DROP"], nat=UNACCEPTED).snapshot(), "10.77.0.1:9999")
    assert told(particular) == [("FW_RULE_DROP", "filter/DOCKER-USER 1"), ("FW_POLICY_DROP", "filter/FORWARD")]
    general = answer(docker_world(filters=["-A FORWARD -j REJECT"]).snapshot())
    assert told(general) == [("FW_RULE_REJECT", "filter/FORWARD 1")]


def test_one_rule_alone_is_one_cause() -> None:
    verdict = answer(docker_world(filters=["-A FORWARD -s 10.77.0.2/32 -j REJECT"]).snapshot())
    assert verdict.reach is Reach.NO
    assert told(verdict) == [("FW_RULE_REJECT", "filter/FORWARD 1")]
