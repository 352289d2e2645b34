"""A service that an engine refuses, since nothing serves it: one cause, mended by whoever is to serve it."""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.trace import Symptom
from engine.model.verdict import Verdict
from tests.hosts.stock import docker_world

KUBE = [":KUBE-EXTERNAL-SERVICES - [0:0]", "-A INPUT -j KUBE-EXTERNAL-SERVICES"]


def answer(*rules: str) -> Verdict:
    snapshot = docker_world(filters=rules).snapshot()
    return ask(snapshot, resolve(snapshot, "10.77.0.1:30777", "ns:lan"))


@pytest.mark.parametrize("target", ["REJECT", "DROP"])
def test_a_service_without_endpoints_is_one_cause(target: str) -> None:
    verdict = answer(*KUBE, f"-A KUBE-EXTERNAL-SERVICES -p tcp -m tcp --dport 30777 -j {target}")
    assert [(cause.code, cause.owner) for cause in verdict.causes] == [(f"FW_RULE_{target}", "kube-proxy")]
    (fix,) = verdict.causes[0].fixes
    assert (fix.commands, fix.then) == ((), Symptom.CONNECTED)
    assert "a ready endpoint" in fix.title


@pytest.mark.parametrize(
    "rules",
    [
        (*KUBE, "-A KUBE-EXTERNAL-SERVICES -p tcp -j REJECT"),
        ("-A INPUT -p tcp -m tcp --dport 30777 -j REJECT",),
    ],
    ids=["about every port", "the admin's"],
)
def test_another_rule_and_a_port_that_nobody_published_are_two(rules: tuple[str, ...]) -> None:
    assert [cause.code for cause in answer(*rules).causes] == ["FW_RULE_REJECT", "NAT_NOT_PUBLISHED"]
