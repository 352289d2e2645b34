"""A rule that takes a packet before the rule that was meant to translate it: in nat the first translation is the flow's
(nf_nat_core.c, nf_nat_setup_info).

What stands behind is found by walking the question without the rule, so that jumps, returns and other base chains are
those of the walk itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.change import applied
from engine.change.new_rules import Selector, insertion
from engine.change.rule import DeleteRule
from engine.explain.blocker import Remedy
from engine.explain.failure import Failure, place_of, rule_at
from engine.model.address import end_of
from engine.model.firewall import Match, Nat, NatKind, Rule, VerdictKind
from engine.model.ref import Ref
from engine.model.trace import Step, StepKind
from engine.path.exchange.conversation import conversations
from engine.path.world import World

#: A rule that is asked about is one of few: beyond so many rules the walk without it is not worth its time.
MOST_RULES = 2000


def translation_behind(failure: Failure, at: Ref, rule: Rule) -> tuple[Ref, Rule] | None:
    """The rule that would translate the packet in that namespace, were the rule at a place not there, and its place.
    Rules that share packets by chance do not stand before each other."""
    netns = failure.world.netns(at.netns)
    chains = [chain for table in netns.firewall.tables for chain in table.chains]
    others = sum(any(map(_translates, each.statements)) for chain in chains for each in chain.rules)
    if others < 2 or sum(len(chain.rules) for chain in chains) > MOST_RULES:
        return None
    without = failure.world.derive(applied(failure.world.snapshot, (DeleteRule(place_of(at), rule),)))
    found = next(_translating(without, failure, at), None)
    shared = {each.text for _ref, each in _translating(failure.world, failure, at)} - {rule.text}
    return found if found is not None and found[1].text not in shared else None


def _translating(world: World, failure: Failure, at: Ref) -> Iterator[tuple[Ref, Rule]]:
    """The rules that translate the question's packet in a namespace, in each of its runs."""
    for run in conversations(world, failure.question)[0]:
        for step in run.result.forward.steps:
            if step.kind is StepKind.RULE and step.verdict == "dnat" and step.ref and step.ref.netns == at.netns:
                found = rule_at(world, step.ref)
                if found is not None:
                    yield step.ref, found[1]


def exempted(failure: Failure, step: Step, rule: Rule, behind: Ref) -> Iterator[Remedy]:
    """A rule about more than one port, as a transparent proxy's is, stays for all others: the packet is handed back
    before it, or where that would end the hook's chain, sent to the chain that translates it."""
    fields = {field.name for each in rule.statements if isinstance(each, Match) for field in each.fields}
    if step.ref is None or any(name.endswith("dport") for name in fields):
        return
    packet, place = step.packet, place_of(step.ref)
    selector = Selector(packet.protocol, destination=packet.dst, dport=packet.dport)
    title = f"exempt {packet.protocol} to {end_of(packet.dst, packet.dport)} from {step.ref.words}"
    table = failure.world.netns(place.netns).firewall.table(place.backend, place.family, place.table)
    chain = table.chain(place.chain) if table is not None else None
    if chain is None:
        return
    if chain.base is None:
        yield Remedy(title, (insertion(place, selector, VerdictKind.RETURN),))
    elif behind.key[:3] == step.ref.key[:3] and behind.key[3] != place.chain:
        yield Remedy(title, (insertion(place, selector, VerdictKind.JUMP, str(behind.key[3])),))


def _translates(statement: object) -> bool:
    return isinstance(statement, Nat) and statement.kind in (NatKind.DNAT, NatKind.REDIRECT)
