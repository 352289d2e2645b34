"""Text with meaning: what every picture is made of before a widget gives it colours.

Pure. A `Span` is text with a `Role` (what it means, never how it looks); a line is a tuple of spans. The
roles have their colours in `views.painted`, by the theme of the user. Nothing is told by a role alone: a
good or a bad thing has its mark (✓ ✗ ● ○) or its word in the text as well.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from engine.records import dataclass


class Role(StrEnum):
    """What a piece of text means."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    HEAD = "head"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    TRACED = "traced"
    FOCUS = "focus"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text and what it means."""

    text: str
    role: Role = Role.PLAIN


Spans = tuple[Span, ...]


class Entry(Protocol):
    """A row of a list. `key` names it between two looks; None is a heading, which the cursor passes over.

    `words` is what a filter searches; `spans` is the row at a width in cells (longer is cut by the widget).
    """

    @property
    def key(self) -> Hashable | None: ...  # noqa: D102

    @property
    def words(self) -> str: ...  # noqa: D102

    def spans(self, width: int) -> Spans: ...  # noqa: D102


def stops(entry: Entry) -> bool:
    """Whether the cursor stops at a row on its way: at no heading, which may have a key all the same."""
    return entry.key is not None and not getattr(entry, "heading", False)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry that looks the same at every width."""

    content: Spans
    key: Hashable | None = None

    @property
    def words(self) -> str:
        """The text without its roles."""
        return "".join(span.text for span in self.content)

    def spans(self, width: int) -> Spans:  # noqa: ARG002
        """The content as it is."""
        return self.content


#: Asks for the picture of a sign: some terminals give it a second cell then, and some do not.
WIDENS = "\ufe0f"


def visible(text: str) -> str:
    """The text with one printable character for each: what could steer a terminal is a picture of it (␛, ␉).

    >>> visible("a\\tb")
    'a␉b'
    """
    return text if text.isprintable() and WIDENS not in text else "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isprintable() and char != WIDENS:
        return char
    return chr(0x2400 + ord(char)) if ord(char) < 0x20 else "␡" if char == "\x7f" else "�"


#: A text of these alone has a cell for each character: ASCII, Latin, Greek, Cyrillic, and the signs of our pictures.
_NARROW = re.compile(
    r"[ -~\xa0-\u02ff\u0370-\u0482\u2010-\u2027\u2190-\u21ff\u2200-\u22ff\u2400-\u2426\u2500-\u25fc✓✗⟳⚠⏎]*"
)
#: Stands in for the second cell of a character while a text is broken into lines. Unicode keeps it out of texts.
_SECOND = "\ufdd0"


def cells(text: str) -> int:
    """The cells that a terminal gives the text: two for 界 or an emoji, none for an accent of its own.

    >>> cells("web 界")
    6
    """
    return len(text) if text.isascii() else _looked_up(text)


@lru_cache(maxsize=8192)
def _looked_up(text: str) -> int:
    """The cells of a text that is more than ASCII; a picture has the same ones again and again."""
    if narrow(text):
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - its tables are for texts that few hosts have

    return cell_len(visible(text))


def narrow(text: str) -> bool:
    """Whether each character is known to take one cell. False where it has to be looked up."""
    return text.isascii() or _NARROW.fullmatch(text) is not None


def _start(text: str, width: int) -> str:
    """As much of the text's start as has room."""
    end = taken = 0
    for char in text:
        taken += cells(char)
        if taken > width:
            break
        end += 1
    return text[:end]


def clip(text: str, width: int) -> str:
    """The text in at most `width` cells, with an ellipsis where something was cut."""
    if cells(text) <= width:
        return text
    return _start(text, width - 1) + "…" if width > 0 else ""


def squeeze(text: str, width: int) -> str:
    """The text in at most `width` cells, cut in the middle: its end tells as much as its start."""
    if cells(text) <= width:
        return text
    tail = _start(text[::-1], max((width - 1) // 3, 0))[::-1]
    return clip(text, width - cells(tail)) + tail


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells."""
    clipped = clip(text, width)
    return clipped + " " * (width - cells(clipped))


def in_columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows of a table as lines, each column as wide as its widest cell."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(fit(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()


def paragraph(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """The text broken at spaces; `first` stands before the first line and `rest` before the others."""
    indent = " " * cells(first) if rest is None else rest
    if cells(text) > len(text):
        text = "".join(char + _SECOND * (cells(char) - 1) for char in text)
    lines = textwrap.wrap(
        text,
        max(width, len(first) + 10),
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return [line.replace(_SECOND, "") for line in lines] or [first]


def matching(entries: Iterable[Entry], pattern: str) -> tuple[list[Entry], int]:
    """The entries whose words have the pattern (a leading `!` turns it around), with their headings; and how many.

    A heading stays when a row below it does, up to the next heading.
    """
    inverse = pattern.startswith("!")
    needle = pattern.removeprefix("!").casefold()
    kept: list[Entry] = []
    heading: Entry | None = None
    count = 0
    for entry in entries:
        if not stops(entry):
            heading = entry
        elif not needle or (needle in entry.words.casefold()) != inverse:
            if heading is not None:
                kept.append(heading)
                heading = None
            kept.append(entry)
            count += 1
    return kept, count
