"""Takes a collected file apart: which tool said what in which namespace, and how it ended.

The first line is "portscope-collected/1 MARK". A section is a line "MARK begin SOURCE NETNS", the tool's output, a
newline of the script's own, and "MARK end SOURCE STATUS COMPLAINT". Sections of a namespace are inside its `namespace`
section; one that has no end was cut short by the script's time limit and counts as failed. The last line is
"MARK done".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.records import dataclass, field

SCHEMA = "portscope-collected/1"
#: Exit status of a section that never ended.
CUT_SHORT = 124
#: Marked lines that are read; no machine has more.
_MOST = 2_000_000


class CollectedError(ValueError):
    """A file is no collected one, or not a whole one; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Section:
    """What one tool printed; `status` is its exit code and `complaint` the first line of its standard error."""

    text: str
    status: int = 0
    complaint: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """Sections by source and the inode of the namespace (0: the machine)."""

    sections: Mapping[tuple[str, int], Section] = field(default_factory=dict)

    def of(self, netns: int) -> dict[str, Section]:
        """The sections of one namespace by source."""
        return {source: section for (source, of), section in self.sections.items() if of == netns}


def split(text: str) -> Collected:
    """The sections of a file. Raises CollectedError."""
    first, _, rest = text.partition("\n")
    schema, _, mark = first.partition(" ")
    if schema != SCHEMA or not mark.strip():
        raise CollectedError(
            f"the collected file is of an unknown version: {first[:40]!r}; this portscope reads {SCHEMA}"
        )
    lines = list(_marked(rest, mark.strip()))
    if not lines or lines[-1][0] != "done":
        raise CollectedError("the collected file ends too early: run the script again")
    return Collected(_sections(rest, lines))


def _marked(text: str, mark: str) -> Iterator[tuple[str, int, int]]:
    """The lines of the script's own: what is behind the mark, and where the line begins and ends."""
    for count, found in enumerate(re.finditer(f"^{re.escape(mark)} (.*)$", text, re.MULTILINE)):
        if count > _MOST:
            raise CollectedError("the collected file has too many sections")
        yield found[1], found.start(), min(found.end() + 1, len(text))


def _sections(text: str, lines: list[tuple[str, int, int]]) -> dict[tuple[str, int], Section]:
    found: dict[tuple[str, int], Section] = {}
    open_: list[tuple[str, int, int]] = []
    for words, begins, ends in lines:
        kind, _, rest = words.partition(" ")
        if kind == "begin":
            source, _, netns = rest.partition(" ")
            open_.append((source, _number(netns), ends))
        elif kind == "end" and any(rest.partition(" ")[0] == each[0] for each in open_):
            source, _, outcome = rest.partition(" ")
            while open_[-1][0] != source:
                lost, of, _ = open_.pop()
                found[lost, of] = Section("", CUT_SHORT, "was ended because it took too long")
            _, of, start = open_.pop()
            status, _, complaint = outcome.partition(" ")
            found[source, of] = Section(text[start : max(start, begins - 1)], _number(status), complaint.strip())
        elif kind != "done":
            raise CollectedError(f"the collected file is damaged at {words[:40]!r}")
    if open_:
        raise CollectedError(f"the collected file is damaged: {open_[-1][0]} has no end")
    return found


def _number(word: str) -> int:
    if not word.isdecimal() or len(word) > 20:
        raise CollectedError(f"the collected file is damaged: {word[:20]!r} is no number")
    return int(word)
