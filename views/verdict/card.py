"""The answer to a question as a card: headline, causes with their fixes, assumptions, gaps.

Pure: a verdict and a width give lines. The order is that of reading: is it reached, what does the client see,
what stops it, what mends it, and what the answer rests on. Lines that can be chosen have a key: a cause
("cause", n), a near miss ("near", n, m), a fix ("fix", n, m), a question that could be asked.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from engine.model.host import Gap, Snapshot
from engine.model.trace import Conversation, Symptom, Trace
from engine.model.verdict import Cause, Fix, Reach, Verdict
from views.path.rows import rewrite
from views.reports import proof_text
from views.symptoms import MEANINGS
from views.text import Line, Role, Span, cells, paragraph
from views.verdict.ask import suggestions

HEADLINES: dict[Reach, tuple[str, Role]] = {
    Reach.YES: ("✓ REACHABLE", Role.GOOD),
    Reach.NO: ("✗ NOT REACHABLE", Role.BAD),
    Reach.DEPENDS: ("? DEPENDS", Role.WARN),
}


def headline(verdict: Verdict) -> tuple[Span, ...]:
    """The answer in one line: mark, word, symptom, question."""
    text, role = HEADLINES[verdict.reach]
    return (Span(text, role), Span(f"  {verdict.symptom}", Role.STRONG), Span(f"  {question_words(verdict)}"))


def question_words(verdict: Verdict) -> str:
    """`lan → 10.77.0.1:8080/tcp`."""
    question = verdict.question
    source = str(question.source.address) if question.source.outside else question.source.netns
    return f"{source} → {question.end}"


def card(verdict: Verdict, width: int, mended: Fix | None = None) -> list[Line]:
    """The whole card. `mended` is a fix that was carried out and then tried."""
    text, role = HEADLINES[verdict.reach]
    lines = [
        *_joined([Span(text, role)], Span(f"  {question_words(verdict)}", Role.STRONG), width),
        *_text(f"{_seen(verdict)}{verdict.symptom}: {MEANINGS[verdict.symptom]}", width, "  "),
    ]
    if verdict.kernel:
        lines += map(Line, proof_text.headline(verdict.kernel, verdict.question, width))
    if mended:
        checked = f"verified: {mended.verified}" if mended.verified == "kernel" else f"not verified: {mended.then}"
        lines += _text(f"carried out: {mended.title} ({checked})", width, "  ")
    lines += _journey(verdict, width)
    for number, cause in enumerate(verdict.causes):
        lines += [Line(()), *_cause(cause, number, len(verdict.causes), width)]
    for number, cause in enumerate(verdict.findings, len(verdict.causes)):
        lines += [Line(()), *_cause(cause, number, len(verdict.causes), width, "Worth knowing")]
    if verdict.assumptions:
        lines += [Line(()), _head("Rests on")]
        for assumption in verdict.assumptions:
            lines += _text(assumption.sentence, width, "  · ")
    lines += gap_lines(verdict.gaps, width)
    return lines


def _seen(verdict: Verdict) -> str:
    """What takes the certainty out of a symptom that rests on what could be read."""
    return "as far as can be seen, " if verdict.reach is Reach.DEPENDS else ""


def _journey(verdict: Verdict, width: int) -> list[Line]:
    """How it went, where it arrived; how it can go, where that is not known."""
    lines: list[Line] = []
    if verdict.reach is Reach.YES:
        lines.append(Line(()))
        conversation: Conversation | None = verdict.conversation
        while conversation is not None:
            lines += _arrival(conversation.forward, width)
            conversation = conversation.relayed
    for branch in verdict.branches if verdict.reach is Reach.DEPENDS else ():
        ended = branch.broken or branch.forward
        last = ended.last
        at = f" at {last.ref.name}" if last.ref and last.ref.name else ""
        lines += _text(f"either {branch.symptom}: {ended.outcome}{at}", width, "  ? ", Role.WARN)
    return lines


def _arrival(trace: Trace, width: int) -> list[Line]:
    """What a delivered packet was translated to on its way, and who took it."""
    lines: list[Line] = []
    for hop in trace.hops:
        for step in hop.steps:
            if step.after is not None:
                at = f" at {step.ref.name}" if step.ref and step.ref.name else ""
                changed = rewrite(step.packet, step.after).removeprefix("⇒ ")
                lines += _text(f"in {hop.netns}: {changed}{at}", width, "  ⇒ ")
    return lines + _text(f"in {trace.hops[-1].netns}: {trace.last.text}", width, "  · ")


def welcome(snapshot: Snapshot, width: int, why: str = "w") -> list[Line]:
    """The card before a question: what could be asked, by which key, and what could not be seen."""
    lines = [_head("Nothing asked yet")]
    lines += _text(f"{why} asks why a port can or can't be reached. Or choose one of these with enter:", width, "  ")
    offered = suggestions(snapshot)
    lines.append(Line(()))
    for ask in offered:
        lines.append(Line((Span("? ", Role.WARN), Span(ask.words)), ("ask", ask)))
    if not offered:
        lines += _text("Neither a published port nor a container that listens was seen.", width, "  ", Role.DIM)
    return lines + gap_lines(snapshot.gaps, width)


def gap_lines(gaps: tuple[Gap, ...], width: int) -> list[Line]:
    """What could not be read, each with its reason; those of many namespaces with one reason in one line."""
    if not gaps:
        return []
    places: dict[tuple[str, str], list[str]] = {}
    for gap in gaps:
        places.setdefault((gap.source, gap.reason), []).append(gap.netns or "the host")
    lines = [Line(()), _head("Could not be read")]
    for (source, reason), netns in places.items():
        where = ", ".join(netns[:3]) + (f" and {len(netns) - 3} more" if len(netns) > 3 else "")
        lines += _text(f"{source} in {where}: {reason}", width, "  · ", Role.WARN)
    return lines


def commands(fix: Fix) -> list[str]:
    """A fix's commands as lines for a shell."""
    return [shlex.join(command) for command in fix.commands]


