"""The same question from every vantage point: a table for people, `portscope.why-all/1` for scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.model.verdict import Reach, Verdict
from views.harmless import clean
from views.reports import answer_json
from views.text import in_columns

SCHEMA = "portscope.why-all/1"

SIGNS: dict[Reach, str] = {Reach.YES: "✓", Reach.NO: "✗", Reach.DEPENDS: "?"}

#: A vantage point's name, and the answer from there.
Answers = Sequence[tuple[str, Verdict]]


def dumps(answers: Answers) -> str:
    """The document as text, ending in a newline."""
    documents = [{"vantage": name, **answer_json.document(verdict)} for name, verdict in answers]
    return json.dumps({"schema": SCHEMA, "answers": documents}, indent=2) + "\n"


def render(answers: Answers) -> str:
    """A row for each vantage point: sign, name, target, symptom, and the first cause with its place."""
    return "\n".join(in_columns([_row(name, verdict) for name, verdict in answers])) + "\n"


def _row(name: str, verdict: Verdict) -> tuple[str, str, str, str, str]:
    question = verdict.question
    cause = verdict.causes[0] if verdict.causes else None
    why = f"{cause.code} at {cause.at.name or cause.at.text} in {cause.at.netns}" if cause else ""
    sign = SIGNS[verdict.reach]
    return sign, clean(name), clean(question.end), str(verdict.symptom), clean(why)
