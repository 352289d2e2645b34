"""What every command about labs stands on: where a user's labs are, signals that take back what was begun, and errors.

Errors of a lab's file and of what was asked of a lab are the user's (exit code 2), the kernel's are refusals (4).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.apply import holder, userns
from engine.apply.errors import BuildError, LabExists, NoLabName
from engine.lab.errors import LabError
from engine.lab.running import EndingSignals
from workbench.exits import complain, refused, usage


@contextmanager
def blaming() -> Iterator[None]:
    """Errors of labs as refusals with an exit code."""
    try:
        yield
    except (LabError, LabExists, NoLabName) as error:
        raise usage(str(error)) from error
    except BuildError as error:
        raise refused(str(error)) from error


@contextmanager
def undoing() -> Iterator[None]:
    """Signals that end this program raise in it meanwhile, once: what was begun is taken back without a second one."""
    with EndingSignals() as signals:
        signals.release()
        try:
            yield
        except SystemExit:
            complain("interrupted")
            raise


def join(*, start: bool = False) -> None:
    """Moves an ordinary user's process to where its labs are; it has no thread yet. `start` makes the place."""
    if not userns.privileged() and holder.join(start=start) and start:
        complain("not root: your labs are in a user namespace of their own")
