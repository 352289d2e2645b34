"""The outline of an answer: its facts in order, each with its label, before anything is drawn.

Pure: a verdict in, values out. The terminal text, the card of the workbench and the HTML page paint the same outline,
so that no fact and no label is written twice.

1. The answer comes first, then each cause with what fixes it, then what speaks for it, then what the answer rests on.
2. An `Item` with `argv` is a command: it is shown on a line of its own and never broken.
3. An item with an empty label goes on with the one before it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from enum import StrEnum
from ipaddress import IPv4Address

from engine.model.host import Gap
from engine.model.machine import Join
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Symptom
from engine.model.verdict import Cause, Fix, FixKind, Reach, Verdict
from engine.records import dataclass, replace
from views.application import NAME_ROLES, http_lines, http_title, name_text, name_title
from views.harmless import clean
from views.symptoms import IN_SHORT, MEANINGS
from views.text import Role


class Part(StrEnum):
    """What a section is about."""

    SUPPOSED = "supposed"
    NAME = "name"
    HTTP = "http"
    CAUSE = "cause"
    FINDING = "finding"
    BRANCHES = "branches"
    JOINS = "joins"
    ASSUMPTIONS = "assumptions"
    GAPS = "gaps"


@dataclass(frozen=True, slots=True)
class Item:
    """One fact."""

    #: What kind of fact it is, for people; empty where it goes on with the one before.
    label: str
    text: str
    role: Role = Role.PLAIN
    #: A command, word by word; `text` is then empty.
    argv: tuple[str, ...] = ()
    #: Names the row where it can be chosen: ("fix", cause, fix), ("near", cause, near miss).
    key: Hashable = None


@dataclass(frozen=True, slots=True)
class Section:
    """Facts under one title."""

    part: Part
    title: str
    items: tuple[Item, ...]
    #: The code and the owner, of a cause or finding.
    code: str = ""
    owner: str = ""
    #: The name of the object that it speaks of.
    at: str = ""
    key: Hashable = None


@dataclass(frozen=True, slots=True)
class Outline:
    """The answer to a question."""

    headline: str
    role: Role
    question: str
    #: What the client sees; empty where branches end differently.
    symptom: str
    sections: tuple[Section, ...]


HEADLINES: dict[Reach, tuple[str, Role]] = {
    Reach.YES: ("✓ reachable", Role.GOOD),
    Reach.NO: ("✗ not reachable", Role.BAD),
    Reach.DEPENDS: ("? could not tell", Role.WARN),
}
#: The title of the first cause, and of those after it.
FIRST = {Reach.YES: "beside it", Reach.NO: "blocked by", Reach.DEPENDS: "depends on"}
NEXT = {Reach.YES: "and", Reach.NO: "then blocked by", Reach.DEPENDS: "then blocked by"}
FINDING = "finding"
#: The client looks a name up; it has no address of its own to show.
UNSPECIFIED = IPv4Address(0)
VERIFIED = {"model": "verified in simulation", "kernel": "verified by a real attempt"}
NO_FIX = "none on this host"
#: Namespaces of one gap that are named.
MOST_NAMED = 3


def outline(verdict: Verdict) -> Outline:
    """The whole answer but its path."""
    headline, role = HEADLINES[verdict.reach]
    sections = [
        *_supposed(verdict),
        *_name(verdict),
        *_branches(verdict),
        *_causes(verdict),
        *_joins(verdict),
        *_assumptions(verdict),
        *gaps(verdict.gaps),
    ]
    return Outline(headline, role, question_text(verdict), symptom_text(verdict), tuple(sections))


def question_text(verdict: Verdict) -> str:
    """`lan → 10.77.0.1:8080/tcp`, `app → db:5432/tcp (172.18.0.2)`, `lan → http://blog.example.test/ (10.77.0.1)`."""
    asked = verdict.question
    plain = asked.url is None and verdict.conversation.name is None
    return f"{client(verdict)} → {asked.end if plain else target_text(verdict)}"


def target_text(verdict: Verdict) -> str:
    """What is asked for: by its URL or its name, where it was asked so, with the address that it comes to."""
    asked, lookup = verdict.question, verdict.conversation.name
    if asked.url is None and lookup is None:
        written = clean(asked.target)
        return asked.end + (
            f" ({written})" if written and written not in (asked.end, asked.end.rpartition("/")[0]) else ""
        )
    end = clean(str(asked.url)) if asked.url is not None else replace(asked, address=UNSPECIFIED).end
    used = asked.address if lookup is None else lookup.used
    return end if used is None or str(used) in end else f"{end} ({used})"


def seen_text(verdict: Verdict) -> str:
    """What the client sees, in a few words: `times out`, `HTTP 502`."""
    http = verdict.conversation.http
    if http is not None and http.status and not http.served and verdict.symptom is Symptom.CONNECTED:
        return f"HTTP {http.status}"
    return IN_SHORT[verdict.symptom]


def client(verdict: Verdict) -> str:
    """The client: its namespace, or the address of one outside."""
    source = verdict.question.source
    return str(source.address) if source.outside else source.netns


def symptom_text(verdict: Verdict) -> str:
    """What the client sees; empty where the answer has branches that end differently."""
    if verdict.branches:
        return ""
    bound = "as far as the snapshot shows, " if verdict.reach is Reach.DEPENDS else ""
    http = verdict.conversation.http
    if http is not None and not http.served and http.status and verdict.symptom is Symptom.CONNECTED:
        return f"{bound}HTTP {http.status}: {http.by} in {http.netns} answers for itself"
    return f"{bound}{verdict.symptom}: {MEANINGS[verdict.symptom]}"


def _supposed(verdict: Verdict) -> Iterator[Section]:
    """What the answer supposes."""
    if verdict.supposed is not None:
        known = verdict.supposed
        items = [Item("if" if place == 0 else "", text, Role.WARN) for place, text in enumerate(known.sentences)]
        items.append(Item("without", f"{known.reach}: {MEANINGS[known.symptom]}"))
        items += _labelled("also", known.flips or ("nothing else flips",))
        yield Section(Part.SUPPOSED, "what if", tuple(items))


def _name(verdict: Verdict) -> Iterator[Section]:
    """How the client looks the name up, and what a proxy answers it."""
    lookup, http = verdict.conversation.name, verdict.conversation.http
    if lookup is not None:
        items = (Item(str(step.by), name_text(step), NAME_ROLES.get(step.symptom, Role.BAD)) for step in lookup.order)
        yield Section(Part.NAME, name_title(lookup), tuple(items))
    if http is not None:
        lines = tuple(Item(label, text) for label, text in http_lines(http))
        yield Section(Part.HTTP, http_title(http), lines)


def _branches(verdict: Verdict) -> Iterator[Section]:
    if verdict.branches:
        items = tuple(Item(str(each.symptom), ending(each), Role.WARN) for each in verdict.branches)
        yield Section(Part.BRANCHES, "possible endings", items)


def ending(branch: Conversation) -> str:
    """Where a branch ends."""
    ended = branch.broken or branch.forward
    return f"{ended.outcome} at {place(ended.last.ref) if ended.last.ref else ended.last.text}"


def _causes(verdict: Verdict) -> Iterator[Section]:
    for number, each in enumerate(verdict.causes):
        undecided = each.code == "INFO_DEPENDS"
        title = FIRST[verdict.reach] if number == 0 else FIRST[Reach.DEPENDS] if undecided else NEXT[verdict.reach]
        yield cause_section(each, number, title)
    for number, each in enumerate(verdict.findings, len(verdict.causes)):
        yield cause_section(each, number, FINDING, Part.FINDING)


def cause_section(cause: Cause, number: int, title: str, part: Part = Part.CAUSE) -> Section:
    """A cause: its sentence, its object, its fixes, then what speaks for it."""
    items = (
        Item("", cause.sentence),
        *_object(cause),
        *_fixes(cause, number),
        *_labelled("evidence", cause.evidence),
        *_near_misses(cause, number),
    )
    at = cause.at.words or cause.at.text or str(cause.at.kind)
    return Section(part, title, items, cause.code, cause.owner, at, ("cause", number))


def _object(cause: Cause) -> Iterator[Item]:
    """Where it is, unless the sentence says so; the object's own text, unless the sentence quotes it."""
    at = cause.at
    if not (at.words and at.words in cause.sentence and at.netns in cause.sentence):
        yield Item("at", place(at))
    if at.text and at.text != at.name and at.text not in cause.sentence:
        yield Item("", at.text, Role.CODE)


