"""Blockers of a rule that gives packets a source of its own choice: the answer goes to that address, and the host that
translated is not there to get it.

The rule may take the address of the device that the packet leaves by, which is what MASQUERADE does
(iptables-extensions(8)), or it may go, where another rule translates. An address that is routed to the host on purpose
is none of its own, and leads back all the same: only one that a failing answer is for is doubted, or one that is not
believed.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.new_rules import masqueraded
from engine.change.rule import DeleteRule
from engine.explain.blocker import Blocker, Remedy
from engine.explain.evidence.owners import owner_of
from engine.explain.failure import Failure, place_of, rule_at
from engine.model.address import IPAddress
from engine.model.firewall import Rule
from engine.model.ref import Ref
from engine.model.trace import StepKind


def wrong_source(failure: Failure) -> list[Blocker]:
    """An answer is for an address that a rule gave its question, and that the rule's namespace does not have; or the
    question itself is not believed for it."""
    wanted = failure.packet.dst if failure.backwards else failure.packet.src
    ref = _giver(failure, wanted)
    found = rule_at(failure.world, ref) if ref is not None else None
    if ref is None or found is None:
        return []
    rule, router = found[1], failure.world.netns(ref.netns)
    if wanted in router.addresses_by_value:
        return []
    owner = next((netns.id for netns in failure.around if wanted in netns.addresses_by_value), None)
    whose = f"which is {owner}'s" if owner else "which is on no interface in the snapshot"
    sentence = f"{ref.words} in {router.id} sets the source to {wanted}, {whose}: replies go there"
    evidence = (f"rule: {rule.text}", f"then: {failure.step.text}")
    remedies = tuple(_remedies(ref, rule))
    return [
        Blocker("NAT_SNAT_NO_WAY_BACK", sentence, ref, remedies, owner_of(ref, router.firewall), evidence),
    ]


def _giver(failure: Failure, source: IPAddress) -> Ref | None:
    """The rule that gave the question a source that it did not have before."""
    chosen: Ref | None = None
    for step in failure.conversation.forward.steps:
        if step.kind is StepKind.RULE and step.verdict.rpartition(", ")[2] == "snat":
            chosen = step.ref
        elif step.after is not None and step.after.src == source != step.packet.src:
            return chosen
    return None


def _remedies(ref: Ref, rule: Rule) -> Iterator[Remedy]:
    better = masqueraded(place_of(ref), rule)
    if better is not None:
        yield Remedy(f"use MASQUERADE in {ref.words} instead", (better,))
    yield Remedy(f"delete {ref.words}", (DeleteRule(place_of(ref), rule),))
