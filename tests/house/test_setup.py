"""The set-up scripts, as far as they can be tried without changing the machine."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "scripts").glob("*.sh"))


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_one_that_sh_understands(script):
    done = run("sh", "-n", str(script))
    assert (done.returncode, done.stderr) == (0, "")
    assert script.read_text().startswith("#!/bin/sh\n# ")


def test_make_alone_lists_the_targets():
    done = run("make", "--no-print-directory", MAKEFLAGS="")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["make", target]
        for target in (
            "help",
            "run",
            "quick",
            "test",
            "fresh",
            "fuzz",
            "twins",
            "fleets",
            "stacks",
            "mutations",
            "days",
            "faults",
            "screenshots",
            "site",
            "dist",
            "clean",
        )
    ]


def test_set_up_wants_to_know_what_for():
    for goal in ([], ["everything"]):
        done = run("sh", "scripts/setup.sh", *goal)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "usage: setup.sh run|test\n")


def test_the_run_of_all_checks_is_strict_and_can_be_started():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "export PORTSCOPE_STRICT=1\n" in script.read_text()