def _fixes(cause: Cause, number: int) -> Iterator[Item]:
    if not cause.fixes:
        yield Item("fix", cause.settled or NO_FIX, Role.WARN)
    for place_, fix in enumerate(cause.fixes):
        yield from fix_items(fix, "or" if place_ else "fix", ("fix", number, place_))


def fix_items(fix: Fix, label: str, key: Hashable = None) -> Iterator[Item]:
    """A fix: its title, its commands, how long it lasts, what else it changes, how it was verified."""
    if fix.ask is not None:
        instead = fix.kind is FixKind.ASK
        yield Item("ask instead" if instead else label, fix.title.removeprefix("ask "), Role.GOOD, key=key)
        return
    yield Item(label, fix.title, Role.GOOD, key=key)
    for argv in fix.commands:
        yield Item("", "", Role.CODE, argv)
    yield from _labelled("side effects", fix.side_effects, Role.WARN)
    if fix.survives:
        yield Item("persistence", fix.survives)
    for place_, argv in enumerate(fix.lasting):
        yield Item("" if place_ else "permanent", "", Role.CODE, argv)
    yield Item("verified", verified(fix), Role.DIM if fix.then is Symptom.CONNECTED else Role.WARN)


def verified(fix: Fix) -> str:
    """How it is known that a fix works, and what the client sees then."""
    then = "the client connects" if fix.then is Symptom.CONNECTED else f"then {fix.then}"
    return f"{VERIFIED.get(fix.verified, fix.verified).removeprefix('verified ')}: {then}"


