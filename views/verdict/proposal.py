"""A fix before it is applied: its commands, and everything else that is known of it. Pure."""

from __future__ import annotations

import shlex

from engine.model.trace import Symptom
from engine.model.verdict import Fix
from views.symptoms import MEANINGS
from views.text import Line, Role, Span, paragraph
from views.verdict.outline import fix_items


def proposal(fix: Fix, width: int) -> list[Line]:
    """The whole proposal."""
    title, *items = fix_items(fix, "")
    lines = [*_text(title.text, width, "", Role.HEAD), Line(())]
    for item in items:
        if item.argv and not item.label:
            lines += _text(shlex.join(item.argv), width, "$ ", Role.CODE)
    if not fix.commands:
        lines += _text("No command does this: the owner of the program must.", width, "  ", Role.WARN)
    role = Role.GOOD if fix.then is Symptom.CONNECTED else Role.WARN
    lines += [Line(()), *_text(f"then {fix.then}: {MEANINGS[fix.then]}", width, "→ ", role)]
    for item in items:
        if item.text:
            lines += _text(item.text, width, f"  {item.label or '…':<13} ", item.role)
        elif item.label:
            lines += _text(shlex.join(item.argv), width, f"  {item.label} $ ", Role.CODE)
    return lines


def _text(text: str, width: int, first: str, role: Role) -> list[Line]:
    return [Line((Span(line, role),)) for line in paragraph(text, width, first=first)]
