"""A verdict in words, for a terminal or a ticket.

Laws:
1. The answer comes first, then what stops the packet and how to mend it, then the way that it took.
2. A command stands on a line of its own, quoted for a shell and never broken, so that it can be copied.
3. Words come from the host (names, comments of rules): control characters in them are shown, never sent to a terminal.
4. Colour is paint on top; the text says the same without it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Outcome, Step, Symptom, Trace
from engine.model.verdict import Cause, Fix, Reach, Verdict
from views.reports import proof_text
from views.symptoms import MEANINGS
from views.text import Role, Span, Spans, paragraph

HEADLINES: dict[Reach, tuple[str, Role]] = {
    Reach.YES: ("✓ reachable", Role.GOOD),
    Reach.NO: ("✗ not reachable", Role.BAD),
    Reach.DEPENDS: ("? could not tell", Role.WARN),
}

CAUSE_TITLES: dict[Reach, str] = {
    Reach.YES: "beside it",
    Reach.NO: "stopped by",
    Reach.DEPENDS: "it depends on",
}

FINDING_TITLE = "worth knowing"

VERIFIED_WORDS = {"model": "checked on the model", "kernel": "checked with a real attempt"}

#: SGR parameters of roles (ECMA-48), in the 16 colours that every terminal has.
SGR: dict[Role, str] = {
    Role.DIM: "2",
    Role.STRONG: "1",
    Role.HEAD: "1",
    Role.GOOD: "1;32",
    Role.BAD: "1;31",
    Role.WARN: "1;33",
    Role.TRACED: "36",
    Role.CODE: "36",
}

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

BACKSLASH, QUOTE = "\\", "'"

#: Columns before the texts of a cause (after "  near miss"), of a step ("  ✗ postrouting") and of a branch.
CAUSE, STEP, BRANCH = 14, 16, 26


def render(verdict: Verdict, width: int = 100, *, colour: bool = False) -> str:
    """The whole answer as text of at most `width` columns (commands may be longer), ending in a newline."""
    return "".join(f"{paint(line, colour)}\n" for line in answer(verdict, width))


def paint(line: Spans, colour: bool) -> str:
    """One line, with or without colours."""
    if not colour:
        return "".join(span.text for span in line).rstrip()
    return "".join(f"\x1b[{SGR[span.role]}m{span.text}\x1b[0m" if span.role in SGR else span.text for span in line)


def clean(text: str) -> str:
    """The text on one line, with everything that could steer a terminal made visible."""
    return CONTROL.sub(escaped, " ".join(text.split()))


def shell(argv: Iterable[str]) -> str:
    """The words of a command on one line for a shell."""
    return " ".join(dollar_quote(word) if CONTROL.search(word) else shlex.quote(word) for word in argv)


def dollar_quote(word: str) -> str:
    """A word with control characters, as $'…' with octal escapes (POSIX.1-2024, dollar-single-quotes)."""

    def octal(found: re.Match[str]) -> str:
        return "".join(f"\\{byte:03o}" for byte in found[0].encode("utf-8", "surrogateescape"))

    return f"$'{CONTROL.sub(octal, word.replace(BACKSLASH, BACKSLASH * 2).replace(QUOTE, BACKSLASH + QUOTE))}'"


def answer(verdict: Verdict, width: int) -> Iterator[Spans]:
    """All lines in order."""
    yield from headline(verdict, width)
    shown = verdict.kernel
    if shown:
        yield from cleaned(proof_text.headline(shown, verdict.question, width))
    yield from branches(verdict, width)
    for number, cause in enumerate(verdict.causes):
        yield ()
        title = following(cause) if number else CAUSE_TITLES[verdict.reach]
        yield from blocker(cause, title, width)
    for cause in verdict.findings:
        yield ()
        yield from blocker(cause, FINDING_TITLE, width)
    if shown and shown.rows:
        yield from cleaned(proof_text.details(shown, width))
    else:
        yield from conversation(verdict.conversation, width)
    yield from notes("rests on", (each.sentence for each in verdict.assumptions), width)
    yield from notes(
        "could not be read",
        (f"{each.source}{f' in {each.netns}' if each.netns else ''}: {each.reason}" for each in verdict.gaps),
        width,
    )


def cleaned(lines: Iterable[Spans]) -> Iterator[Spans]:
    """Lines whose words come from the host, with control characters shown."""
    for line in lines:
        yield tuple(Span(CONTROL.sub(escaped, span.text), span.role) for span in line)


def escaped(found: re.Match[str]) -> str:
    """A control character as it is written in a program."""
    return found[0].encode("unicode_escape").decode()


def headline(verdict: Verdict, width: int) -> Iterator[Spans]:
    """The answer, the question and what the client notices."""
    words, role = HEADLINES[verdict.reach]
    asked = verdict.question
    target = asked.end
    client = clean(asked.source.netns)
    if asked.source.outside:
        client = f"{asked.source.address} (outside, arrives on {clean(asked.source.device or '')})"
    written = (
        f" ({clean(asked.target)})"
        if asked.target and clean(asked.target) not in (target, target.rpartition("/")[0])
        else ""
    )
    yield from heading(width, Span(words, role), Span(f"{client} → {target}{written}", Role.STRONG))
    if not verdict.branches:
        seen = "as far as can be seen, " if verdict.reach is Reach.DEPENDS else ""
        yield from labelled("", f"{seen}{verdict.symptom}: {MEANINGS[verdict.symptom]}", width, indent=2)


def following(cause: Cause) -> str:
    """The title of a cause that is not the first: what is undecided stops nothing by itself."""
    return "undecided is" if cause.code == "INFO_DEPENDS" else "and then by"


def blocker(cause: Cause, title: str, width: int) -> Iterator[Spans]:
    """A cause, its place, what speaks for it, what nearly matched, and the ways to mend it."""
    owner = Span(f"owner: {clean(cause.owner)}", Role.DIM)
    yield from heading(width, Span(title, Role.HEAD), Span(clean(cause.code), Role.BAD), owner)
    for line in paragraph(clean(cause.sentence), width, first="  "):
        yield (Span(line),)
    yield from labelled("at", place(cause.at), width)
    if cause.at.text and clean(cause.at.text) != clean(cause.at.name):
        yield from labelled("", cause.at.text, width, Role.CODE)
    for label, text in labels("evidence", cause.evidence):
        yield from labelled(label, text, width)
    for label, text in labels("near miss", (f"{each.text} — {each.because}" for each in cause.near_misses)):
        yield from labelled(label, text, width)
    if not cause.fixes:
        yield from labelled("fix", cause.settled or "none that this host can make", width)
    for index, fix in enumerate(cause.fixes):
        yield from mending(fix, "fix" if index == 0 else "or", width)


def place(ref: Ref) -> str:
    """Where something is, in words."""
    return f"{ref.kind} {ref.name}" + (f" in {ref.netns}" if ref.netns and ref.kind is not RefKind.NETNS else "")


def labels(name: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The texts with the label before the first one."""
    for index, text in enumerate(texts):
        yield (name if index == 0 else "", text)


