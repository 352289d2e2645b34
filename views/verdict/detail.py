"""All about one row of an answer: a cause with what its code means anywhere, a near miss, or a fix. Pure.

A row is named as in the card: ("cause", n), ("near", n, m), ("fix", n, m).
"""

from __future__ import annotations

from collections.abc import Hashable

from engine.catalogue import CODES
from engine.model.ref import Ref
from engine.model.verdict import Cause, Verdict
from views.text import Line, Role, Span, paragraph
from views.verdict.card import cause_lines
from views.verdict.proposal import proposal


def row_lines(verdict: Verdict, key: Hashable, width: int) -> list[Line]:
    """The row as lines; [] for one that tells nothing of the answer."""
    if not isinstance(key, tuple) or key[0] not in ("cause", "near", "fix"):
        return []
    cause = verdict.told[key[1]]
    if key[0] == "fix":
        return proposal(cause.fixes[key[2]], width)
    if key[0] == "near":
        miss = cause.near_misses[key[2]]
        return [
            _head("Near miss: a rule that almost accepts it"),
            *_place(miss.ref, width),
            *_text(miss.because, width),
        ]
    return _cause(cause, width)


def _cause(cause: Cause, width: int) -> list[Line]:
    """What was found, and what the catalogue says of its kind."""
    lines = [*cause_lines(cause, width), Line(()), _head("Where"), *_place(cause.at, width)]
    code = CODES.get(cause.code)
    if code is not None:
        lines += [Line(()), _head(f"What {cause.code} is"), *_text(code.meaning, width)]
        lines += _text(f"the client sees: {code.client}", width)
        lines += _text(f"fix: {code.fix}", width)
    return lines


def _place(ref: Ref, width: int) -> list[Line]:
    named = f" {ref.name}" if ref.name else ""
    lines = _text(f"{ref.kind}{named} in {ref.netns}", width)
    return lines + (
        [Line((Span(line, Role.CODE),)) for line in paragraph(ref.text, width, first="  ")] if ref.text else []
    )


def _head(text: str) -> Line:
    return Line((Span(text, Role.HEAD),))


def _text(text: str, width: int) -> list[Line]:
    return [Line((Span(line),)) for line in paragraph(text, width, first="  ")]
