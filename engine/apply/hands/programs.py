"""The child processes of the hands: a program that makes one change, and the listeners of a lab.

A child starts in the network namespace of the thread that starts it.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from engine.apply import userns
from engine.apply.errors import BuildError
from engine.apply.server import KEEP, LEASE
from engine.programs import environment, python

#: Which Debian package has a program, by the start of its name.
PACKAGES = (
    ("nft", "nftables"),
    ("ip6tables", "iptables"),
    ("iptables", "iptables"),
    ("bridge", "iproute2"),
    ("ipset", "ipset"),
    ("conntrack", "conntrack"),
    ("ip", "iproute2"),
    ("tc", "iproute2"),
)
LISTENERS_END_SECONDS = 5.0
#: What iproute2 says of a line of a batch that failed, and of what is there already.
THERE_ALREADY = re.compile(r"exists|already assigned")
FAILED_LINE = re.compile(r"Command failed -:(\d+)")


def run_program(argv: Sequence[str], text: str = "") -> str:
    """Runs a program with `text` as its input; gives its output. Raises BuildError in the program's own words."""
    done = _run(argv, text)
    if done.returncode:
        raise BuildError(" ".join(done.stderr.split()) or f"exit code {done.returncode}")
    return done.stdout


def _run(argv: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(argv, input=text, capture_output=True, text=True, env=environment(), check=False)
    except FileNotFoundError:
        package = next((name for start, name in PACKAGES if argv[0].startswith(start)), argv[0])
        raise BuildError(f"{argv[0]} is not installed: install {package}") from None


def run_batch(loader: Sequence[str], lines: Sequence[str]) -> list[tuple[str, str]]:
    """Runs a batch that goes on after an error; gives the lines that were refused, each with the program's words.

    At a word that it does not know the program ends, without a number of the line: what follows the last line that it
    named is then run line by line, and what is there already is no error. Raises BuildError where it is not installed.
    """
    done = _run(loader, "".join(f"{line}\n" for line in lines))
    refused: list[tuple[str, str]] = []
    said: list[str] = []
    for line in done.stderr.splitlines():
        number = FAILED_LINE.fullmatch(line.strip())
        if number is None:
            said.append(line.strip())
        else:
            refused.append((lines[int(number[1]) - 1], "; ".join(said) or "refused"))
            said = []
    if not (done.returncode and (said or not refused)):
        return refused
    if len(lines) == 1:
        return [(lines[0], "; ".join(said) or f"exit code {done.returncode}")]
    last = lines.index(refused[-1][0]) + 1 if refused else 0
    again = [found for line in lines[last:] for found in run_batch(loader, [line])]
    return refused + [(line, why) for line, why in again if not THERE_ALREADY.search(why)]


class Listeners:
    """The listeners of a lab: the process that holds them."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._kept = False

    def wait_until_ready(self) -> tuple[str, ...]:
        """Waits until all are open; gives what was left out. Raises BuildError with the reason when one cannot be."""
        out, err = self._process.stdout, self._process.stderr
        notes: list[str] = []
        while (line := out.readline() if out is not None else b"") not in (b"", b"ready\n"):
            notes.append(line.decode(errors="replace").strip())
        if line != b"ready\n":
            said = err.read().decode(errors="replace").strip().splitlines() if err else []
            raise BuildError(said[-1] if said else "the listeners ended at once")
        return tuple(notes)

    @property
    def identity(self) -> tuple[int, int]:
        """The process's number, and when it started (`process_start`)."""
        return self._process.pid, process_start(self._process.pid) or 0

    def keep(self) -> None:
        """From now on they outlive this process."""
        if self._process.stdin is not None:
            self._kept = True
            self._process.stdin.write(KEEP)
            self._process.stdin.flush()

    def end(self) -> None:
        """Ends them: by the end of their input and, should that not do, by SIGKILL."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._kept:
            self._process.terminate()
        try:
            self._process.wait(LISTENERS_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def process_start(pid: int) -> int | None:
    """When a process started, in clock ticks after boot (field 22 of proc_pid_stat(5)); None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def end_process(pid: int, started: int) -> None:
    """Ends the process that had this number at that time, if it lives: SIGTERM, then SIGKILL; waits for its end."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if process_start(pid) != started:
            return
        for number, patience in ((signal.SIGTERM, LISTENERS_END_SECONDS), (signal.SIGKILL, LISTENERS_END_SECONDS)):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], patience)[0]:
                return
    finally:
        os.close(handle)


def start_listeners(words: Sequence[str], module: str = "engine.apply.server") -> Listeners:
    """Starts the program of that name with the words of its listeners; `wait_until_ready` says when all are open.

    Raises BuildError when it cannot be started.
    """
    lease = userns.lease()
    variables, kept = ({LEASE: str(lease)}, (lease,)) if lease is not None else ({}, ())
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            python("-m", module, *words),
            env=environment(**variables),
            cwd="/",
            start_new_session=True,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            pass_fds=kept,
        )
    except OSError as error:  # more ports than a command line has room for, no process left
        raise BuildError(f"the program that listens ({module}) cannot be started: {error.strerror}") from None
    return Listeners(process)
