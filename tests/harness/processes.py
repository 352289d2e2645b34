"""Processes of a test: which there are, whether one has ended, and waiting for something to be so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.harness.netns import CommandFailed


@dataclass(frozen=True)
class Process:
    """A line of the process table. `words` is its command line."""

    pid: int
    parent: int
    name: str
    words: tuple[str, ...]


def running() -> Iterator[Process]:
    """Every process that can be seen. One that ends meanwhile is left out."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            words = (entry / "cmdline").read_text().rstrip("\0").split("\0")
            yield Process(int(entry.name), int(rest.split()[1]), name, tuple(words))


def gone(pid: int) -> bool:
    """Whether a process has ended. One that became our child is waited for, so that it leaves no zombie."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def wait(holds: Callable[[], bool], otherwise: str, seconds: float = 5.0) -> None:
    """Waits until `holds()`; raises `CommandFailed` with `otherwise` when it never does."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise CommandFailed(otherwise)
        time.sleep(0.01)
