"""Something that will be done, as lines: what it is, what else to know of it, the commands that do the same. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from views.text import Line, Role, Span, paragraph


def plan_lines(title: str, notes: Sequence[str], commands: Sequence[str], width: int) -> list[Line]:
    """The whole plan. A command of several lines (a table of rules) keeps its lines."""
    lines = [Line((Span(line, Role.HEAD),)) for line in paragraph(title, width)]
    for note in notes:
        lines += [Line((Span(line, Role.WARN),)) for line in paragraph(note, width, first="  ! ")]
    lines.append(Line(()))
    for command in commands:
        first, *rest = command.split("\n")
        lines += [Line((Span(line, Role.CODE),)) for line in paragraph(first, width, first="$ ", rest="    ")]
        lines += [Line((Span(f"  {line}", Role.DIM),)) for line in rest]
    if not commands:
        lines.append(Line((Span("Nothing to do: it is already so.", Role.GOOD),)))
    return lines
