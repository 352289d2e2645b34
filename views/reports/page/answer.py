"""An answer in the HTML page: the verdict, what stops the packet and what mends it, its way step by step.

The way is a table a journey, open where it ends badly; with a real attempt beside it, what the kernel showed stands
in a column of its own. The whole answer as text is at the end, folded, to be copied into a ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from engine.model.proof import Row
from engine.model.ref import RefKind
from engine.model.trace import Step
from engine.model.verdict import Cause, Fix, Reach, Verdict
from views.path.rows import ARRIVED, Leg, StepKey, StepRow, legs, result, what, where
from views.path.rows import rows as path_rows
from views.path.seen import seen, words
from views.reports import answer_text, proof_text
from views.reports.answer_text import place, shell
from views.reports.formats.names import xml
from views.symptoms import MEANINGS
from views.text import Role
from views.verdict.card import HEADLINES, question_words

TEXT_WIDTH = 110
#: Characters of a line that is not broken.
UNBROKEN = 10_000
CLASSES = {Role.GOOD: "yes", Role.BAD: "no", Role.WARN: "depends"}


def answer(verdict: Verdict, number: int) -> Iterator[str]:
    """The section of one answer."""
    headline, _ = HEADLINES[verdict.reach]
    asked = xml(question_words(verdict))
    yield f'<section class="answer" aria-labelledby="answer-{number}">'
    yield f'<h2 id="answer-{number}"><span class="{verdict.reach}">{headline}</span> {asked}</h2>'
    yield f"<p><strong>{verdict.symptom}</strong>: {xml(MEANINGS[verdict.symptom])}</p>"
    yield from _attempt(verdict)
    if verdict.reach is Reach.DEPENDS and verdict.branches:
        yield "<h3>It ends in one of these ways</h3>" + _list(_branches(verdict))
    for cause in verdict.causes:
        yield from _cause(cause, "cause")
    for cause in verdict.findings:
        yield from _cause(cause, "finding")
    yield from _ways(verdict)
    if verdict.assumptions:
        yield "<h3>This rests on</h3>" + _list(each.sentence for each in verdict.assumptions)
    if verdict.gaps:
        yield "<h3>Could not be read</h3>" + _list(f"{gap.source}: {gap.reason}" for gap in verdict.gaps)
    whole = escape(answer_text.render(verdict, TEXT_WIDTH), quote=True).rstrip()
    yield f'<details class="whole"><summary>The whole answer as text</summary><pre>{whole}</pre></details>'
    yield "</section>"


def _attempt(verdict: Verdict) -> Iterator[str]:
    """How a real attempt ended, where one was made."""
    if verdict.kernel:
        lines = proof_text.headline(verdict.kernel, verdict.question, UNBROKEN)
        yield f"<p>{xml(' '.join(span.text.strip() for line in lines for span in line))}</p>"


def _branches(verdict: Verdict) -> Iterator[str]:
    for branch in verdict.branches:
        ended = branch.broken or branch.forward
        at = place(ended.last.ref) if ended.last.ref else ended.last.text
        yield f"{branch.symptom}: {ended.outcome} at {at}"


def _cause(cause: Cause, kind: str) -> Iterator[str]:
    head = "Worth knowing: " if kind == "finding" else ""
    yield f'<div class="{kind}"><h3>{head}{xml(cause.sentence)}</h3>'
    code = f"<code>{xml(cause.code)}</code>"
    yield f"<p>{code} at <code>{xml(cause.at.text or cause.at.name)}</code> in {xml(cause.at.netns)}; owner: "
    yield f"{xml(cause.owner)}</p>"
    if cause.evidence:
        yield _list(cause.evidence)
    for missed in cause.near_misses:
        yield f"<p>Nearly: <code>{xml(missed.text)}</code>, but {xml(missed.because)}</p>"
    for number, fix in enumerate(cause.fixes):
        yield from _fix(fix, "Or" if number else "Fix")
    if not cause.fixes:
        yield f"<p>Fix: {xml(cause.settled or 'none that this host can make')}.</p>"
    yield "</div>"


def _fix(fix: Fix, label: str) -> Iterator[str]:
    checked = answer_text.VERIFIED_WORDS.get(fix.verified, fix.verified)
    yield f'<div class="fix"><p><strong>{label}:</strong> {xml(fix.title)} ({xml(checked)}: {fix.then})</p>'
    if fix.commands:
        yield _commands(fix.commands)
    notes = [f"also: {each}" for each in fix.side_effects]
    notes += [f"stays {fix.survives}"] if fix.survives else []
    if notes:
        yield _list(notes)
    if fix.lasting:
        yield "<p>For good:</p>" + _commands(fix.lasting)
    yield "</div>"


def _commands(argvs: Iterable[tuple[str, ...]]) -> str:
    return "<pre>" + "\n".join(xml(shell(argv)) for argv in argvs) + "</pre>"


def _ways(verdict: Verdict) -> Iterator[str]:
    """The journeys, each with its steps."""
    shown = seen(verdict.conversation, verdict.kernel) if verdict.kernel else {}
    steps = [row for row in path_rows(verdict.conversation) if isinstance(row, StepRow)]
    yield "<h3>The packet's way</h3>"
    for number, leg in enumerate(legs(verdict.conversation)):
        mine = [row for row in steps if row.key[0] == number]
        yield from _way(leg, mine, shown)


def _way(leg: Leg, steps: Iterable[StepRow], shown: dict[StepKey, Row]) -> Iterator[str]:
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


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{xml(each)}</li>" for each in sentences) + "</ul>"
