"""An answer as text, for a terminal or a ticket: its outline, and the path step by step.

Laws:
1. The answer comes first, then what blocks the packet and what fixes it, then the path.
2. A command stands on a line of its own, quoted for a shell and never broken, so that it can be copied.
3. Words come from the host (names, comments of rules): control characters in them are shown, never sent to a terminal.
4. Colour is paint on top; the text says the same without it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from engine.catalogue import page_of
from engine.catalogue.words import words_in
from engine.model.ref import RefKind
from engine.model.trace import Outcome, Step, Trace
from engine.model.verdict import Verdict
from views.harmless import STEERING, clean, escaped, harmless
from views.path.rows import LegKind, legs
from views.reports import proof_text
from views.text import Role, Span, Spans, paragraph
from views.verdict.outline import Outline, Part, Section, outline, target_text

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

#: Sections that stand behind the path.
LAST = (Part.ASSUMPTIONS, Part.GAPS)
#: Packets of an open connection, which are shown where they fail.
LATER = (LegKind.CONFIRM, LegKind.REQUEST, LegKind.ANSWER)

BACKSLASH, QUOTE = "\\", "'"

#: Columns before the texts of a section (after "  side effects"), of a step ("  ✗ postrouting") and of a branch.
LABEL, STEP, BRANCH = 16, 16, 26
#: Steps of a hop that are told from its beginning, and from its end.
MOST_STEPS = 100


def render(verdict: Verdict, width: int = 100, *, colour: bool = False, show_gaps: bool = True) -> str:
    """The whole answer as text of at most `width` columns (commands may be longer), ending in a newline. Gaps are what
    was not inspected; those that the answer rests on are causes as well."""
    return "".join(f"{paint(line, colour)}\n" for line in answer(verdict, width, show_gaps=show_gaps))


def paint(line: Spans, colour: bool) -> str:
    """One line, with or without colours."""
    if not colour:
        return harmless("".join(span.text for span in line)).rstrip()
    return "".join(
        f"\x1b[{SGR[span.role]}m{harmless(span.text)}\x1b[0m" if span.role in SGR else harmless(span.text)
        for span in line
    )


def shell(argv: Iterable[str]) -> str:
    """The words of a command on one line for a shell."""
    return " ".join(dollar_quote(word) if STEERING.search(word) else shlex.quote(word) for word in argv)


def dollar_quote(word: str) -> str:
    """A word with control characters, as $'…' with octal escapes (POSIX.1-2024, dollar-single-quotes)."""

    def octal(found: re.Match[str]) -> str:
        return "".join(f"\\{byte:03o}" for char in found[0] for byte in as_bytes(char))

    return f"$'{STEERING.sub(octal, word.replace(BACKSLASH, BACKSLASH * 2).replace(QUOTE, BACKSLASH + QUOTE))}'"


def as_bytes(char: str) -> bytes:
    """A character in UTF-8; a byte that stands for itself (PEP 383) as that byte, another lone surrogate as it is."""
    return char.encode("utf-8", "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass")


def answer(verdict: Verdict, width: int, *, show_gaps: bool = True) -> Iterator[Spans]:
    """All lines in order."""
    shown, proved = outline(verdict), verdict.kernel
    yield from headline(verdict, shown, width)
    if proved:
        yield from cleaned(proof_text.headline(proved, verdict.question, width))
    for each in shown.sections:
        if each.part not in LAST:
            yield from section(each, width)
    if proved and proved.rows:
        yield from cleaned(proof_text.details(proved, width))
    else:
        for leg in legs(verdict.conversation):
            if leg.kind not in LATER or leg.trace.outcome is not Outcome.DELIVERED:
                yield from journey(leg.title, leg.trace, width)
    for each in shown.sections:
        if each.part in LAST and (show_gaps or each.part is not Part.GAPS):
            yield from section(each, width)
    yield from terms(shown, width)


def terms(shown: Outline, width: int) -> Iterator[Spans]:
    """What the terms of the causes and fixes mean, a line each."""
    causes = [each for each in shown.sections if each.code]
    said = "\n".join(f"{item.label} {item.text} {' '.join(item.argv)}" for each in causes for item in each.items)
    said += "\nowner" if causes else ""
    if known := words_in(said):
        yield ()
        yield from heading(width, Span("terms", Role.HEAD))
    for word in known:
        yield from labelled("", f"{word.name}: {word.meaning}", width, Role.DIM, indent=2)


def cleaned(lines: Iterable[Spans]) -> Iterator[Spans]:
    """Lines whose words come from the host, with control characters shown."""
    for line in lines:
        yield tuple(Span(STEERING.sub(escaped, span.text), span.role) for span in line)


def headline(verdict: Verdict, shown: Outline, width: int) -> Iterator[Spans]:
    """The answer, the question and what the client sees."""
    asked = verdict.question
    client = clean(asked.source.netns)
    if asked.source.outside:
        client = f"{asked.source.address} (outside, arrives on {clean(asked.source.device or '')})"
    yield from heading(width, Span(shown.headline, shown.role), Span(f"{client} → {target_text(verdict)}", Role.STRONG))
    if shown.symptom:
        yield from labelled("", shown.symptom, width, indent=2)


def section(shown: Section, width: int) -> Iterator[Spans]:
    """One section of the outline under its title."""
    yield ()
    spans = [Span(shown.title, Role.HEAD)]
    if shown.code:
        spans += [Span(clean(shown.code), Role.BAD), Span(f"owner: {clean(shown.owner)}", Role.DIM)]
    yield from heading(width, *spans)
    labels = any(item.label for item in shown.items)
    indent = BRANCH if shown.part is Part.BRANCHES else LABEL
    for number, item in enumerate(shown.items):
        if shown.code and number == 0:
            yield from ((Span(line),) for line in paragraph(clean(item.text), width, first="  "))
        elif item.argv:
            yield Span(f"  {item.label}".ljust(indent), Role.DIM), Span(shell(item.argv), Role.STRONG)
        elif labels:
            yield from labelled(item.label, item.text, width, item.role, indent)
        else:
            yield from ((Span(line),) for line in paragraph(clean(item.text), width, first="  - "))
    if shown.code:
        code = clean(shown.code)
        yield from labelled("more", f"portscope explain {code} · {page_of(code)}", width, Role.DIM, LABEL)


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
            if MOST_STEPS <= index < len(hop.steps) - MOST_STEPS:
                if index == MOST_STEPS:
                    yield from labelled("", f"… {len(hop.steps) - 2 * MOST_STEPS} more steps …", width, indent=STEP)
                continue
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


def heading(width: int, *spans: Span) -> Iterator[Spans]:
    """Pieces side by side, two blanks between them; one below the other where the line is too short for them."""
    if sum(len(span.text) + 2 for span in spans) - 2 <= width:
        yield tuple(Span(f"  {span.text}" if index else span.text, span.role) for index, span in enumerate(spans))
        return
    yield spans[:1]
    for span in spans[1:]:
        yield from labelled("", span.text, width, span.role, indent=4)


def labelled(label: str, text: str, width: int, role: Role = Role.PLAIN, indent: int = LABEL) -> Iterator[Spans]:
    """A label in its column and a text beside it, broken at the width."""
    head = f"  {label}".ljust(indent - 1) + " " if label else " " * indent
    for index, line in enumerate(paragraph(clean(text), width, first=" " * len(head))):
        yield (Span(head if index == 0 else " " * len(head), Role.DIM), Span(line[len(head) :], role))
