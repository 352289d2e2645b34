"""The collect script, run by another program that passes it on: its text as stdin, its file as stdout.

A login file may print before it, and a shell behind it: what counts is from the file's first line on, and its last line
says that it is whole (`collected.sections`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from engine.model.host import Snapshot
from engine.observe.base.errors import ObserveError
from engine.observe.collected import script
from engine.observe.collected.sections import SCHEMA, CollectedError
from engine.observe.collected.snapshot import loads
from engine.programs import environment
from engine.records import dataclass

#: Seconds for a machine, more than the script gives itself; and bytes that it may print.
PATIENCE, LARGEST = 150.0, 256 * 1024 * 1024
#: How a POSIX shell reads the script: as root where that needs no password, else as whoever is logged in.
SHELL = "if [ $(id -u) != 0 ] && sudo -n true </dev/null 2>/dev/null; then exec sudo -n sh -s; else exec sh -s; fi"
#: A file that is cut off is told by its size, so that it is not taken for another fault.
_FEW = 400


class RemoteError(ObserveError):
    """A machine cannot be read; the message is one line: which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What the program printed, and how it ended."""

    status: int
    output: str
    complaint: str


def run(argv: Sequence[str], place: str, patience: float = PATIENCE) -> Printed:
    """Runs a program with the script as its stdin. Raises `RemoteError` where it takes too long or cannot start."""
    try:
        done = subprocess.run(
            argv, input=script().encode(), capture_output=True, timeout=patience, check=False, env=environment()
        )
    except subprocess.TimeoutExpired:
        raise RemoteError(f"{place} did not answer in {patience:.0f} seconds: see whether it is overloaded") from None
    except OSError as error:
        raise RemoteError(f"{place}: {argv[0]} cannot be started: {error.strerror}") from None
    if len(done.stdout) > LARGEST:
        raise RemoteError(f"{place} printed more than {LARGEST >> 20} MiB, which is no snapshot")
    complaint = done.stderr.decode("utf-8", "replace")
    return Printed(done.returncode, done.stdout.decode("utf-8", "replace"), complaint)


def read(printed: Printed, place: str) -> Snapshot:
    """The snapshot in what was printed. Raises `RemoteError`."""
    text = printed.output
    begin = 0 if text.startswith(f"{SCHEMA} ") else text.find(f"\n{SCHEMA} ") + 1
    if not text.startswith(f"{SCHEMA} ", begin):
        said = _first(printed.complaint) or _first(text) or f"exit {printed.status}"
        raise RemoteError(f"{place} ran no POSIX shell that could collect ({said}): log in there and try `sh -c id`")
    try:
        return loads(text[begin:])
    except CollectedError as error:
        lost = f"the connection ended half-way ({_first(printed.complaint) or f'exit {printed.status}'})"
        why = lost if "ends too early" in str(error) else str(error)
        raise RemoteError(f"{place}: {why}: ask again") from None


def _first(text: str) -> str:
    """The first line that says something."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return "".join(each for each in line if each.isprintable())[:_FEW]
