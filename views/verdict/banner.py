"""The answer in a band over the whole width: verdict, one sentence, the command that mends it, its keys. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from engine.model.verdict import Fix, Reach, Verdict
from views.text import Line, Role, Span, cells, clip, paragraph
from views.verdict.outline import HEADLINES, question_text, symptom_text

INDENT = "   "
#: Lines of a command; one that needs more is cut there, and is whole in the answer.
COMMAND_LINES = 3


def banner_lines(verdict: Verdict, width: int, keys: str) -> list[Line]:
    """The lines. `keys` says by which keys a fix is applied and copied."""
    mark, role = HEADLINES[verdict.reach]
    supposed = "WHAT IF  " if verdict.supposed is not None else ""
    question = f"  {question_text(verdict)}"
    symptom = "" if verdict.reach is Reach.YES else f"   {symptom_text(verdict)}"
    head = f" {mark.upper()}"
    room = max(width - cells(supposed) - cells(head) - 1, 0)
    spans = (Span(f" {supposed}".rstrip() if supposed else "", Role.WARN), Span(head, role))
    asked = clip(question, room)
    lines = [Line((*spans, Span(asked, Role.STRONG), Span(clip(symptom, room - cells(asked)))))]
    if verdict.told:
        lines.append(Line((Span(clip(f"{INDENT}{verdict.told[0].sentence}", width - 1)),)))
    fix = first_fix(verdict)
    return [*lines, *(_fix(fix, width, keys, _more(verdict)) if fix is not None else ())]


def first_fix(verdict: Verdict) -> Fix | None:
    """What mends the first cause: the change; where there is none, what to ask or to do instead."""
    changes = (cause.change for cause in verdict.causes if cause.change is not None)
    return next(changes, None) or next((fix for cause in verdict.causes for fix in cause.fixes), None)


def _more(verdict: Verdict) -> str:
    """How many changes go with the first one."""
    count = sum(cause.change is not None for cause in verdict.causes) - 1
    return f" and {count} more {'fix' if count == 1 else 'fixes'}" if count > 0 else ""


def _fix(fix: Fix, width: int, keys: str, more: str) -> Iterator[Line]:
    if not fix.commands:
        yield Line((Span(clip(f"{INDENT}fix: {fix.title}{more}", width - 1), Role.GOOD),))
        return
    text = "; ".join(shlex.join(argv) for argv in fix.commands)
    start = " ".join(filter(None, (f"{INDENT}{keys}{more}", " $ ")))
    start = start if 2 * cells(start) < width else f"{INDENT}$ "
    lines = paragraph(text, width - 1, first=start, rest=" " * cells(start))
    for number, line in enumerate(lines[:COMMAND_LINES]):
        cut = "…" if number == COMMAND_LINES - 1 and len(lines) > COMMAND_LINES else ""
        shown = clip(line, width - 2) + cut if cut else line
        if number == 0:
            yield Line((Span(start, Role.TRACED), Span(shown[len(start) :], Role.CODE)))
        else:
            yield Line((Span(shown, Role.CODE), Span("")))
