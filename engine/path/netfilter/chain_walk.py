"""One base chain: rules in order, jumps and returns, until a verdict or the policy.

Source: net/netfilter/nf_tables_core.c (nft_do_chain), net/ipv4/netfilter/ip_tables.c (ipt_do_table). An
explicit stack of callers stands for jumps, so chains of any depth are a loop. Each rule is paid for (`budget`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

from engine.model.firewall import (
    Backend,
    Chain,
    MapElement,
    Match,
    Nat,
    NatValue,
    Note,
    NoTrack,
    Opaque,
    Queue,
    Reject,
    Rule,
    RuleVerdict,
    SetLabel,
    SetMark,
    SetMss,
    SetTos,
    SetTtl,
    SetZone,
    Statement,
    StripOptions,
    SynProxy,
    Table,
    Tproxy,
    VerdictKind,
    VerdictMap,
)
from engine.model.packet import Protocol
from engine.model.trace import Assumption, StepKind
from engine.path.budget import LOOK, STEP
from engine.path.fields.header import offers
from engine.path.fields.matches import TOTAL, Answer, look_up, matches, possible
from engine.path.journey import CannotTell, Journey
from engine.path.lookup.flow import tuple_of
from engine.path.lookup.hook_chains import Hooked
from engine.path.lookup.refs import RulePosition, chain_ref
from engine.path.lookup.view import View
from engine.path.netfilter import synproxy
from engine.path.netfilter.conntrack import before_tracking
from engine.path.netfilter.header_writes import written
from engine.path.netfilter.nat_mapping import concerns, settled
from engine.path.netfilter.nfqueue import queued
from engine.path.netfilter.tproxy import hand_over, socket_for
from engine.records import dataclass

#: What a rule, or a whole base chain, does with a packet. None: nothing that ends anything.
Effect = RuleVerdict | Reject | Nat | SynProxy | None

ACCEPT = RuleVerdict(VerdictKind.ACCEPT)
DROP = RuleVerdict(VerdictKind.DROP)

#: Levels of jumps that nf_tables takes (NFT_JUMP_STACK_SIZE, nft_chain_validate); legacy iptables takes any number.
MOST_LEVELS = 15
TOO_DEEP = "jumps nest deeper than 16 levels, which no kernel accepts"
TOO_MANY = "too many rules to follow; the simulation stopped at this one"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a base chain ended: the effect, and whether the policy (not a rule) had it."""

    effect: RuleVerdict | Reject | Nat | SynProxy
    by_policy: bool
    table: Table


def view_of(journey: Journey, hook: str) -> View:
    """What rules at a hook see of the packet now: the last view again, as long as nothing has changed."""
    netns, last = journey.netns, journey.view
    if (
        last is None
        or last.packet is not journey.packet
        or last.context is not journey.context
        or last.netns is not netns
        or last.hook != hook
    ):
        world, told = journey.world, journey.setting.told
        now = world.now
        given = (world.lookups, told, now, journey.setting.sockets)
        last = View(netns, world.fib(netns), journey.packet, journey.context, hook, *given)
        journey.view = last
    return last


def run_base_chain(journey: Journey, hooked: Hooked, hook: str) -> Ending:
    """Takes the packet through a base chain and all that it jumps to."""
    table, chain = hooked.table, hooked.chain
    todo, budget = _rules(journey, chain, hook), journey.world.budget
    callers: list[tuple[Chain, Iterator[Rule]]] = []
    while True:
        rule = next(todo, None)
        if rule is None:
            if not callers:
                return _policy(journey, hooked, hook)
            chain, todo = callers.pop()
            continue
        place = RulePosition(table, chain, rule, hook)
        if not budget.spend(LOOK):
            _stop(journey, place, TOO_MANY)
        effect = run_rule(journey, place)
        if effect is None:
            continue
        if not isinstance(effect, RuleVerdict) or effect.kind in (VerdictKind.ACCEPT, VerdictKind.DROP):
            return Ending(effect, False, table)
        if effect.kind is VerdictKind.RETURN:
            todo = iter(())
        elif effect.chain is not None:
            target = table.chain(effect.chain)
            if target is None:
                continue
            if effect.kind is VerdictKind.JUMP:
                if len(callers) >= MOST_LEVELS and table.backend is not Backend.XT_LEGACY:
                    _stop(journey, place, TOO_DEEP)
                callers.append((chain, todo))
            chain, todo = target, _rules(journey, target, hook)


