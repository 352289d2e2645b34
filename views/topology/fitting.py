"""How much of what a container tells has room beside or below its name. Pure.

In the order of what is given up: one row; as many rows as there are; without the names of programs; the first facts
with the number of those that are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from views.text import Role, Span, cells, clip
from views.topology.graph import Fact

SEPARATOR = " · "
#: A fact that is cut to fewer cells than these tells nothing.
LEAST = 4


def fitted(lead: Sequence[Span], facts: Sequence[Fact], room: int, rows: int) -> list[list[Span]]:
    """The rows of `lead` and facts, at most that many, none of them wider than the room."""
    whole = [*lead, *(_span(str(fact), fact) for fact in facts)]
    short = [*lead, *(_span(fact.words, fact) for fact in facts)]
    for pieces in (whole, short):
        laid = _wrapped(pieces, room)
        if len(laid) <= rows and all(cells(piece.text) <= room for piece in pieces):
            return laid
    for kept in range(len(short) - 1, 0, -1):
        pieces = [*short[:kept], Span(f"+{len(short) - kept}", Role.DIM)]
        laid = _wrapped(pieces, room)
        if len(laid) <= rows and all(cells(piece.text) <= room for piece in pieces):
            return laid
    return [[Span(clip(short[0].text, room), short[0].role)]] if short and room >= LEAST and rows else []


def has_room(facts: Sequence[Fact], room: int) -> bool:
    """Whether all facts fit in one row, without their programs."""
    return cells(SEPARATOR.join(fact.words for fact in facts)) <= room


def _span(text: str, fact: Fact) -> Span:
    return Span(text, Role.WARN if fact.amiss else Role.DIM)


def _wrapped(pieces: Sequence[Span], room: int) -> list[list[Span]]:
    """The pieces in as few rows as there can be, separated within a row."""
    rows: list[list[Span]] = []
    left = 0
    for piece in pieces:
        if rows and len(SEPARATOR) + cells(piece.text) <= left:
            rows[-1] += [Span(SEPARATOR, Role.DIM), piece]
            left -= len(SEPARATOR) + cells(piece.text)
        else:
            rows.append([piece])
            left = room - cells(piece.text)
    return rows
