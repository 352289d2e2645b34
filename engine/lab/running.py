"""The demo lab, up for as long as a `with` block runs.

The block's end removes it, however it ends: normally, by an exception, or by SIGINT, SIGTERM or SIGHUP, which raise
in the main thread so that everything on the stack is put in order too. While the lab is being built or removed,
signals wait. What even that cannot catch (kill -9, power) is in the journal, and the next demo sweeps it first.
An ordinary user's demo lives in a user namespace and a file system of its own: there the kernel itself removes it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from engine.apply.errors import BuildError, LabExists
from engine.apply.journal import state_directory
from engine.apply.namespaces import NETNS_DIR
from engine.apply.run import Applied, build_lab, sweep
from engine.lab.blueprint import Blueprint
from engine.lab.demo import Demo, demo
from engine.records import dataclass

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Names of demos; as many can be up at once.
NAMES = ("demo", *(f"demo{number}" for number in range(2, 33)))


@dataclass(frozen=True, slots=True)
class DemoLab:
    """A demo lab that is up: its name, the file of its host's namespace, the lab, and the question to ask there.

    `left` says what an earlier demo that crashed left behind and that could not be removed; mostly ().
    """

    name: str
    host: Path
    lab: Blueprint
    target: str
    source: str
    left: tuple[str, ...] = ()


@contextlib.contextmanager
def demo_lab(directory: Path | None = None, names: Iterable[str] = NAMES) -> Iterator[DemoLab]:
    """Builds the demo lab under the first of `names` that is free, gives it, and removes it.

    Call it from the main thread, as root or after `userns.enter()`. Journals are in `directory`, by default the
    user's state folder. A signal ends the block by SystemExit(128 + its number), as a shell would say it.
    Raises BuildError: with nothing left behind when the lab cannot be built, or at the end, naming what was left.
    """
    place = directory or state_directory()
    with EndingSignals() as signals:
        left = sweep(directory=place)
        name, made, applied = _build_first_free(place, names)
        behind: tuple[str, ...] = ()
        # Two blocks, so that a signal between the end of the inner one and `hold` still finds the outer one.
        try:
            try:
                signals.release()
                yield DemoLab(name, NETNS_DIR / f"{name}-host", made.lab, made.target, made.source, left)
            finally:
                signals.hold()
        finally:
            behind = applied.undo()
        if behind:
            raise BuildError("; ".join(behind))


def _build_first_free(place: Path, names: Iterable[str]) -> tuple[str, Demo, Applied]:
    for name in names:
        if not any(NETNS_DIR.glob(f"{name}-*")):
            with contextlib.suppress(LabExists):
                made = demo(name)
                return name, made, build_lab(made.plan, name, directory=place)
    raise BuildError("every name for a demo lab is taken: end one of the labs that are up first")


class EndingSignals:
    """Turns ending signals into exceptions of the main thread, and lets them wait while they are held.

    The first signal that raises holds the others, so that cleaning up is not interrupted. What arrived meanwhile
    and never raised is sent again at the end, to whoever handled it before. In any other thread than the main one
    signals cannot be handled, and this does nothing.
    """

    def __init__(self) -> None:
        self._held = True
        self._waiting: list[int] = []
        self._raised = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> EndingSignals:
        if threading.current_thread() is threading.main_thread():
            for number in ENDING_SIGNALS:
                before = signal.getsignal(number)
                # An ignored signal stays ignored (nohup), one that is handled outside Python (None) is not ours.
                if before not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._waiting and not self._raised:
            os.kill(os.getpid(), self._waiting[0])

    def hold(self) -> None:
        """From now on signals wait."""
        self._held = True

    def release(self) -> None:
        """From now on signals raise, and one that waits does so at once."""
        self._held = False
        if self._waiting:
            self._raise(self._waiting.pop())

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._waiting.append(number)
        else:
            self._raise(number)

    def _raise(self, number: int) -> None:
        self._held = self._raised = True
        raise SystemExit(128 + number)
