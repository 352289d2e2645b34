"""An answer in at most a dozen lines: the verdict, what blocks the packet, the first fix, and how to see the rest.

Laws:
1. What a person does next comes before what else is known: cause, fix with its commands, what to ask instead.
2. Where it is longer than `MOST_LINES`, what matters least goes first: other causes, side effects, persistence.
3. A command is never broken. The last line says what was left out, and by which option it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.machine import JoinedBy
from engine.model.ref import RefKind
from engine.model.trace import Conversation, Symptom
from engine.model.verdict import Cause, Fix, FixKind, Reach, Supposition, Verdict
from engine.records import dataclass
from views.reports.answer_text import heading, labelled, paint, shell
from views.symptoms import IN_SHORT
from views.text import Role, Span, Spans
from views.verdict.outline import HEADLINES, NO_FIX, client, ending, gaps, join_text, seen_text, target_text

MOST_LINES = 12
#: Lines of one fact, and commands of a fix, that are shown.
MOST_OF_A_FACT, MOST_COMMANDS = 3, 4
LABEL = 16
#: Joins between hosts that are named, and how each was found in a word.
MOST_JOINS = 2
#: Engines that could not be asked and are named.
MOST_ENGINES = 2
JOINED = {
    JoinedBy.MAC: "",
    JoinedBy.TUNNEL: "tunnel ",
    JoinedBy.EDGE: "edge file, ",
    JoinedBy.PREFIX: "addresses alone, ",
}
UNDECIDED = "INFO_DEPENDS"
#: What every answer about UDP rests on; and what one does that lets a client of elsewhere through.
ANSWERS, OUTSIDE = "ASSUME_UDP_ANSWER", "ASSUME_OUTSIDE_PATH"
#: What is blocked by something has its own word; what is wrong at the service, or in translation, is its cause.
BLOCKING = ("FW_", "HOST_", "LINK_")
#: Causes that an engine that could not be asked may know more about.
PUBLISHING = ("DST_", "NAT_")


@dataclass(frozen=True, slots=True)
class Fact:
    """Some lines, and how soon they may be left out: 0 never, the highest number first."""

    lines: tuple[Spans, ...]
    rank: int = 0


def render(verdict: Verdict, width: int = 100, *, colour: bool = False, show_gaps: bool = False) -> str:
    """The answer as text, ending in a newline."""
    facts = [_head(verdict, width), *_facts(verdict, width)]
    kept = _fitting(facts, MOST_LINES - 1)
    lines = [line for fact in kept for line in fact.lines]
    lines += _rest(verdict, width, cut=len(kept) < len(facts))
    if show_gaps:
        lines += _gaps(verdict, width)
    return "".join(f"{paint(line, colour)}\n" for line in lines)


def _fitting(facts: list[Fact], room: int) -> list[Fact]:
    """The facts that fit, the least important ones left out."""
    kept = list(facts)
    while sum(len(fact.lines) for fact in kept) > room:
        last = max(range(len(kept)), key=lambda place: (kept[place].rank, place))
        if kept[last].rank == 0:
            break
        del kept[last]
    return kept


def _head(verdict: Verdict, width: int) -> Fact:
    """`✗ lan → 10.77.0.1:8080/tcp   times out`."""
    headline, role = HEADLINES[verdict.reach]
    seen = seen_text(verdict)
    if verdict.branches:
        seen = "depends: " + " or ".join(dict.fromkeys(IN_SHORT[each.symptom] for each in verdict.branches))
    elif verdict.reach is Reach.DEPENDS:
        seen = "could not tell"
    mark = Span(headline[0], role)
    title = Span(f"{mark.text} {client(verdict)} → {target_text(verdict)}", role)
    return Fact(tuple(heading(width, title, Span(f" {seen}", Role.STRONG))))


def _facts(verdict: Verdict, width: int) -> Iterator[Fact]:
    if verdict.supposed is not None:
        yield from _supposed(verdict.supposed, width)
    if verdict.reach is Reach.YES:
        yield from _arrival(verdict.conversation, width)
    for each in verdict.assumptions:
        if each.code == ANSWERS or (each.code == OUTSIDE and verdict.reach is Reach.YES):
            yield _fact("assuming", each.sentence, width, rank=3)
    for branch in verdict.branches[:MOST_OF_A_FACT]:
        yield _fact("if", f"{ending(branch)}: {IN_SHORT[branch.symptom]}", width, rank=2)
    causes = [*verdict.causes, *verdict.findings]
    for number, cause in enumerate(causes):
        yield from _cause(cause, width, first=number == 0, finding=cause in verdict.findings)
    if verdict.causes and verdict.causes[0].code.startswith(PUBLISHING):
        for gap in [each for each in verdict.gaps if each.hides_containers][:MOST_ENGINES]:
            yield _fact(
                "not known", f"containers of {gap.source.split()[0]}: {gap.reason}", width, Role.WARN, most=2, rank=1
            )
    for join in verdict.joins[:MOST_JOINS]:
        yield _fact("joined by", f"{JOINED[join.by]}{join_text(join)}", width, most=2)


def _supposed(supposed: Supposition, width: int) -> Iterator[Fact]:
    """What is supposed, what the answer is without it, and what else flips."""
    for place, sentence in enumerate(supposed.sentences):
        yield _fact("" if place else "if", sentence, width, most=1)
    yield _fact("without", IN_SHORT[supposed.symptom], width, most=1)
    yield _fact("also", "; ".join(supposed.flips) or "nothing else flips", width, rank=1)


def _cause(cause: Cause, width: int, *, first: bool, finding: bool) -> Iterator[Fact]:
    label = "finding" if finding else "blocked by" if cause.code.startswith(BLOCKING) else "cause"
    sentence, text = cause.sentence, cause.at.text
    if cause.code == UNDECIDED:
        label, sentence = "depends on", sentence.removeprefix("the answer depends on a condition: ")
    quoted = bool(text) and sentence.endswith(f": {text}")
    if quoted:
        sentence = sentence.removesuffix(f": {text}")
    owner = f" (owner: {cause.owner})" if cause.at.kind in (RefKind.RULE, RefKind.CHAIN) else ""
    if not first:
        yield _fact("finding" if finding else "then", f"{sentence}{owner}", width, most=1, rank=5)
        return
    yield _fact(label, f"{sentence}{owner}", width)
    if quoted or (cause.at.kind is RefKind.RULE and text and text not in sentence):
        yield _fact("", text, width, Role.CODE, most=2)
    yield from _fixes(cause, width, finding=finding)


def _fixes(cause: Cause, width: int, *, finding: bool) -> Iterator[Fact]:
    asks = [fix for fix in cause.fixes if fix.kind is FixKind.ASK]
    if asks and cause.fixes[0] is asks[0]:
        yield _fact("ask instead", " · ".join(_asked(fix) for fix in asks[:2]), width, Role.GOOD)
        change = cause.change
        if change is not None:
            yield _fact("or", change.title, width, most=2, rank=1)
        return
    first = cause.change
    if cause.code == UNDECIDED:
        return
    if cause.fixes and cause.fixes[0].ask is not None:
        yield _fact("fix", cause.fixes[0].title, width, Role.GOOD)
        if first is not None:
            yield _fact("or", first.title, width, most=2, rank=1)
        return
    if first is None:
        yield _fact("fix", cause.settled or NO_FIX, width, Role.WARN)
        return
    yield from _change(first, width)
    if first.then is not Symptom.CONNECTED and not finding:
        yield _fact("then", f"still {IN_SHORT[first.then]}; the next cause has its own fix", width, rank=1)
    if asks:
        yield _fact("or ask", _asked(asks[0]), width, rank=3)


def _asked(fix: Fix) -> str:
    return fix.title.removeprefix("ask ")


def _change(fix: Fix, width: int) -> Iterator[Fact]:
    yield _fact("fix", fix.title, width, Role.GOOD)
    shown = fix.commands[:MOST_COMMANDS]
    yield Fact(tuple((Span(" " * LABEL), Span(shell(argv), Role.STRONG)) for argv in shown))
    if len(fix.commands) > len(shown):
        yield _fact("", f"and {len(fix.commands) - len(shown)} more commands", width)
    if fix.lasting:
        lines = ((Span("  permanent".ljust(LABEL), Role.DIM), Span(shell(argv), Role.STRONG)) for argv in fix.lasting)
        yield Fact(tuple(lines), rank=2)
    if fix.survives:
        yield _fact("persistence", fix.survives, width, most=2, rank=3)
    yield _fact("side effects", "; ".join(fix.side_effects) or "none", width, most=2, rank=4)


def _arrival(talk: Conversation, width: int) -> Iterator[Fact]:
    """Which socket takes it, through each relay."""
    while talk.relayed is not None:
        yield _fact("through", f"{talk.forward.last.text} in {talk.forward.hops[-1].netns}", width, most=1, rank=2)
        talk = talk.relayed
    last = talk.forward.hops[-1]
    arrived = talk.forward.last.packet
    yield _fact("answered by", f"{talk.forward.last.text} in {last.netns}, as {arrived}", width, most=2)


def _rest(verdict: Verdict, width: int, *, cut: bool) -> Iterator[Spans]:
    """What was left out."""
    causes = [*verdict.causes, *verdict.findings]
    first = causes[0] if causes else None
    others = len(first.fixes) - _shown(first) if first else 0
    parts = [f"{len(causes)} causes with a fix each"] if len([c for c in causes if c.change]) > 1 else []
    parts += [f"{others} other fix{'es' if others > 1 else ''}"] if others > 0 else []
    parts += ["evidence"] if first and (first.evidence or cut) else []
    parts += ["terms explained"] if first else []
    parts += ["full path"]
    yield from labelled("", f"{', '.join(parts)}: -v", width, Role.DIM, indent=2)


def _shown(cause: Cause) -> int:
    """How many fixes of the first cause are shown: two to ask instead where one comes first, one of each kind else."""
    asks = sum(fix.kind is FixKind.ASK for fix in cause.fixes)
    leading = bool(asks) and cause.fixes[0].kind is FixKind.ASK
    return min(asks, 2 if leading else 1) + (cause.change is not None)


def _gaps(verdict: Verdict, width: int) -> Iterator[Spans]:
    for section in gaps(verdict.gaps):
        for number, item in enumerate(section.items):
            yield from labelled("" if number else section.title, item.text, width, item.role, LABEL)


def _fact(  # noqa: PLR0913 - a label, a text, and how it is painted
    label: str, text: str, width: int, role: Role = Role.PLAIN, *, most: int = MOST_OF_A_FACT, rank: int = 0
) -> Fact:
    lines = list(labelled(label, text, width, role, LABEL))
    if len(lines) > most:
        *start, last = lines[:most]
        lines = [*start, (*last[:-1], Span(f"{last[-1].text[: max(width - LABEL - 2, 1)]} …", last[-1].role))]
    return Fact(tuple(lines), rank)
