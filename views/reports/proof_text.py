"""What a real attempt showed, as text: a headline, a table with a row for each step, and what is not available.

Laws: those of `answer_text`. A row has a mark, what was predicted, and what was seen by which evidence: ✓ as
predicted, ✗ not as predicted, · nothing speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, zip_longest

from engine.model.proof import Agreement, Attempt, Leg, Proof, ProofRow, Sighting
from engine.model.trace import Symptom
from engine.model.verdict import Question
from views.text import Role, Span, Spans, fit, paragraph

MARKS: dict[Agreement, tuple[str, Role]] = {
    Agreement.YES: ("✓", Role.GOOD),
    Agreement.NO: ("✗", Role.BAD),
    Agreement.UNSEEN: ("·", Role.DIM),
}

TITLES: dict[Leg, str] = {
    Leg.FORWARD: "forward path",
    Leg.REPLY: "return path",
    Leg.ERROR: "ICMP error to the client",
    Leg.CONFIRM: "client's ACK",
    Leg.RELAYED: "relayed · forward path",
    Leg.RELAYED_REPLY: "relayed · return path",
    Leg.DATA: "data",
}

#: Columns before the two texts of a row, and between them.
INDENT, GAP = 4, 3


def headline(shown: Proof, asked: Question, width: int) -> Iterator[Spans]:
    """How the attempt ended, and whether the model was right."""
    made = shown.attempt
    if made is None:
        yield from _line(_watched(shown, asked), Role.WARN, width)
        return
    if shown.agrees is Agreement.NO and made.symptom is not shown.predicted:
        text = f"a real attempt: {made.symptom}, predicted {shown.predicted}: the kernel is right ({shown.code})"
        yield from _line(text, Role.BAD, width)
    elif shown.agrees is Agreement.NO:
        steps = len(shown.contradicted)
        text = f"a real attempt: {made.symptom}, as predicted, but {steps} step(s) differ ({shown.code})"
        yield from _line(text, Role.WARN, width)
    elif shown.agrees is Agreement.UNSEEN:
        text = f"a real attempt: {made.symptom}; the packet arrived, {made.doubt}"
        yield from _line(text, Role.WARN, width)
    else:
        yield from _line(f"a real attempt: {made.symptom}, as predicted{_answer(made)}", Role.GOOD, width)


def _watched(shown: Proof, asked: Question) -> str:
    client, device = asked.source.address, asked.source.device
    return (
        f"nothing from {client} to port {asked.port} reached {device} in {shown.waited:.1f} s: not sent, or lost "
        "before this host (a router, a security group); if it fails only at times, --watch reports the changes here"
    )


def _answer(made: Attempt) -> str:
    return (
        f" ({made.seconds:.2f} s)" if made.symptom is not Symptom.CONNECTED or not made.answer else f": “{made.answer}”"
    )


def _line(text: str, role: Role, width: int) -> Iterator[Spans]:
    for line in paragraph(text, width, first="  "):
        yield (Span(line, role),)


def details(shown: Proof, width: int) -> Iterator[Spans]:
    """The table, then what else the kernel showed."""
    if shown.rows:
        left = (width - INDENT - GAP) // 2
        yield ()
        yield (Span(f"{'':{INDENT}}{'predicted':<{left + GAP}}seen (evidence)", Role.DIM),)
    for (leg, netns), rows in groupby(shown.rows, key=lambda row: (row.leg, row.netns)):
        yield ()
        yield (Span(TITLES[leg], Role.HEAD), Span(f"  {netns}", Role.STRONG))
        for row in rows:
            yield from side_by_side(row, width)
    yield from _facts(shown, width)


def side_by_side(row: ProofRow, width: int) -> Iterator[Spans]:
    """One row in two columns, broken where they are too narrow."""
    mark, role = MARKS[row.agree]
    left = (width - INDENT - GAP) // 2
    right = width - INDENT - GAP - left
    seen = f"{row.seen} ({row.source})" if row.seen else "—"
    pairs = zip_longest(paragraph(row.predicted or "nothing predicted", left), paragraph(seen, right), fillvalue="")
    for number, (predicted, evidence) in enumerate(pairs):
        head = f"  {mark if number == 0 else ' '} "
        told = role if row.agree is Agreement.NO else Role.DIM if not row.seen else Role.PLAIN
        yield Span(head, role), Span(fit(predicted, left + GAP)), Span(evidence, told)


def _facts(shown: Proof, width: int) -> Iterator[Spans]:
    facts = []
    if shown.last:
        facts.append(f"last seen: {place(shown.last)}")
    facts += [f"the kernel dropped a packet in {drop.function}: {drop.reason}" for drop in shown.drops]
    facts += [f"{each.name} in {each.netns} grew by {each.by}" for each in shown.growths if each.ref is None]
    facts += [
        f"not available: {gap.source}{f' ({gap.netns})' if gap.netns else ''}: {gap.reason}" for gap in shown.gaps
    ]
    if facts:
        yield ()
        yield (Span("kernel counters and drops", Role.HEAD),)
    for fact in facts:
        for line in paragraph(fact, width, first="  - "):
            yield (Span(line),)


def place(seen: Sighting) -> str:
    """A packet on a device, in words."""
    way = "leaving by" if seen.direction == "out" else "arriving on"
    return f"{seen.packet} {way} {seen.device} in {seen.netns}"
