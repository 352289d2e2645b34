"""An answer in the HTML page: its outline, and the path step by step.

The path is a table for each journey, open where it fails; with a real attempt beside it, what the kernel showed is in a
column of its own. The whole answer as text is at the end, folded, to be copied into a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from engine.model.proof import ProofRow
from engine.model.ref import RefKind
from engine.model.trace import Step
from engine.model.verdict import Verdict
from views.path.rows import ARRIVED, Leg, StepKey, StepRow, legs, result, what, where
from views.path.rows import rows as path_rows
from views.path.seen import seen, words
from views.reports import answer_text, proof_text
from views.reports.answer_text import shell
from views.reports.formats.names import xml
from views.text import Role
from views.verdict.outline import Item, Part, Section, outline

TEXT_WIDTH = 110
#: Characters of a line that is not broken.
UNBROKEN = 10_000
CLASSES = {Role.GOOD: "yes", Role.BAD: "no", Role.WARN: "depends"}


def answer(verdict: Verdict, number: int) -> Iterator[str]:
    """The section of one answer."""
    shown = outline(verdict)
    yield f'<section class="answer" aria-labelledby="answer-{number}">'
    headline = f'<span class="{verdict.reach}">{shown.headline.upper()}</span> {xml(shown.question)}'
    yield f'<h2 id="answer-{number}">{headline}</h2>'
    if shown.symptom:
        yield f"<p>{xml(shown.symptom)}</p>"
    yield from _attempt(verdict)
    for section in shown.sections:
        if section.code:
            yield from _cause(section)
    for section in shown.sections:
        if section.part is Part.BRANCHES:
            yield from _notes(section)
    yield from _ways(verdict)
    for section in shown.sections:
        if section.part in (Part.ASSUMPTIONS, Part.GAPS):
            yield from _notes(section)
    whole = escape(answer_text.render(verdict, TEXT_WIDTH), quote=True).rstrip()
    yield f'<details class="whole"><summary>The whole answer as text</summary><pre>{whole}</pre></details>'
    yield "</section>"


def _attempt(verdict: Verdict) -> Iterator[str]:
    """How a real attempt ended, where one was made."""
    if verdict.kernel:
        lines = proof_text.headline(verdict.kernel, verdict.question, UNBROKEN)
        yield f"<p>{xml(' '.join(span.text.strip() for line in lines for span in line))}</p>"


def _cause(section: Section) -> Iterator[str]:
    """A cause or a finding: its sentence as the heading, then its facts; commands in a block of their own."""
    sentence, *items = section.items
    head = f"{section.title}: " if section.part is Part.FINDING else ""
    yield f'<div class="{section.part}"><h3>{xml(head.capitalize())}{xml(sentence.text)}</h3>'
    yield f"<p><code>{xml(section.code)}</code>; owner: {xml(section.owner)}</p>"
    for label, group in _grouped(items):
        if all(item.argv for item in group):
            block = "\n".join(xml(shell(item.argv)) for item in group)
            yield f"{f'<p>{label.capitalize()}:</p>' if label else ''}<pre>{block}</pre>"
        else:
            texts = "<br>".join(_fact(item) for item in group)
            yield f"<p>{f'<strong>{label.capitalize()}:</strong> ' if label else ''}{texts}</p>"
    yield "</div>"


def _grouped(items: Iterable[Item]) -> Iterator[tuple[str, list[Item]]]:
    """Items under their label; commands apart from texts."""
    label, group = "", list[Item]()
    for item in items:
        if group and (item.label or bool(item.argv) is not bool(group[-1].argv)):
            yield label, group
            label, group = "", []
        label = label or item.label
        group.append(item)
    if group:
        yield label, group


def _fact(item: Item) -> str:
    return f"<code>{xml(item.text)}</code>" if item.role is Role.CODE else xml(item.text)


def _notes(section: Section) -> Iterator[str]:
    texts = (f"{item.label}: {item.text}" if item.label else item.text for item in section.items)
    yield f"<h3>{section.title.capitalize()}</h3><ul>{''.join(f'<li>{xml(each)}</li>' for each in texts)}</ul>"


def _ways(verdict: Verdict) -> Iterator[str]:
    """The journeys, each with its steps."""
    shown = seen(verdict.conversation, verdict.kernel) if verdict.kernel else {}
    steps = [row for row in path_rows(verdict.conversation) if isinstance(row, StepRow)]
    yield "<h3>Path</h3>"
    for number, leg in enumerate(legs(verdict.conversation)):
        mine = [row for row in steps if row.key[0] == number]
        yield from _way(leg, mine, shown)


def _way(leg: Leg, steps: Iterable[StepRow], shown: dict[StepKey, ProofRow]) -> Iterator[str]:
    arrived = leg.trace.outcome in ARRIVED
    word = f'<span class="{"yes" if arrived else "no"}">{"✓" if arrived else "✗"} {leg.trace.outcome}</span>'
    yield f"<details{'' if arrived else ' open'}><summary>{xml(leg.title)} {word}</summary>"
    heads = ("Namespace", "Hook", "At", "What", "Result", *(("Seen",) if shown else ()))
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    yield f'<div class="sheet" tabindex="0" role="group" aria-label="{xml(leg.title)}, step by step">'
    yield f"<table><thead><tr>{cells}</tr></thead><tbody>"
    netns = ""
    for row in steps:
        said, role = result(row)
        texts = ("" if row.hop.netns == netns else row.hop.netns, row.step.hook, where(row.step))
        netns = row.hop.netns
        line = "".join(f"<td>{xml(text)}</td>" for text in texts) + f"<td>{_what(row.step)}</td>"
        line += f'<td class="{CLASSES.get(role, "")}">{xml(said)}</td>'
        if shown:
            line += f"<td>{xml(words(shown[row.key])) if row.key in shown else ''}</td>"
        yield f"<tr{' class=stop' if row.stop else ''}>{line}</tr>"
    yield "</tbody></table></div></details>"


def _what(step: Step) -> str:
    """What happened; a rule by its own line, as it is in the table of rules."""
    if step.ref is not None and step.ref.kind is RefKind.RULE and step.ref.text:
        return f"<code>{xml(step.ref.text)}</code>"
    return xml(what(step))
