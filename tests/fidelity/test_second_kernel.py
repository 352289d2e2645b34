"""Scenarios and random hosts under the second kernel, which has devices that this machine's may lack.

A scenario of tests/scenarios/second_kernel is built there, and the model has to agree with that kernel step by step, as
it does about others with this one. A failure of the fixed seed prints a small scenario that shows it.
"""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.fidelity.fuzz.crew import Desk, places, run
from tests.fidelity.fuzz.judge import Answer
from tests.fidelity.fuzz.worker import GuestWorker
from tests.harness.needs import require
from tests.harness.second_kernel import PROGRAM, REGISTERS_FIT
from tests.scenarios.scenario import FOLDER, read_all

require(PROGRAM, "ip", "bridge", "iptables-legacy", "ipset", "conntrack", root=True)

pytestmark = pytest.mark.xfail(not REGISTERS_FIT, reason="linux.uml does not start on this processor", strict=True)

CASES, FIXED, TRIES = 60, 13, 30


def test_model_and_second_kernel_agree_about_each_scenario() -> None:
    scenarios = read_all(FOLDER / "second_kernel")
    with closing(GuestWorker[Answer]("questions")) as worker:
        answers = {each.name: worker.ask(each) for each in scenarios}
    told = {
        name: answer.refused or [(found.seen, found.ending, found.wrong) for found in answer.findings]
        for name, answer in answers.items()
    }
    assert told == {
        each.name: [(question.symptoms[0], question.ending, []) for question in each.questions] for each in scenarios
    }


def test_model_and_second_kernel_agree_about_the_hosts_of_a_fixed_seed(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{CASES} random cases under the second kernel, seed {FIXED}", flush=True)
    report = run(places(FIXED, CASES), 1, Desk(lambda _: None, TRIES), "uml")
    assert report.cases > CASES * 0.7, report.refused
    assert "\n\n".join(str(each) for each in report.disagreements if each.steady) == ""
