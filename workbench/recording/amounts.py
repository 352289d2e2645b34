"""Ages and sizes as people write them: `14d`, `500M`."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
SIZES = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def age_of(word: str) -> timedelta:
    """An age. Raises ValueError with a line for the user."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhdw])", word)
    if not found:
        raise ValueError(f"{word!r:.40} is no age: write it as 14d, 12h or 30m")
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


def age_words(age: timedelta) -> str:
    """An age in the largest unit that gives a whole number."""
    seconds = int(age.total_seconds())
    unit = next(name for name, size in UNITS.items() if seconds % size == 0)
    return f"{seconds // UNITS[unit]}{unit}"


def size_of(word: str) -> int:
    """A size in bytes. Raises ValueError with a line for the user."""
    found = re.fullmatch(r"([1-9][0-9]{0,11})([kMG]?)", word)
    if not found:
        raise ValueError(f"{word!r:.40} is no size: write it as 500M or 2G")
    return int(found[1]) * SIZES[found[2]]
