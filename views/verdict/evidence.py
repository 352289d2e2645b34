"""A proof as rows for a list: how the attempt ended, then predicted and seen side by side."""

from __future__ import annotations

from engine.model.proof import Proof
from engine.model.verdict import Verdict
from views.reports import proof_text
from views.reports.answer_text import cleaned
from views.text import Line


def proof_lines(verdict: Verdict, shown: Proof, width: int) -> list[Line]:
    """All of it at a width in cells."""
    spans = (*proof_text.headline(shown, verdict.question, width), *proof_text.details(shown, width))
    return [Line(line) for line in cleaned(spans)]
