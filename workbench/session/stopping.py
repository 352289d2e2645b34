"""What long work and those who wait for it agree on: how far it is, and that it was told to stop."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

#: Is told how many of how many are done.
ReportProgress = Callable[[int, int], object]


class Stopped(Exception):
    """It was told to stop."""


def until_stopped(progress: ReportProgress, stop: Event) -> ReportProgress:
    """The same, which raises `Stopped` once the event is set."""

    def step(done: int, whole: int) -> None:
        if stop.is_set():
            raise Stopped
        progress(done, whole)

    return step
