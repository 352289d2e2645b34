"""What a trace and a row have to say in other panes: marks on the rules, and the full words of what is selected."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from engine.explain.audit.rules import audit
from engine.model.firewall import Firewall
from engine.model.host import Snapshot
from engine.model.rule_finding import NEVER, RuleFinding
from engine.model.trace import Trace
from engine.model.verdict import Verdict
from views.nat.rows import RuleRow
from views.path.rows import ARRIVED, Leg, StepRow
from views.text import Role, Span


class Flaws:
    """What is wrong with the rules of a namespace, by their keys; looked for once while its rules are the same."""

    def __init__(self) -> None:
        self._known: tuple[Firewall | None, dict[Hashable, RuleFinding]] = (None, {})

    def of(self, snapshot: Snapshot, netns: str) -> dict[Hashable, RuleFinding]:
        """The rules that can match no packet."""
        place = snapshot.by_id[netns]
        if self._known[0] is not place.firewall:
            found: dict[Hashable, RuleFinding] = {
                each.at.key: each for each in audit(snapshot, place) if each.flaw in NEVER
            }
            self._known = (place.firewall, found)
        return self._known[1]


def flaw_marks(flaws: Iterable[Hashable]) -> dict[Hashable, Span]:
    """Marks for the rules that can match no packet."""
    return dict.fromkeys(flaws, Span("∅", Role.DIM))


def rule_marks(trace: Trace, netns: str, verdict: Verdict | None = None) -> dict[Hashable, Span]:
    """Marks, by the rules' keys, for the rules of a namespace that the packet met, those that nearly let it through,
    and the one that stopped it."""
    marks: dict[Hashable, Span] = {}
    for cause in verdict.told if verdict else ():
        marks |= {miss.ref.key: Span("≈", Role.WARN) for miss in cause.near_misses if miss.ref.netns == netns}
    for hop in trace.hops:
        for step in hop.steps:
            if step.ref is not None and step.ref.netns == netns:
                marks.setdefault(step.ref.key, Span("•", Role.TRACED))
    last = trace.last.ref
    if trace.outcome not in ARRIVED and last is not None and last.netns == netns:
        marks[last.key] = Span("✗", Role.BAD)
    return marks


def near_words(verdict: Verdict | None, netns: str, key: Hashable) -> str:
    """Why a rule did not let the packet through, where it nearly did; else nothing."""
    misses = (miss for cause in (verdict.told if verdict else ()) for miss in cause.near_misses)
    return next((miss.because for miss in misses if (miss.ref.netns, miss.ref.key) == (netns, key)), "")


def met_words(journeys: Iterable[Leg], netns: str, key: Hashable) -> list[str]:
    """What a rule did with each packet of the conversation that it matched."""
    return [
        f"{leg.title}: {step.verdict or 'matched'}"
        for leg in journeys
        for step in leg.trace.steps
        if step.ref is not None and (step.ref.netns, step.ref.key) == (netns, key)
    ]


def row_words(row: object) -> str:
    """All about a row, in one line."""
    if isinstance(row, RuleRow):
        counted = f" · {row.rule.packets} packets" if row.rule.packets is not None else ""
        return f"{row.backend} {row.name} · {row.rule.text}{counted}"
    if isinstance(row, StepRow):
        said = f" · {row.step.verdict}" if row.step.verdict else ""
        return f"{row.hop.netns} · {row.step.packet} · {row.step.text}{said}"
    return ""
