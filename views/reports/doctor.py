"""What is there for portscope to work with, and what is not, as a list with how to get it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from views.harmless import clean

#: Headings by what a check is of.
HEADINGS = {
    "host": "This host",
    "programs": "Programs that some commands start (questions about this host need none)",
    "extras": "Extras",
}


class Check(NamedTuple):
    """One thing: of what it is, its name, whether it is there, what it is for or why it is not, how to get it."""

    of: str
    name: str
    there: bool
    purpose: str
    how: str


def render(checks: Iterable[Check]) -> str:
    """A line for each, under its heading."""
    return "".join(f"{line}\n" for line in _lines(list(checks)))


def _lines(checks: list[Check]) -> Iterator[str]:
    width = max(len(each.name) for each in checks)
    for of, alike in groupby(checks, key=lambda each: each.of):
        yield HEADINGS[of]
        for each in alike:
            mark = "✓" if each.there else "✗"
            how = f": {each.how}" if each.how and not each.there else ""
            yield f"  {mark} {clean(each.name):<{width}}  {clean(each.purpose + how)}"
