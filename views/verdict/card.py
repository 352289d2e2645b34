"""The answer to a question as a card: its outline as lines of a pane, but for the headline, which is in the banner.

Pure: a verdict and a width give lines. Lines that can be chosen have a key: a cause ("cause", n), a near miss
("near", n, m), a fix ("fix", n, m), a question that could be asked.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from engine.model.host import Gap, Snapshot
from engine.model.trace import Conversation, Trace
from engine.model.verdict import Cause, Fix, Reach, Verdict
from views.path.rows import rewrite
from views.reports import proof_text
from views.text import Line, Role, Span, cells, paragraph
from views.verdict.ask import suggestions
from views.verdict.outline import Item, Outline, Part, Section, cause_section, gaps, outline

#: Cells before the texts of a section, when their label is as long as it may be.
LABEL = 16


def card(verdict: Verdict, width: int, applied: Fix | None = None) -> list[Line]:
    """The whole card. `applied` is a fix that was applied and then tried."""
    shown = outline(verdict)
    lines = [] if verdict.reach is Reach.YES or not shown.symptom else _text(shown.symptom, width, "  ")
    supposed = [section for section in shown.sections if section.part is Part.SUPPOSED]
    for section in supposed:
        lines += _section(section, shown, width)
    if verdict.kernel:
        lines += map(Line, proof_text.headline(verdict.kernel, verdict.question, width))
    if applied:
        checked = f"verified: {applied.verified}" if applied.verified == "kernel" else f"not verified: {applied.then}"
        lines += _text(f"applied: {applied.title} ({checked})", width, "  ")
    parts = [_arrivals(verdict, width)]
    parts += [list(_section(section, shown, width)) for section in shown.sections if section not in supposed]
    for part in filter(None, parts):
        lines += [*([Line(())] if lines else []), *part]
    return lines


def cause_lines(cause: Cause, width: int) -> list[Line]:
    """A cause with its fixes, evidence and near misses, by itself."""
    return list(_lines(cause_section(cause, 0, "cause"), "cause", width))


def _section(section: Section, shown: Outline, width: int) -> Iterator[Line]:
    title = section.title
    causes = [each for each in shown.sections if each.part is Part.CAUSE]
    if section.part is Part.CAUSE and len(causes) > 1:
        title = f"{title} ({causes.index(section) + 1} of {len(causes)})"
    yield from _lines(section, title, width)


def _lines(section: Section, title: str, width: int) -> Iterator[Line]:
    named = f"  {section.code} · owner {section.owner}" if section.code else ""
    head, *rest = _joined([Span(title.capitalize(), Role.HEAD)], Span(named, Role.DIM), width)
    yield Line(head.content, section.key)
    yield from rest
    for number, item in enumerate(section.items):
        if section.code and number == 0:
            yield from (Line(_marked(line, section.at)) for line in paragraph(item.text, width, first="  "))
        elif item.argv:
            yield from _command(item, width)
        else:
            yield from _item(item, width, plain=not section.code)


def _item(item: Item, width: int, *, plain: bool) -> Iterator[Line]:
    """A fact with its label in a column, or behind a dot where none of the section has one."""
    dot = plain and not item.label
    label = "  · " if dot else f"  {item.label}".ljust(LABEL - 1) + " " if item.label else " " * LABEL
    first, *rest = paragraph(item.text, width, first=" " * len(label))
    role = Role.GOOD if item.role is Role.GOOD else Role.DIM
    yield Line((Span(label, role), Span(first[len(label) :], item.role)), item.key)
    yield from (Line((Span(line, item.role),)) for line in rest)


def _command(item: Item, width: int) -> Iterator[Line]:
    """A command; what goes on in a second line is marked by an empty piece, so that it is copied as one."""
    head = f"  {item.label} $ " if item.label else "  $ "
    for number, line in enumerate(paragraph(shlex.join(item.argv), width - 2, first=head, rest="      ")):
        yield Line((Span(line, Role.CODE), *((Span(""),) if number else ())))


def _marked(line: str, at: str) -> tuple[Span, ...]:
    """A line in which the object that it speaks of stands out."""
    before, found, after = line.partition(at)
    return (Span(before), Span(found, Role.BAD), Span(after)) if found and at else (Span(line),)


def _arrivals(verdict: Verdict, width: int) -> list[Line]:
    """Where a reachable question arrives, through each relay."""
    lines: list[Line] = []
    talk: Conversation | None = verdict.conversation if verdict.reach is Reach.YES else None
    while talk is not None:
        lines += _arrival(talk.forward, width)
        talk = talk.relayed
    return lines


def _arrival(trace: Trace, width: int) -> list[Line]:
    """What a delivered packet was translated to on its path, and which socket took it."""
    lines: list[Line] = []
    for hop in trace.hops:
        for step in hop.steps:
            if step.after is not None:
                at = f" at {step.ref.name}" if step.ref and step.ref.name else ""
                changed = rewrite(step.packet, step.after).removeprefix("⇒ ")
                lines += _text(f"in {hop.netns}: {changed}{at}", width, "  ⇒ ")
    return lines + _text(f"in {trace.hops[-1].netns}: {trace.last.text}", width, "  · ")


def welcome(snapshot: Snapshot, width: int, why: str = "w") -> list[Line]:
    """The card before a question: what could be asked, by which key, and what was not inspected."""
    lines = [Line((Span("No question yet", Role.HEAD),))]
    lines += _text(f"{why} asks why a port can or cannot be reached. Or choose one of these with enter:", width, "  ")
    offered = suggestions(snapshot)
    lines.append(Line(()))
    for ask in offered:
        lines.append(Line((Span("? ", Role.WARN), Span(ask.words)), ("ask", ask)))
    if not offered:
        lines += _text("No published port and no listening container in the snapshot.", width, "  ", Role.DIM)
    return lines + gap_lines(snapshot.gaps, width)


def gap_lines(found: tuple[Gap, ...], width: int) -> list[Line]:
    """What was not inspected, with its reasons."""
    return [line for section in gaps(found) for line in (Line(()), *_lines(section, section.title, width))]


def commands(fix: Fix) -> list[str]:
    """A fix's commands as lines for a shell."""
    return [shlex.join(command) for command in fix.commands]


def all_commands(verdict: Verdict) -> list[str]:
    """The commands of every cause's first change, in order: together they make the question work."""
    return [line for cause in verdict.causes if cause.change is not None for line in commands(cause.change)]


def _joined(start: list[Span], end: Span, width: int) -> list[Line]:
    """One line, or two where one does not fit."""
    if sum(cells(span.text) for span in (*start, end)) <= width:
        return [Line((*start, end))]
    return [Line(tuple(start)), Line((Span("    "), Span(end.text.strip(), end.role)))]


def _text(text: str, width: int, first: str, role: Role = Role.PLAIN) -> list[Line]:
    return [Line((Span(line, role),)) for line in paragraph(text, width, first=first)]