def all_commands(verdict: Verdict) -> list[str]:
    """The commands of every cause's first fix, in order: together they make the question work."""
    return [line for cause in verdict.causes if cause.fixes for line in commands(cause.fixes[0])]


def _joined(start: list[Span], end: Span, width: int) -> list[Line]:
    """One line, or two where one does not fit."""
    if sum(cells(span.text) for span in (*start, end)) <= width:
        return [Line((*start, end))]
    return [Line(tuple(start)), Line((Span("    "), Span(end.text.strip(), end.role)))]


def _head(text: str) -> Line:
    return Line((Span(text, Role.HEAD),))


def _text(text: str, width: int, first: str, role: Role = Role.PLAIN) -> list[Line]:
    return [Line((Span(line, role),)) for line in paragraph(text, width, first=first)]


def cause_lines(cause: Cause, width: int) -> list[Line]:
    """A cause with its fixes, evidence and near misses, by itself."""
    return list(_cause(cause, 0, 1, width))


def _cause(cause: Cause, number: int, of: int, width: int, head: str = "") -> Iterator[Line]:
    count = head or (f"Cause {number + 1} of {of}" if of > 1 else "Cause")
    at = cause.at.name or cause.at.text or str(cause.at.kind)
    told = at in cause.sentence and cause.at.netns in cause.sentence
    owner = f" · owner {cause.owner}"
    yield Line((Span(count, Role.HEAD), Span(f"  {cause.code}{owner if told else ''}", Role.DIM)), ("cause", number))
    for line in paragraph(cause.sentence, width, first="  "):
        yield Line(_marked(line, at))
    if not told:
        yield from _joined(
            [Span("  at ", Role.DIM), Span(at, Role.BAD)],
            Span(f" in {cause.at.netns}{owner}", Role.DIM),
            width,
        )
    if cause.at.text and cause.at.text != at and cause.at.text not in cause.sentence:
        yield from _text(cause.at.text, width, "     ", Role.CODE)
    for place, fix in enumerate(cause.fixes):
        yield from _fix(fix, (number, place), width)
    if not cause.fixes:
        yield from _text(cause.settled or "nothing on this host can mend it", width, "  no fix: ", Role.WARN)
    for text in cause.evidence:
        yield from _text(text, width, "  · ", Role.DIM)
    for place, miss in enumerate(cause.near_misses):
        first, *rest = paragraph(f"{miss.text}", width, first="  near miss ", rest="     ")
        yield Line((Span(first, Role.WARN),), ("near", number, place))
        yield from (Line((Span(line, Role.WARN),)) for line in rest)
        yield from _text(miss.because, width, "     but ", Role.PLAIN)


def _marked(line: str, at: str) -> tuple[Span, ...]:
    """A line in which the place that it speaks of stands out."""
    before, found, after = line.partition(at)
    return (Span(before), Span(found, Role.BAD), Span(after)) if found else (Span(line),)


def _fix(fix: Fix, place: tuple[int, int], width: int) -> Iterator[Line]:
    word = "Fix" if place[1] == 0 else "Or"
    first, *rest = paragraph(fix.title, width - 4, first=f"{word}  ", rest="     ")
    yield Line((Span(first, Role.GOOD),), ("fix", *place))
    yield from (Line((Span(line, Role.GOOD),)) for line in rest)
    for command in commands(fix):
        for number, line in enumerate(paragraph(command, width - 2, first="  $ ", rest="      ")):
            yield Line((Span(line, Role.CODE), *((Span(""),) if number else ())))
    if fix.then is not Symptom.CONNECTED:
        yield from _text(f"then still: {fix.then}", width, "  ! ", Role.WARN)
    for text in fix.side_effects:
        yield from _text(text, width, "  also: ", Role.WARN)
    if fix.survives:
        yield from _text(fix.survives, width, "  stays: ", Role.DIM)
    for argv in fix.lasting:
        for number, line in enumerate(paragraph(shlex.join(argv), width - 2, first="  for good $ ", rest="      ")):
            yield Line((Span(line, Role.CODE), *((Span(""),) if number else ())))
    checked = "on the kernel" if fix.verified == "kernel" else "by walking the changed host; not yet on the kernel"
    yield from _text(f"checked {checked}", width, "  ", Role.DIM)
