"""Blockers of rules that let a packet go on, but changed it so that it does not get far."""

from __future__ import annotations

from engine.explain.blocker import Blocker
from engine.explain.blockers.tracking import ways_past
from engine.explain.failure import Failure, rule_at
from engine.explain.owners import owner_of
from engine.model.firewall import SetTtl
from engine.model.trace import StepKind


def used_up(failure: Failure) -> list[Blocker]:
    """TTL_EXPIRED: a rule gave the packet a time to live that ends at the next router."""
    for step in reversed(failure.trace.steps):
        found = rule_at(failure.world, step.ref) if step.kind is StepKind.RULE and step.ref is not None else None
        if step.ref is None or found is None or not any(isinstance(s, SetTtl) for s in found[1].statements):
            continue
        rule = found[1]
        sentence = (
            f"rule {step.ref.name} in {step.ref.netns} changes the time to live of {step.packet}, which ends in "
            f"{failure.netns.id}: {rule.text}"
        )
        remedies = ways_past(step.packet, step.ref, rule, answer=failure.backwards)
        owner = owner_of(step.ref, failure.world.netns(step.ref.netns).firewall)
        return [Blocker("FW_RULE_DROP", sentence, step.ref, remedies, owner, (f"then: {failure.step.text}",))]
    return []
