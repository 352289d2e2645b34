"""The command that a flip runs: an argv without a shell, with the answer as JSON on its standard input.

One runs at a time, for `PATIENCE` seconds at most.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from engine import programs
from workbench.recording.watched import Told

#: Seconds that a command may take.
PATIENCE = 30.0
#: Flips that wait for their command; more of them run none, which is said.
MOST_WAITING = 100


class OnFlip:
    """Runs a command for each flip, in order, beside everything else. To be closed."""

    def __init__(self, argv: Sequence[str], complain: Callable[[str], object]) -> None:
        self._argv, self._complain = tuple(argv), complain
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="portscope-on-flip")
        self._waiting = 0

    def close(self) -> None:
        """Ends when the command that runs has ended; those that wait are left out."""
        self._pool.shutdown(cancel_futures=True)

    def run(self, told: Told) -> None:
        """Runs the command, after those before it."""
        if not self._argv:
            return
        if self._waiting >= MOST_WAITING:
            self._complain(f"{self._argv[0]} is too slow: it is not run for the flip at {told.at}")
            return
        self._waiting += 1
        self._pool.submit(self._ran, told.document)

    def _ran(self, document: str) -> None:
        self._waiting -= 1
        try:
            done = subprocess.run(
                self._argv,
                input=document,
                text=True,
                timeout=PATIENCE,
                check=False,
                env=programs.environment(),
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            self._complain(f"{self._argv[0]} took longer than {PATIENCE:g} seconds, and was ended")
        except OSError as error:
            self._complain(f"cannot run {self._argv[0]}: {error.strerror}")
        else:
            if done.returncode:
                self._complain(f"{self._argv[0]} ended with exit code {done.returncode}")