def _stop(journey: Journey, place: RulePosition, why: str) -> NoReturn:
    """Ends the walk at a rule. Raises CannotTell."""
    journey.step(StepKind.NOTE, why, place.ref(journey.netns.id), hook=place.hook)
    raise CannotTell


def _rules(journey: Journey, chain: Chain, hook: str) -> Iterator[Rule]:
    """The rules of a chain that can hold for the packet."""
    return iter(journey.world.chains.rules(chain, view_of(journey, hook)))


def run_rule(journey: Journey, place: RulePosition) -> Effect:
    """Runs one rule's statements; records a step if the packet got through its conditions.

    One condition that does not hold is enough to leave the rule, whatever those before it that can't be known say.
    """
    effect: Effect = None
    said: list[str] = []
    unknown: list[str] = []
    rule = place.rule
    for statement in rule.statements:
        if isinstance(statement, Match):
            answer = matches(statement, view_of(journey, place.hook), place.table)
            if answer is Answer.NO:
                return None
            if answer is Answer.UNKNOWN:
                unknown.append(statement.text)
            continue
        if isinstance(statement, Note):
            continue
        if unknown and not _holds(journey, place, unknown):
            return None
        unknown = []
        found = _looked_up(journey, place, statement)
        if found is Answer.NO:
            return None
        words, effect = _perform(journey, place, statement, found)
        said += [words] if words else []
        if effect is not None:
            break
    if unknown:  # nothing but counting and writing comes after them
        return None
    journey.world.budget.spend(STEP)
    ref = place.ref(journey.netns.id)
    verdict = ", ".join(said) or "continue"
    journey.step(StepKind.RULE, rule.text, ref, hook=place.hook, verdict=verdict, handle=rule.handle)
    return effect


def _looked_up(journey: Journey, place: RulePosition, statement: Statement) -> MapElement | Answer:
    """What the map of a statement has for the packet. Without an entry the rule does not hold (nft_lookup_eval), nor
    does nftables' tproxy without a socket, its `mark set ct mark` without a connection (nft_ct_get_eval), or a SYNPROXY
    for what is not TCP, or its reset of an option that is not there."""
    if isinstance(statement, StripOptions) and statement.strict:
        return Answer.of(any(offers(journey.packet, name) for name in statement.names))
    if isinstance(statement, SynProxy):
        return Answer.of(journey.packet.protocol is Protocol.TCP)
    if isinstance(statement, Tproxy) and not statement.strict:
        return Answer.of(socket_for(journey, statement) is not None)
    if isinstance(statement, SetLabel):
        return Answer.of(journey.skb.track is not None or not statement.strict)
    if isinstance(statement, SetMark) and statement.source == "ct mark" and journey.skb.track is None:
        return Answer.of(place.table.backend is not Backend.NFT)
    if not isinstance(statement, Nat | VerdictMap | SetMark) or not statement.fields:
        return Answer.UNKNOWN
    view = view_of(journey, place.hook)
    found = look_up(statement.fields, statement.elements, statement.lookup, view, place.table)
    return _any_entry(journey, place, statement) if found is Answer.UNKNOWN else found


def _any_entry(journey: Journey, place: RulePosition, statement: Nat | VerdictMap | SetMark) -> MapElement | Answer:
    """Every entry that a key which can't be known may have, each value once; a random number always has one, and a hash
    has the same one for all packets of a flow's direction."""
    view = view_of(journey, place.hook)
    entries = possible(statement.fields, statement.elements, statement.lookup, view, place.table)
    if entries is None:
        return Answer.UNKNOWN
    options: list[MapElement | Answer] = list({entry.value: entry for entry in entries}.values())
    if not all(field.name in TOTAL for field in statement.fields):
        options.append(Answer.NO)
    if not options:
        return Answer.NO
    sentence = f"the snapshot cannot tell which map entry “{place.rule.text}” selects"
    about = Assumption("ASSUME_UNKNOWN_ENTRY", sentence, place.ref(journey.netns.id))
    if all(field.name == "nft hash" for field in statement.fields):
        return options[journey.pick_once((about.ref, tuple_of(journey.packet)), len(options), about)]
    return options[journey.pick(len(options), about)]


