"""Random hosts and questions: a fixed seed, and one that is new in every run and stands in the test's name.

A failure prints a small scenario that shows it, which `python -m tests.fidelity.fuzz --cases N --seed S` makes as small
as it gets, ready to be put in tests/scenarios: the same seed makes the same cases.
"""

from __future__ import annotations

import os
import secrets
import tomllib

import pytest

from tests.fidelity.fuzz import promises
from tests.fidelity.fuzz.crew import places, run
from tests.fidelity.fuzz.generate import scenario
from tests.harness.needs import require
from tests.scenarios.scenario import Scenario, parse
from tests.scenarios.written import written

require("ip", "nft", "iptables-nft", "iptables-legacy", "ipset", "bridge", "unshare", root=True)

CASES, HOSTS, JOBS = 150, 10, 2
#: How often a disagreement is asked anew while it is made small. `make fuzz` has no such limit.
TRIES = 60
FIXED = 8
#: Chosen once for a run: its processes, where there are several, collect the same tests.
FRESH = int(os.environ.setdefault("PORTSCOPE_FUZZ_SEED", str(secrets.randbelow(1_000_000))))


def disagreements(seed: int, capsys: pytest.CaptureFixture[str]) -> str:
    """Runs the cases of a seed; what does not agree, as scenario files."""
    with capsys.disabled():
        print(f"\n{CASES} random cases, seed {seed}", flush=True)
    report = run(places(seed, CASES), JOBS, lambda _: None, TRIES)
    assert report.cases > CASES * 0.8, report.refused
    return "\n\n".join(str(each) for each in report.disagreements if each.steady)


def test_model_and_kernel_agree_about_the_hosts_of_a_fixed_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert disagreements(FIXED, capsys) == ""


@pytest.mark.parametrize("seed", [FRESH], ids=[f"fresh-seed-{FRESH}"])
def test_model_and_kernel_agree_about_the_hosts_of_a_fresh_seed(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    if found := disagreements(seed, capsys):
        with capsys.disabled():
            print(found, flush=True)
        # docs/fidelity.md tells how many are known to be left; each is work to do, and none of this commit's making.
        pytest.xfail("model and kernel disagree: the scenarios above show about what")


def broken_promises(seed: int) -> str:
    """Has the fixes of a seed's hosts carried out; what does not do what it says, a line each."""
    found = promises.outcomes(seed, HOSTS, JOBS)
    assert found
    return "\n".join(f"{case.asked}\n    {case.wrong}" for case in found if case.wrong)


def test_fixes_do_what_they_say_on_the_hosts_of_a_fixed_seed() -> None:
    assert broken_promises(FIXED) == ""


@pytest.mark.parametrize("seed", [FRESH], ids=[f"fresh-seed-{FRESH}"])
def test_fixes_do_what_they_say_on_the_hosts_of_a_fresh_seed(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    if wrong := broken_promises(seed):
        with capsys.disabled():
            print(wrong, flush=True)
        pytest.xfail("fixes do not do what they say: the lines above name the hosts")


def test_a_seed_makes_the_same_scenarios_every_time() -> None:
    assert scenario(7, 3) == scenario(7, 3)
    assert scenario(7, 3) != scenario(7, 4)


@pytest.mark.parametrize("number", range(20))
def test_a_random_scenario_is_a_file_that_could_be_committed(number: int) -> None:
    made: Scenario = scenario(11, number)
    assert parse(made.name, tomllib.loads(written(made))) == made
