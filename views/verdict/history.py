"""What happened to a host: the changes between two moments, and what of them flips an answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.change.differences import Difference, How
from views.text import Line, Role, Span, paragraph

SIGNS = {How.ADDED: ("+", Role.GOOD), How.DELETED: ("−", Role.BAD), How.CHANGED: ("~", Role.WARN)}


def change_lines(title: str, found: Sequence[Difference], width: int) -> list[Line]:
    """A heading, and the changes below it, each with its sign."""
    lines = [Line((Span(title, Role.HEAD),))]
    for each in found:
        sign, role = SIGNS[each.how]
        first, *rest = paragraph(str(each), width - 4)
        lines.append(Line((Span(f"  {sign} ", role), Span(first))))
        lines += (Line((Span(f"    {line}"),)) for line in rest)
    if not found:
        lines.append(Line((Span("  nothing", Role.DIM),)))
    return [*lines, Line(())]


def flip_lines(words: str, by: Sequence[Difference] | None, width: int) -> list[Line]:
    """That the answer flips, and the changes that are enough for it; None where no set of them was found."""
    lines = [Line((Span(line, Role.WARN),)) for line in paragraph(words, width, first="  ⇄ ")]
    if by is None:
        return [*lines, Line((Span("    none of the tried sets of changes explains it", Role.DIM),)), Line(())]
    lines += [
        Line((Span(f"    by {line}" if number == 0 else f"       {line}"),)) for number, line in enumerate(_by(by))
    ]
    return [*lines, Line(())]


def _by(by: Sequence[Difference]) -> list[str]:
    return [f"{SIGNS[each.how][0]} {each}" for each in by]
