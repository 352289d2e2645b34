"""The collect script, run by another program that passes it on: its text as stdin, its file as stdout.

A login file may print before it, and a shell behind it: what counts is from the file's first line on, and its last line
says that it is whole (`collected.sections`).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from selectors import EVENT_READ, DefaultSelector
from tempfile import TemporaryFile
from time import monotonic

from engine.model.host import Snapshot
from engine.observe.base.errors import ObserveError
from engine.observe.collected import script
from engine.observe.collected.sections import SCHEMA, CollectedError
from engine.observe.collected.snapshot import loads
from engine.programs import environment
from engine.records import dataclass

#: Seconds for a machine, more than the script gives itself; and bytes that it may print, and complain in.
PATIENCE, LARGEST, MOST_COMPLAINTS = 150.0, 256 * 1024 * 1024, 1 << 16
#: How a POSIX shell reads the script: as root where that needs no password, else as the user who is logged in.
SHELL = "if [ $(id -u) != 0 ] && sudo -n true </dev/null 2>/dev/null; then exec sudo -n sh -s; else exec sh -s; fi"
#: Characters of a line that is quoted.
_LONGEST = 400
_CHUNK = 1 << 16


class RemoteError(ObserveError):
    """A machine cannot be read; the message is one line: which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What the program printed, and how it ended."""

    status: int
    output: str
    complaint: str


def run(argv: Sequence[str], place: str, patience: float = PATIENCE, largest: int = LARGEST) -> Printed:
    """Runs a program with the script as its stdin. Raises `RemoteError` where it cannot start, or prints too long or
    too much; then it is ended."""
    with TemporaryFile() as text:
        text.write(script().encode())
        text.seek(0)
        try:
            process = subprocess.Popen(
                argv, stdin=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
            )
        except OSError as error:
            raise RemoteError(f"{place}: {argv[0]} cannot be started: {error.strerror}") from None
    with process:
        try:
            output, complaint = _printed(process, place, patience, largest)
        except RemoteError:
            process.kill()
            raise
        return Printed(process.wait(), output.decode("utf-8", "replace"), complaint.decode("utf-8", "replace"))


def _printed(process: subprocess.Popen[bytes], place: str, patience: float, largest: int) -> tuple[bytes, bytes]:
    """What the program prints until it ends, and the beginning of what it complains about."""
    assert process.stdout is not None
    assert process.stderr is not None
    until, output, complaint = monotonic() + patience, bytearray(), bytearray()
    with DefaultSelector() as streams:
        streams.register(process.stdout, EVENT_READ, output)
        streams.register(process.stderr, EVENT_READ, complaint)
        while streams.get_map():
            ready = streams.select(max(until - monotonic(), 0))
            if not ready:
                raise RemoteError(f"{place} did not answer in {patience:.0f} seconds: see whether it is overloaded")
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    streams.unregister(key.fileobj)
                elif key.data is output or len(complaint) < MOST_COMPLAINTS:
                    key.data.extend(chunk)
            if len(output) > largest:
                raise RemoteError(f"{place} printed more than {largest >> 20} MiB, which is no snapshot")
    return bytes(output), bytes(complaint)


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
    return "".join(each for each in line if each.isprintable())[:_LONGEST]
