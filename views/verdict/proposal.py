"""A fix before it is carried out: what it does, what else it does, how it is known to work.

Pure: a fix and a width give lines.
"""

from __future__ import annotations

from engine.model.trace import Symptom
from engine.model.verdict import Fix
from views.symptoms import MEANINGS
from views.text import Line, Role, Span, paragraph
from views.verdict.card import commands


def proposal(fix: Fix, width: int) -> list[Line]:
    """The whole proposal."""
    lines = [*_text(fix.title, width, "", Role.HEAD), Line(())]
    for command in commands(fix):
        lines += _text(command, width, "$ ", Role.CODE)
    if not fix.commands:
        lines += _text("No command can do this: it is for whoever owns the program.", width, "  ", Role.WARN)
    lines.append(Line(()))
    role = Role.GOOD if fix.then is Symptom.CONNECTED else Role.WARN
    lines += _text(f"then {fix.then}: {MEANINGS[fix.then]}", width, "→ ", role)
    checked = "on the kernel, by a real attempt" if fix.verified == "kernel" else "by walking the changed host"
    lines += _text(f"checked {checked}", width, "  ", Role.DIM)
    if fix.side_effects:
        lines += [Line(()), Line((Span("Besides", Role.HEAD),))]
        for effect in fix.side_effects:
            lines += _text(effect, width, "  ! ", Role.WARN)
    return lines


def _text(text: str, width: int, first: str, role: Role) -> list[Line]:
    return [Line((Span(line, role),)) for line in paragraph(text, width, first=first)]
