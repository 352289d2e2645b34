"""A fix before it is applied: its commands, and everything else that is known of it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from engine.change.chain_diff import ChainDiff
from engine.model.trace import Symptom
from engine.model.verdict import Fix
from views.symptoms import MEANINGS
from views.text import Line, Role, Span, clip, paragraph
from views.verdict.outline import fix_items

SIGNS = {"-": Role.BAD, "+": Role.GOOD, " ": Role.DIM}


def proposal(fix: Fix, width: int, diffs: Sequence[ChainDiff] = ()) -> list[Line]:
    """The whole proposal, with what becomes of the chains that it changes."""
    title, *items = fix_items(fix, "")
    lines = [*_text(title.text, width, "", Role.HEAD), Line(())]
    for item in items:
        if item.argv and not item.label:
            lines += _text(shlex.join(item.argv), width, "$ ", Role.CODE)
    if not fix.commands:
        lines += _text("No command does this: the owner of the program must.", width, "  ", Role.WARN)
    for diff in diffs:
        lines += [Line(()), *diff_lines(diff, width)]
    role = Role.GOOD if fix.then is Symptom.CONNECTED else Role.WARN
    lines += [Line(()), *_text(f"then {fix.then}: {MEANINGS[fix.then]}", width, "→ ", role)]
    for item in items:
        if item.text:
            lines += _text(item.text, width, f"  {item.label or '…':<13} ", item.role)
        elif item.label:
            lines += _text(shlex.join(item.argv), width, f"  {item.label} $ ", Role.CODE)
    return lines


def diff_lines(diff: ChainDiff, width: int) -> Iterator[Line]:
    """The lines of a chain with their signs and numbers; a gap between two of them is marked."""
    yield Line((Span(f"  {diff.name}", Role.STRONG), Span(f" in {diff.netns}", Role.DIM)))
    before = None
    for line in diff.lines:
        if before is not None and line.sign == " " == before.sign and line.number > before.number + 1:
            yield Line((Span("      ⋮", Role.DIM),))
        number = str(line.number or "")
        yield Line((Span(clip(f"  {line.sign} {number:>3} {line.text}", width), SIGNS[line.sign]),))
        before = line


def _text(text: str, width: int, first: str, role: Role) -> list[Line]:
    return [Line((Span(line, role),)) for line in paragraph(text, width, first=first)]
