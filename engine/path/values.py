"""What the fields of a packet have as values, and the value of one that the model cannot know."""

from __future__ import annotations

from collections.abc import Callable

from engine.path.view import View

Value = int | str | frozenset[str] | None


class Unknown:
    """The value of a field that the model cannot know."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()
Read = Callable[[View], Value | Unknown]


def of_mac(mac: str) -> int | Unknown:
    """A MAC address as a number, where it was seen."""
    return int(mac.replace(":", ""), 16) if mac else UNKNOWN