def _near_misses(cause: Cause, number: int) -> Iterator[Item]:
    for place_, miss in enumerate(cause.near_misses):
        yield Item("near miss", miss.text, Role.WARN, key=("near", number, place_))
        yield Item("", f"but {miss.because}")


def _labelled(label: str, texts: tuple[str, ...], role: Role = Role.PLAIN) -> Iterator[Item]:
    """The texts with the label before the first one."""
    for place_, text in enumerate(texts):
        yield Item("" if place_ else label, text, role)


def _joins(verdict: Verdict) -> Iterator[Section]:
    """How it is known that the packets get from one host to another."""
    if verdict.joins:
        items = tuple(Item(str(each.by), join_text(each)) for each in verdict.joins)
        yield Section(Part.JOINS, "between hosts", items)


def join_text(join: Join) -> str:
    """`10.9.0.0/24: eth0 of app1 knows 10.9.0.2 at …, which is eth0 of db1`."""
    return f"{join.segment}: {clean(join.text)}"


def _assumptions(verdict: Verdict) -> Iterator[Section]:
    if verdict.assumptions:
        items = tuple(Item("", each.sentence) for each in verdict.assumptions)
        yield Section(Part.ASSUMPTIONS, "assumptions", items)


def gaps(found: tuple[Gap, ...]) -> Iterator[Section]:
    """What was not inspected, each with its reason; namespaces with one reason in one line."""
    places: dict[tuple[str, str], list[str]] = {}
    for gap in found:
        places.setdefault((gap.source, gap.reason), []).append(gap.netns)
    if places:
        items = tuple(Item("", f"{source}{_among(where)}: {why}", Role.WARN) for (source, why), where in places.items())
        yield Section(Part.GAPS, "not inspected", items)


def _among(netns: list[str]) -> str:
    named = [each or "the host" for each in netns]
    if named == ["the host"]:
        return ""
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return f" in {', '.join(named[:MOST_NAMED])}{more}"


def place(ref: Ref) -> str:
    """Where something is, as text."""
    said = ref.kind in (RefKind.RULE, RefKind.ROUTE, RefKind.POLICY_RULE)  # by their names
    named = ref.words if said else f"{ref.kind} {ref.name}"
    return named + (f" in {ref.netns}" if ref.netns and ref.kind is not RefKind.NETNS else "")
