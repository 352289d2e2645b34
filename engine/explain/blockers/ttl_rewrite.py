"""Blockers of rules that let a packet go on, but changed it so that it does not get far."""

from __future__ import annotations

from engine.explain.blocker import Blocker
from engine.explain.blockers.conntrack import ways_past
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import translates
from engine.explain.failure import Failure, rule_at
from engine.model.firewall import SetTtl, Tproxy
from engine.model.trace import StepKind


def used_up(failure: Failure) -> list[Blocker]:
    """TTL_EXPIRED: a rule gave the packet a time to live that ends at the next router."""
    for step in reversed(failure.trace.steps):
        found = rule_at(failure.world, step.ref) if step.kind is StepKind.RULE and step.ref is not None else None
        if step.ref is None or found is None or not any(isinstance(s, SetTtl) for s in found[1].statements):
            continue
        rule = found[1]
        sentence = (
            f"{step.ref.words} in {step.ref.netns} changes the TTL of {step.packet}, which expires in "
            f"{failure.netns.id}: {rule.text}"
        )
        remedies = ways_past(step.packet, step.ref, rule, answer=failure.from_service)
        owner = owner_of(step.ref, failure.world.netns(step.ref.netns).firewall)
        return [Blocker("FW_RULE_DROP", sentence, step.ref, remedies, owner, (f"then: {failure.step.text}",))]
    return []


def behind_a_proxy(failure: Failure) -> list[Blocker]:
    """REPLY_MISMATCH: a rule translates what a transparent proxy's rule before it takes, so that the connection has
    another destination than its later packets have where the proxy's rule looks for it (nft_tproxy_eval_v4)."""
    taken, found = "", []
    for step in failure.conversation.forward.hops[-1].steps:
        rule = rule_at(failure.world, step.ref) if step.kind is StepKind.RULE and step.ref is not None else None
        if rule is None or step.ref is None:
            continue
        if any(isinstance(statement, Tproxy) for statement in rule[1].statements):
            taken = step.ref.words
        elif taken and any(translates(statement) for statement in rule[1].statements):
            sentence = (
                f"{step.ref.words} in {step.ref.netns} translates a flow that {taken} gives to a proxy; the "
                f"connection's later packets reach {taken} untranslated and are reset: {rule[1].text}"
            )
            remedies = ways_past(step.packet, step.ref, rule[1], answer=False)
            owner = owner_of(step.ref, failure.world.netns(step.ref.netns).firewall)
            found.append(Blocker("HOST_TPROXY_TRANSLATED", sentence, step.ref, remedies, owner))
    return found