def _perform(
    journey: Journey, place: RulePosition, statement: Statement, found: MapElement | Answer
) -> tuple[str, Effect]:
    """Runs one statement: what it said, in words, and its effect. `found` is what its map has for the packet."""
    if isinstance(statement, RuleVerdict):
        return str(statement), None if statement.kind is VerdictKind.CONTINUE else statement
    if isinstance(statement, Reject):
        return f"reject {statement.kind}", statement
    if isinstance(statement, Nat):
        return _nat(journey, place, statement, found)
    if isinstance(statement, VerdictMap):
        return _verdict_map(journey, place, statement, found)
    if isinstance(statement, SetMark):
        return _set_mark(journey, place, statement, found)
    if isinstance(statement, SetTtl | SetMss | SetTos | SetLabel | StripOptions):
        return written(journey, statement), None
    if isinstance(statement, NoTrack | SetZone):
        return before_tracking(journey, statement, place.table.backend), None
    if isinstance(statement, Tproxy):
        words, taken = hand_over(journey, statement)
        return words, (ACCEPT if taken else DROP) if statement.strict else None
    if isinstance(statement, SynProxy):
        return synproxy.meet(journey, statement)
    if isinstance(statement, Queue):
        return queued(journey, place, statement)
    if isinstance(statement, Opaque):
        return _opaque(journey, place, statement)
    return "", None


def _nat(journey: Journey, place: RulePosition, statement: Nat, found: MapElement | Answer) -> tuple[str, Effect]:
    nat = statement
    if statement.fields:
        if not isinstance(found, MapElement) or not isinstance(found.value, NatValue):
            return _opaque(journey, place, Opaque(f"{statement.kind} by a map"))
        nat = Nat(statement.kind, found.value, flags=statement.flags)
    if not concerns(journey, nat):
        return "", None
    mapped = settled(journey, nat, place.hook)
    return (str(nat.kind), mapped) if mapped is not None else (f"{nat.kind}: no address, drop", DROP)


def _verdict_map(
    journey: Journey, place: RulePosition, statement: VerdictMap, found: MapElement | Answer
) -> tuple[str, Effect]:
    if isinstance(found, Answer):
        return _opaque(journey, place, Opaque(statement.text))
    if not isinstance(found.value, RuleVerdict):
        return "", None
    return str(found.value), None if found.value.kind is VerdictKind.CONTINUE else found.value


def _set_mark(
    journey: Journey, place: RulePosition, statement: SetMark, found: MapElement | Answer
) -> tuple[str, Effect]:
    context = journey.context
    sources = {"value": statement.value, "mark": context.mark, "ct mark": context.ct_mark}
    if statement.fields:
        if not isinstance(found, MapElement) or not isinstance(found.value, int):
            return _opaque(journey, place, Opaque(f"{statement.target} set by a map"))
        sources["value"] = found.value
    old = context.mark if statement.target == "mark" else context.ct_mark
    new = (old & statement.keep) ^ (sources[statement.source] & statement.mask)
    if statement.target == "mark":
        journey.see(mark=new)
    else:
        journey.see(ct_mark=new)
        if journey.skb.track is not None:
            journey.skb.track.mark = new
    return f"{statement.target} set {new:#x}", None


def _opaque(journey: Journey, place: RulePosition, statement: Opaque) -> tuple[str, Effect]:
    """Every way on, for a statement whose effect is not modelled."""
    outcomes: tuple[tuple[str, Effect], ...] = (("continue", None), ("accept", ACCEPT), ("drop", DROP))
    sentence = f"“{statement.text}” is not modelled"
    about = Assumption("ASSUME_UNKNOWN_TARGET", sentence, place.ref(journey.netns.id))
    name, effect = outcomes[journey.pick(len(outcomes), about)]
    return f"{statement.text}: {name}?", effect


def _holds(journey: Journey, place: RulePosition, unknown: Sequence[str]) -> bool:
    """Both ways, for conditions that can't be known, before the rule does something."""
    words = " and ".join(f"“{text}”" for text in unknown)
    sentence = f"the snapshot cannot tell whether {words} matches"
    about = Assumption("ASSUME_UNKNOWN_MATCH", sentence, place.ref(journey.netns.id))
    return journey.pick(2, about) == 0


def _policy(journey: Journey, hooked: Hooked, hook: str) -> Ending:
    policy = hooked.base.policy
    if hooked.chain.rules or policy is not VerdictKind.ACCEPT:
        ref = chain_ref(journey.netns.id, hooked.table, hooked.chain)
        text = f"policy {policy} of {hooked.table.name}/{hooked.chain.name}"
        journey.step(StepKind.POLICY, text, ref, hook=hook, verdict=str(policy))
    return Ending(RuleVerdict(policy), True, hooked.table)
