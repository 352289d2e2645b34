"""A report as Markdown (CommonMark with GitHub's tables), its topology as a Mermaid diagram that code hosts draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from views.harmless import clean
from views.reports import answer_text
from views.reports.document import Report
from views.reports.formats import mermaid
from views.reports.sheet import Sheet
from views.verdict.outline import HEADLINES, question_text

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
#: A fence longer than any run of backticks that a text of the host may hold.
_TICKS = re.compile("`+")
ANSWER_WIDTH = 100


def render(report: Report) -> str:
    """The whole document."""
    return "\n".join(_lines(report)) + "\n"


def answer_document(verdict: Verdict, snapshot: Snapshot) -> str:
    """One answer, with its path and all its fixes, for an issue: what was asked, of which kernel, and what stops it."""
    lines = [*_answer(verdict)][1:]
    kernel = f" · kernel {_text(snapshot.kernel)}" if snapshot.kernel else ""
    return "\n".join((*lines, "", f"portscope{kernel} · {_text(snapshot.taken_at or 'a recorded host')}")) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {_text(report.title)}"
    yield ""
    yield from (f"- {label}: {_text(text)}" for label, text in report.about)
    for verdict in report.answers:
        yield from _answer(verdict)
    yield from ("", "## Topology", "")
    yield from _fenced("mermaid", mermaid.render(report.graph))
    for sheet in report.sheets:
        yield from _table(sheet)


def _answer(verdict: Verdict) -> Iterator[str]:
    words, _ = HEADLINES[verdict.reach]
    yield from ("", f"## {words}: {_text(question_text(verdict))}", "")
    yield from _fenced("text", answer_text.render(verdict, ANSWER_WIDTH))


def _fenced(language: str, text: str) -> Iterator[str]:
    fence = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    yield f"{fence}{language}"
    yield text.rstrip("\n")
    yield fence


def _table(sheet: Sheet) -> Iterator[str]:
    yield from ("", f"## {_text(sheet.title)}", "", _text(sheet.tells), "")
    yield "| " + " | ".join(map(_text, sheet.columns)) + " |"
    yield "|" + " --- |" * len(sheet.columns)
    for row in sheet.rows:
        yield "| " + " | ".join(_text(cell) for cell in row) + " |"


def _text(text: str) -> str:
    """Words of the host that Markdown takes for words."""
    return _SPECIAL.sub(r"\\\1", clean(text))
