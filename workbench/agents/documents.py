"""A tool's document: portscope itself prints it, as it does for a script.

Each question is a process of its own, so it is bounded in time, its memory goes with it, and what it says on stderr is
the error that the agent reads. Words of the agent are values (`--from=…`) or stand after `--`: they are no options.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

from engine import programs

#: Seconds that a question may take, and that it gets to clean up.
LONGEST, GRACE = 90.0, 30.0
#: Exit codes with a document: reachable, not reachable, could not tell.
WITH_DOCUMENT = (0, 1, 3)


class NoDocument(Exception):
    """There is no answer; `str()` is one line that says why."""


def printed(words: Sequence[str], *, read_only: bool = True) -> dict[str, Any]:
    """The JSON document that portscope prints for a command line. Raises NoDocument."""
    return dict(json.loads(run([*(["--read-only"] if read_only else []), *words])))


def run(words: Sequence[str]) -> str:
    """What portscope prints for a command line. Raises NoDocument."""
    argv = programs.python("-m", "workbench.start", *words)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv,
        env=programs.environment(),
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
        errors="replace",
    ) as process:
        try:
            out, error = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            _stop(process)
            raise NoDocument(f"it took more than {LONGEST:.0f} seconds; ask for less, or of a saved snapshot") from None
    if process.returncode not in WITH_DOCUMENT:
        said = error.strip().splitlines()
        raise NoDocument(said[-1].removeprefix("portscope: ") if said else f"exit code {process.returncode}")
    return out


def _stop(process: subprocess.Popen[str]) -> None:
    """Ends a process that may have something to take down."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
