"""The same question from every place, as rows: a row can be chosen to be asked.

Pure. A row's key is the question in words, so that whoever chooses it asks exactly what the row answers.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    """A row for each place: mark, place, symptom, and the first cause."""
    widest = max((cells(name) for name, _ in answers), default=0)
    lines = []
    for name, verdict in answers:
        mark, role = HEADLINES[verdict.reach]
        cause = verdict.causes[0] if verdict.causes else None
        why = cause.sentence if cause else ""
        spans = (
            Span(f"{mark[0]} ", role),
            Span(f"{fit(name, widest)}  "),
            Span(f"{verdict.symptom:<{SYMPTOM}} ", role),
            Span(why, Role.DIM),
        )
        lines.append(Line(spans, ask_of(verdict.question, host)))
    return lines
