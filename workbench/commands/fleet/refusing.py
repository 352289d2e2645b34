"""What goes wrong with a fleet, as the command's own refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.fleet.errors import FleetError
from workbench.exits import usage


@contextmanager
def refusing() -> Iterator[None]:
    """Turns a FleetError into a `Refusal`: it is about what the user named."""
    try:
        yield
    except FleetError as error:
        raise usage(str(error)) from error
