"""A translation that holds for packets from outside alone: the host's own packets pass nat/OUTPUT, not PREROUTING."""

from __future__ import annotations

from collections.abc import Iterator

from engine.change.new_rules import Selector, translation
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.publishing.rules import iptables_place
from engine.explain.evidence.near_misses import targets
from engine.explain.evidence.owners import owner_of
from engine.explain.evidence.rule_effects import translates
from engine.explain.failure import FailedLeg, Failure, translation_of
from engine.model.address import IPAddress, end_of
from engine.model.firewall import Backend, Chain, Match, Nat, Rule, Table
from engine.model.where import RulePlace
from engine.path.fields.matches import Answer, matches
from engine.path.lookup.refs import rule_ref
from engine.path.lookup.view import View
from engine.records import replace

#: Fields that only a packet that came in has.
CAME_BY = frozenset({"meta iifname", "meta iif"})
#: So many jumps lead to the rule at most.
MOST_JUMPS = 4


def prerouting_only(failure: Failure) -> list[Blocker]:
    """NO_LISTENER at one's own address, which a rule of PREROUTING translates for everybody else."""
    own = len(failure.trace.hops) == 1 and not failure.question.source.outside
    if not own or failure.leg is not FailedLeg.FORWARD or failure.depth or translation_of(failure):
        return []
    for table, chain, rule in _would_translate(failure):
        target = next(each.value for each in rule.statements if isinstance(each, Nat))
        netns, packet = failure.netns, failure.packet
        ref = rule_ref(netns.id, table, chain, rule)
        asked = end_of(packet.dst, packet.dport)
        sentence = f"{ref.words} in {netns.id} translates {asked} for packets that arrive from outside only"
        why = f"{netns.id}'s own packets pass nat/OUTPUT, where no rule translates them"
        remedies = tuple(_in_output(failure, table, target.low, target.port_low or packet.dport))
        owner = owner_of(ref, netns.firewall)
        return [Blocker("NAT_PREROUTING_ONLY", f"{sentence}: {why}", ref, remedies, owner, (f"rule: {rule.text}",))]
    return []


def _would_translate(failure: Failure) -> Iterator[tuple[Table, Chain, Rule]]:
    """The rules that translate the packet once it comes in by a device that they accept."""
    netns, first = failure.netns, failure.trace.hops[0].steps[0]
    view = View(netns, failure.world.fib(netns), failure.packet, first.context, "prerouting")
    families = ("ip" if failure.packet.dst.version == 4 else "ip6", "inet")
    for table in netns.firewall.tables:
        for chain in table.chains if table.family in families else ():
            if chain.base is not None and (chain.base.kind, chain.base.hook) == ("nat", "prerouting"):
                yield from _within(table, chain, view, MOST_JUMPS)


def _within(table: Table, chain: Chain, view: View, jumps: int) -> Iterator[tuple[Table, Chain, Rule]]:
    for rule in chain.rules:
        asked = [each for each in rule.statements if isinstance(each, Match)]
        asked = [each for each in asked if each.fields[0].name not in CAME_BY]
        if all(matches(each, view, table) is Answer.YES for each in asked):
            if any(map(translates, rule.statements)):
                yield table, chain, rule
            elif jumps:
                for target in targets(table, rule):
                    yield from _within(table, target, view, jumps - 1)


def _in_output(failure: Failure, table: Table, target: IPAddress | None, port: int | None) -> Iterator[Remedy]:
    """The same translation for the host's own packets. A loopback address needs more than that."""
    packet, netns = failure.packet, failure.netns
    if target is None or packet.dst.is_loopback or packet.dport is None:
        return
    place = iptables_place(netns, packet.dst.version, "nat", "OUTPUT")
    if table.backend is Backend.NFT:
        chain = next((c for c in table.chains if c.base and (c.base.kind, c.base.hook) == ("nat", "output")), None)
        if chain is None:
            return
        place = RulePlace(netns.id, table.backend, table.family, table.name, chain.name, len(chain.rules))
    elif table.backend is not place.backend:
        place = replace(place, backend=table.backend)
    selector = Selector(packet.protocol, destination=packet.dst, dport=packet.dport)
    title = f"translate {end_of(packet.dst, packet.dport)} for {netns.id}'s own packets in nat/OUTPUT too"
    yield Remedy(title, (translation(place, selector, target, port),))
