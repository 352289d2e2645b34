"""Random hosts and questions of a fixed seed. `make fresh` has those of a new one.

A failure prints a small scenario that shows it, which `python -m tests.fidelity.fuzz --cases N --seed S` makes as small
as it gets, ready to be put in tests/scenarios: the same seed makes the same cases.
"""

from __future__ import annotations

import tomllib

import pytest

from tests.fidelity.fuzz import promises
from tests.fidelity.fuzz.crew import Desk, places, run
from tests.fidelity.fuzz.generate import scenario
from tests.harness.needs import require
from tests.scenarios.scenario import Scenario, parse
from tests.scenarios.written import written

require("ip", "nft", "iptables-nft", "iptables-legacy", "ipset", "bridge", "unshare", root=True)

CASES, HOSTS, JOBS = 150, 10, 2
#: How often a disagreement is asked anew while it is made small. `make fuzz` has no such limit.
TRIES = 60
FIXED = 8


def disagreements(seed: int, capsys: pytest.CaptureFixture[str]) -> str:
    """Runs the cases of a seed; what does not agree, as scenario files."""
    with capsys.disabled():
        print(f"\n{CASES} random cases, seed {seed}", flush=True)
    report = run(places(seed, CASES), JOBS, Desk(lambda _: None, TRIES))
    assert report.cases > CASES * 0.8, report.refused
    return "\n\n".join(str(each) for each in report.disagreements if each.steady)


def test_model_and_kernel_agree_about_the_hosts_of_a_fixed_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert disagreements(FIXED, capsys) == ""


def test_model_and_kernel_agree_about_several_hosts_of_a_fixed_seed() -> None:
    """Each namespace is a host of its own, joined to the others by what both show."""
    report = run(places(FIXED, 2 * CASES), JOBS, Desk(lambda _: None, TRIES), several=True)
    assert report.cases > CASES // 5, report.refused
    assert [str(each) for each in report.disagreements if each.steady] == []


def broken_promises(seed: int) -> str:
    """Applies the fixes of a seed's hosts; those that do not do what they say, a line each."""
    found = promises.outcomes(seed, HOSTS, JOBS)
    assert found
    return "\n".join(f"{case.asked}\n    {case.wrong}" for case in found if case.wrong)


def test_fixes_do_what_they_say_on_the_hosts_of_a_fixed_seed() -> None:
    assert broken_promises(FIXED) == ""


def test_a_seed_makes_the_same_scenarios_every_time() -> None:
    assert scenario(7, 3) == scenario(7, 3)
    assert scenario(7, 3) != scenario(7, 4)


@pytest.mark.parametrize("number", range(20))
def test_a_random_scenario_is_a_file_that_could_be_committed(number: int) -> None:
    made: Scenario = scenario(11, number)
    assert parse(made.name, tomllib.loads(written(made))) == made
