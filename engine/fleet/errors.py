"""What goes wrong with a fleet, in one line that says whose fault it is."""

from __future__ import annotations


class FleetError(Exception):
    """A fleet cannot be read, answered or asked; `str()` is one line for the user."""


class FleetMissing(FleetError):
    """The libraries of the extra are not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(f"this needs {library}: pip install 'portscope[fleet]'")