def mending(fix: Fix, label: str, width: int) -> Iterator[Spans]:
    """A fix: what it does, its commands, and what else it changes."""
    then = "connects" if fix.then is Symptom.CONNECTED else f"then: {fix.then}"
    checked = f"{VERIFIED_WORDS.get(fix.verified, fix.verified)}: {then}"
    yield from labelled(label, f"{fix.title} ({checked})", width, Role.GOOD)
    for argv in fix.commands:
        yield (Span(" " * CAUSE), Span(shell(argv), Role.STRONG))
    for label_, text in labels("also", fix.side_effects):
        yield from labelled(label_, text, width, Role.WARN)
    if fix.survives:
        yield from labelled("stays", fix.survives, width)
    for number, argv in enumerate(fix.lasting):
        yield (
            Span("  for good".ljust(CAUSE) if number == 0 else " " * CAUSE, Role.DIM),
            Span(shell(argv), Role.STRONG),
        )


def branches(verdict: Verdict, width: int) -> Iterator[Spans]:
    """The different endings of an answer that depends on something unknown."""
    if verdict.branches:
        yield (Span("  it ends in one of these ways:"),)
    for branch in verdict.branches:
        ended = branch.broken or branch.forward
        where = place(ended.last.ref) if ended.last.ref else ended.last.text
        yield from labelled(str(branch.symptom), f"{ended.outcome} at {where}", width, indent=BRANCH)


