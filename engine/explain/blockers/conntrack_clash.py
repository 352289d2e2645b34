"""CONNTRACK_CLASH: a new flow is dropped, for its answers would be found to belong to one that is tracked already.

Where a rule gives the flow a port, other flows to the same service are given the same one: any other would do. Else the
flow that is in the way may be forgotten. One of the same conversation is there because rules look for its packets in
one zone, and for its answers in another.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.conntrack import DeleteFlow
from engine.explain.blocker import WIDE, Blocker, Remedy
from engine.explain.blockers.conntrack import ways_past
from engine.explain.evidence.owners import owner_of
from engine.explain.failure import Failure, place_of, rule_at
from engine.explain.fixes.source_port import any_port
from engine.model.firewall import SetZone
from engine.model.ref import Ref, RefKind
from engine.model.trace import Step, StepKind
from engine.model.traffic import ConntrackEntry
from engine.path.lookup.conntrack_snapshot import entry_ref


def clash(failure: Failure) -> list[Blocker]:
    """What is in the way: the port of a rule, a flow from before, or the zone of a rule."""
    at = failure.step.ref
    if at is None:
        return []
    entry = next((each for each in failure.netns.conntrack if entry_ref(at.netns, each).key == at.key), None)
    if at.kind is not RefKind.CONNTRACK or entry is None:
        return list(_apart(failure))
    step = next(_givers(failure), None)
    return [_one_port(failure, step, entry, at)] if step is not None else [_in_the_way(failure, entry, at)]


def _givers(failure: Failure) -> Iterator[Step]:
    """The rules that gave the packet a port, where it ended."""
    for step in failure.trace.hops[-1].steps:
        found = rule_at(failure.world, step.ref) if step.kind is StepKind.RULE and step.ref is not None else None
        if found is not None and step.ref is not None and any_port(place_of(step.ref), found[1]) is not None:
            yield step


def _one_port(failure: Failure, step: Step, entry: ConntrackEntry, known: Ref) -> Blocker:
    assert step.ref is not None
    found = rule_at(failure.world, step.ref)
    assert found is not None
    freed = any_port(place_of(step.ref), found[1])
    assert freed is not None
    name, packet = step.ref.words, failure.packet
    sentence = (
        f"{name} in {failure.netns.id} sets source port {packet.sport} for flows to {packet.dst}; "
        f"a tracked flow has that port already: {known.text}"
    )
    forgotten = DeleteFlow(failure.netns.id, entry)
    remedies = (
        Remedy(f"let {name} use any free port", (freed,)),
        Remedy(f"delete conntrack entry {known.name} in {failure.netns.id}", (forgotten,), cost=WIDE),
    )
    owner = owner_of(step.ref, failure.netns.firewall)
    return Blocker("CT_CLASH", sentence, step.ref, remedies, owner, (f"rule: {found[1].text}", failure.step.text))


def _in_the_way(failure: Failure, entry: ConntrackEntry, at: Ref) -> Blocker:
    here = failure.netns.id
    sentence = f"conntrack clash in {here}: the new flow's reply tuple belongs to an existing entry: {at.text}"
    forget = Remedy(f"delete conntrack entry {at.words} in {here}", (DeleteFlow(here, entry),))
    return Blocker("CT_CLASH", sentence, at, (forget,), "kernel", (failure.step.text,))


def _apart(failure: Failure) -> Iterator[Blocker]:
    """Rules that have the conversation's packets be of several zones."""
    for step in (*failure.conversation.forward.steps, *failure.trace.steps):
        found = rule_at(failure.world, step.ref) if step.kind is StepKind.RULE and step.ref is not None else None
        if found is None or step.ref is None or not any(isinstance(s, SetZone) for s in found[1].statements):
            continue
        sentence = (
            f"{step.ref.words} in {step.ref.netns} sets a conntrack zone for {step.packet} in one direction only: "
            "the reply is tracked as a new flow in another zone, and clashes with the first"
        )
        remedies = ways_past(step.packet, step.ref, found[1], answer=step in failure.trace.steps)
        owner = owner_of(step.ref, failure.world.netns(step.ref.netns).firewall)
        yield Blocker("CT_CLASH", sentence, step.ref, remedies, owner, (failure.step.text,))
