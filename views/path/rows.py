"""The path of a conversation as rows: there, back, and the second connection of a relay.

Pure. A leg is one packet's journey; below it a heading for each namespace with the packet as it came in, and a
row for each step. A row's key is (leg, hop, step), which finds the step again whatever is shown or filtered.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from enum import StrEnum

from engine.model.packet import Packet
from engine.model.ref import RefKind
from engine.model.trace import Conversation, Hop, Outcome, Step, StepKind, Trace
from engine.records import dataclass, replace
from views.application import NAME_ROLES, http_lines, http_title, name_text, name_title
from views.nat.words import shorten
from views.symptoms import ENDED
from views.text import Line, Role, Span, Spans, cells, clip, fit, squeeze

StepKey = tuple[int, int, int]

#: Endings that are no failure of the journey.
ARRIVED = (Outcome.DELIVERED, Outcome.LEAVES_VIEW)
#: From this width on the hook has a column of its own.
ROOM_FOR_HOOK = 84
_APPENDED = re.compile(r"^(?:\[\d+:\d+\] )?-A \S+ ?")
_TARGET = re.compile(r" ?-[jg] \S+.*$")


class LegKind(StrEnum):
    """Which packet of a conversation a leg is, with its title."""

    FORWARD = "forward path"
    REPLY = "return path"
    NOTICE = "ICMP error"
    ERROR = "ICMP error to the client"
    CONFIRM = "client's ACK"
    REQUEST = "data"
    ANSWER = "data back"


@dataclass(frozen=True, slots=True)
class Leg:
    """One packet's journey in a conversation: whether it is a relay's, was lost and sent again, or is of a query for a
    name without address."""

    kind: LegKind
    trace: Trace
    relayed: bool = False
    lost: bool = False
    query: bool = False

    @property
    def title(self) -> str:
        """The title for people."""
        relayed = "relayed · " if self.relayed else ""
        return f"{'first try · ' if self.lost else ''}{relayed}{'name query · ' if self.query else ''}{self.kind}"


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step. `stop` says that the packet ended here, against its will."""

    key: StepKey
    hop: Hop
    step: Step
    stop: bool = False
    last: bool = False
    first_at_hook: bool = False
    place_width: int = 20

    @property
    def words(self) -> str:
        """Everything that is shown."""
        return f"{self.step.hook} {where(self.step)} {self.step.text} {self.step.verdict}"

    def spans(self, width: int) -> Spans:
        """Hook (where there is room), place, what happened, result."""
        hooked = width >= ROOM_FOR_HOOK
        hook = fit(self.step.hook if self.first_at_hook else "", 12) if hooked else ""
        text, role = result(self)
        place = where(self.step)
        room = width - len(hook)
        left = min(self.place_width + 2, max(room * 3 // 8, 12))
        right = min(cells(text), max(room - left - 10, 12))
        middle = max(room - left - right - 2, 4)
        return (
            Span(hook, Role.DIM),
            Span(fit(squeeze(place, left - 1), left), Role.STRONG if _is_rule(self.step) else Role.PLAIN),
            Span(fit(what(self.step), middle) + " "),
            Span(clip(text, right), role),
        )


def legs(conversation: Conversation, *, relayed: bool = False, lost: bool = False) -> list[Leg]:
    """The journeys of a conversation in the order in which they happen."""
    found = legs(conversation.lost, relayed=relayed, lost=True) if conversation.lost else []
    query = conversation.name is not None and conversation.name.used is None
    found.append(Leg(LegKind.FORWARD, conversation.forward, relayed, lost, query))
    if conversation.relayed:
        found += legs(conversation.relayed, relayed=True, lost=lost)
    later = (
        (LegKind.REPLY, conversation.reply),
        (LegKind.NOTICE, conversation.notice),
        (LegKind.ERROR, conversation.error),
        (LegKind.CONFIRM, conversation.confirm),
        (LegKind.REQUEST, conversation.request),
        (LegKind.ANSWER, conversation.answer),
    )
    found += [Leg(kind, trace, relayed, lost, query) for kind, trace in later if trace is not None]
    return found


def step_keys(journeys: list[Leg]) -> Iterator[StepKey]:
    """The keys of all steps, in order."""
    for number, leg in enumerate(journeys):
        for place, hop in enumerate(leg.trace.hops):
            yield from ((number, place, step) for step in range(len(hop.steps)))


def step_at(journeys: list[Leg], key: Hashable) -> tuple[Leg, Hop, Step] | None:
    """The step with that key, with its leg and hop; None when the conversation has no such step."""
    for number, place, step in step_keys(journeys):
        if (number, place, step) == key:
            hop = journeys[number].trace.hops[place]
            return journeys[number], hop, hop.steps[step]
    return None


def first_look(journeys: list[Leg]) -> StepKey:
    """The step to look at first: where the first journey that failed ended; where all arrived, the start."""
    for number, leg in enumerate(journeys):
        if leg.trace.outcome not in ARRIVED:
            return number, len(leg.trace.hops) - 1, len(leg.trace.hops[-1].steps) - 1
    return 0, 0, 0


def rows(conversation: Conversation) -> list[Line | StepRow]:
    """All legs, with headings."""
    found: list[Line | StepRow] = [*_above(conversation)]
    steps = [step for leg in legs(conversation) for step in leg.trace.steps]
    widest = max((cells(where(step)) for step in steps), default=0)
    for number, leg in enumerate(legs(conversation)):
        if found:
            found.append(Line(()))
        found.append(_title(leg))
        for place, hop in enumerate(leg.trace.hops):
            found.append(_hop(hop))
            found += (replace(row, place_width=widest) for row in _steps(leg.trace, (number, place), hop))
    return found


def _above(conversation: Conversation) -> Iterator[Line]:
    """What leads the path: how the name was looked up, and what a proxy answered."""
    if conversation.name is not None:
        mark = Span("✓ ", Role.GOOD) if conversation.name.found else Span("✗ ", Role.BAD)
        yield Line((mark, Span(name_title(conversation.name), Role.HEAD)))
        for step in conversation.name.order:
            said = Span(name_text(step), NAME_ROLES.get(step.symptom, Role.BAD))
            yield Line((Span(f"{step.by:<9}", Role.DIM), said))
    if conversation.http is not None:
        mark = Span("✓ ", Role.GOOD) if conversation.http.served else Span("✗ ", Role.BAD)
        yield Line((mark, Span(http_title(conversation.http), Role.HEAD)))
        for label, text in http_lines(conversation.http):
            yield Line((Span(f"{label:<9}", Role.DIM), Span(text)))


def where(step: Step) -> str:
    """The place of a step: a rule by its chain and number, anything else by its kind."""
    if step.ref is not None and step.ref.kind in (RefKind.RULE, RefKind.CHAIN):
        return step.ref.name
    if step.kind is StepKind.SYSCTL and step.ref is not None:
        return step.ref.name
    return str(step.kind)


def _is_rule(step: Step) -> bool:
    return step.ref is not None and step.ref.kind is RefKind.RULE


def what(step: Step) -> str:
    """What happened at a step. A rule's own line without its chain and target, which stand beside it."""
    if step.kind is StepKind.POLICY:
        return step.text.partition(" of ")[0]
    if step.kind not in (StepKind.RULE, StepKind.NAT):
        return step.text
    return shorten(_TARGET.sub("", _APPENDED.sub("", step.text))) or "any"


def result(row: StepRow) -> tuple[str, Role]:
    """What became of the packet at a step, and whether that is good for it."""
    step = row.step
    said = step.verdict
    if step.after is not None and not said:
        said = rewrite(step.packet, step.after)
    if row.stop:
        return f"✗ {said or 'stops here'}", Role.BAD
    if row.last:
        return f"✓ {said}".rstrip(), Role.GOOD
    if step.after is not None:
        return said, Role.WARN
    return said, Role.GOOD if said == "accept" else Role.PLAIN


def rewrite(before: Packet, after: Packet) -> str:
    """What a translation changed: `⇒ dst 172.17.0.2:80`."""
    changed = []
    for side, old, new in (
        ("src", (before.src, before.sport), (after.src, after.sport)),
        ("dst", (before.dst, before.dport), (after.dst, after.dport)),
    ):
        if old != new:
            host = f"[{new[0]}]" if new[0].version == 6 else str(new[0])
            changed.append(f"{side} {host}:{new[1]}" if new[1] is not None else f"{side} {host}")
    return "⇒ " + " ".join(changed) if changed else "unchanged"


def _title(leg: Leg) -> Line:
    packet = leg.trace.hops[0].packet if leg.trace.hops else ""
    arrived = leg.trace.outcome in ARRIVED
    mark = Span("✓ ", Role.GOOD) if arrived else Span("✗ ", Role.BAD)
    ending = ENDED[leg.trace.outcome]
    end = Span(ending, Role.GOOD if arrived else Role.BAD)
    return Line((mark, Span(leg.title, Role.HEAD), Span(f"  {packet}  "), end))


def _hop(hop: Hop) -> Line:
    return Line((Span("in ", Role.DIM), Span(hop.netns, Role.STRONG), Span(f"  {hop.packet}", Role.DIM)))


def _steps(trace: Trace, place: tuple[int, int], hop: Hop) -> Iterator[StepRow]:
    ends_here = hop is trace.hops[-1]
    before = ""
    for number, step in enumerate(hop.steps):
        last = ends_here and number == len(hop.steps) - 1
        stop = last and trace.outcome not in ARRIVED
        yield StepRow((*place, number), hop, step, stop, last and not stop, step.hook != before)
        before = step.hook
