"""The same question from every place, and every port from every place, as rows: a row can be chosen to be asked.

Pure. A row's key is the question in words, so that whoever chooses it asks exactly what the row answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.matrix import Cell, Matrix
from engine.model.trace import Symptom
from engine.model.verdict import Question, Verdict
from views.text import Line, Role, Span, cells, fit
from views.verdict.ask import Ask
from views.verdict.outline import HEADLINES

#: Cells of the longest symptom.
SYMPTOM = max(map(len, Symptom))


def ask_of(question: Question, host: str) -> Ask:
    """The words that ask a question: its source as on the command line, its target by address."""
    source = question.source
    words = f"ns:{source.netns}"
    if source.outside:
        words = f"{source.address}@{source.device}"
    elif source.netns == host:
        words = "host"
    return Ask(question.end.rpartition("/")[0], words, question.protocol)


def everywhere_lines(answers: Sequence[tuple[str, Verdict]], host: str) -> list[Line]:
    """A row for each place: mark, place, symptom, and the first cause with where it is."""
    widest = max((cells(name) for name, _ in answers), default=0)
    lines = []
    for name, verdict in answers:
        mark, role = HEADLINES[verdict.reach]
        cause = verdict.causes[0] if verdict.causes else None
        why = f"{cause.code} at {cause.at.name or cause.at.text} in {cause.at.netns}" if cause else ""
        spans = (
            Span(f"{mark[0]} ", role),
            Span(f"{fit(name, widest)}  "),
            Span(f"{verdict.symptom:<{SYMPTOM}} ", role),
            Span(why, Role.DIM),
        )
        lines.append(Line(spans, ask_of(verdict.question, host)))
    return lines


def matrix_lines(matrix: Matrix, host: str) -> list[Line]:
    """The warnings, then a heading for each port and a row for each place that it can be asked from."""
    lines = [Line((Span(f"! {one.sentence}", Role.WARN),)) for one in matrix.exposures]
    widest = max(map(cells, matrix.vantages), default=0)
    for row in matrix.rows:
        port = row.port
        lines.append(
            Line((Span(f"{port.question.end}  ", Role.HEAD), Span(f"{port.owner} · {port.service}", Role.DIM)))
        )
        lines += (_cell(name, cell, widest, host) for name, cell in row.cells)
    if matrix.left_out:
        said = f"One container represents each network; {matrix.left_out} more are left out."
        lines.append(Line((Span(said, Role.DIM),)))
    return lines


def _cell(name: str, cell: Cell, widest: int, host: str) -> Line:
    mark, role = HEADLINES[cell.reach]
    spans = (
        Span(f"  {mark[0]} ", role),
        Span(f"{fit(name, widest)}  "),
        Span(f"{cell.symptom:<{SYMPTOM}} ", role),
        Span(cell.ends, Role.DIM),
    )
    return Line(spans, ask_of(cell.question, host))