def conversation(talk: Conversation, width: int, prefix: str = "") -> Iterator[Spans]:
    """The way there, the way back, and the second connection of a relay."""
    if talk.lost:
        yield from conversation(talk.lost, width, f"{prefix}before it is sent again: ")
    yield from journey(f"{prefix}the way there", talk.forward, width)
    back = (
        ("the way back", talk.reply),
        ("the error about that", talk.notice),
        ("the error's way back", talk.error),
    )
    for title, walked in back:
        if walked:
            yield from journey(f"{prefix}{title}", walked, width)
    later = (
        ("the client's next packet", talk.confirm),
        ("the client's data", talk.request),
        ("data back", talk.answer),
    )
    for title, walked in later:
        if walked and walked.outcome is not Outcome.DELIVERED:
            yield from journey(f"{prefix}{title}", walked, width)
    if talk.relayed:
        yield from conversation(talk.relayed, width, "relayed: ")


def journey(title: str, walked: Trace, width: int) -> Iterator[Spans]:
    """One packet's hops and steps."""
    yield ()
    arrived = walked.outcome is Outcome.DELIVERED
    mark = Span(f"✓ {walked.outcome}", Role.GOOD) if arrived else Span(f"✗ {walked.outcome}", Role.BAD)
    yield from heading(width, Span(title, Role.HEAD), mark)
    for number, hop in enumerate(walked.hops):
        yield from heading(width, Span(f"  {clean(hop.netns)}", Role.STRONG), Span(str(hop.packet), Role.TRACED))
        for index, step in enumerate(hop.steps):
            last = number == len(walked.hops) - 1 and index == len(hop.steps) - 1
            yield from decision(step, width, stops=last and not arrived)


def decision(step: Step, width: int, *, stops: bool) -> Iterator[Spans]:
    """One step: what decided, what it said, and the packet after a rewrite. Nothing is said twice."""
    text = step.text
    if step.ref and step.ref.kind is RefKind.RULE:
        chain = str(step.ref.key[3]) if len(step.ref.key) > 3 else ""
        text = f"{step.ref.name}: {(step.ref.text or step.text).removeprefix(f'-A {chain} ')}"
    said = text.casefold().split()
    if step.verdict and step.verdict.casefold().split()[-1] not in said:
        text = f"{text} ⇒ {step.verdict}"
    label = f"{'✗' if stops else ' '} {step.hook or step.kind}"
    yield from labelled(label, text, width, Role.BAD if stops else Role.PLAIN, STEP)
    if step.after and str(step.after) not in text:
        yield from labelled("", f"now {step.after}", width, Role.TRACED, STEP)


def notes(title: str, sentences: Iterable[str], width: int) -> Iterator[Spans]:
    """A list of sentences under a title; nothing where there are none."""
    for index, sentence in enumerate(sentences):
        if index == 0:
            yield ()
            yield (Span(title, Role.HEAD),)
        for line in paragraph(clean(sentence), width, first="  - "):
            yield (Span(line),)


def heading(width: int, *spans: Span) -> Iterator[Spans]:
    """Pieces side by side, two blanks between them; one below the other where the line is too short for them."""
    if sum(len(span.text) + 2 for span in spans) - 2 <= width:
        yield tuple(Span(f"  {span.text}" if index else span.text, span.role) for index, span in enumerate(spans))
        return
    yield spans[:1]
    for span in spans[1:]:
        yield from labelled("", span.text, width, span.role, indent=4)


def labelled(label: str, text: str, width: int, role: Role = Role.PLAIN, indent: int = CAUSE) -> Iterator[Spans]:
    """A label in its column and a text beside it, broken at the width."""
    head = f"  {label}".ljust(indent - 1) + " " if label else " " * indent
    for index, line in enumerate(paragraph(clean(text), width, first=" " * len(head))):
        yield (Span(head if index == 0 else " " * len(head), Role.DIM), Span(line[len(head) :], role))
