"""What long work and those who wait for it agree on: how far it is, and that it was told to stop."""

from __future__ import annotations

from collections.abc import Callable

#: Is told how many of how many are done.
ReportProgress = Callable[[int, int], object]


class Stopped(Exception):
    """It was told to stop."""
