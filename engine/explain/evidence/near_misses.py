"""Near misses: rules that would have let the packet through but for one or two conditions.

A packet that fell to a policy or a drop, or that no rule translated, passed rules that were meant for it. Each such
rule is asked again, condition by condition, with those of the jumps that lead to it, on the packet as it was at that
hook. A rule with no condition against it that was never asked is told, too, with the rule that sent the packet away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from itertools import count

from engine.explain.evidence.as_text import asked, has, keys, label
from engine.explain.evidence.rule_effects import Wanted
from engine.model.firewall import (
    Chain,
    MapElement,
    Match,
    Nat,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
    VerdictMap,
)
from engine.model.ref import Ref
from engine.model.trace import Step, StepKind
from engine.model.verdict import NearMiss
from engine.path.budget import LOOK
from engine.path.fields.matches import Answer, look_up, matches
from engine.path.lookup.hook_chains import FIXED, Hooked
from engine.path.lookup.refs import rule_ref
from engine.path.lookup.view import View
from engine.path.world import World
from engine.records import dataclass, replace

#: How many failed conditions still count as near, and how many near misses are worth reading.
MOST_FAILED = 2
MOST_SHOWN = 5

#: Fields that tell one service from another.
ENDS = ("saddr", "daddr", "dport", "sport", "proto-dst")
#: What orders near misses, the nearest first.
Rank = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Passed:
    """A packet at a hook of a namespace: the step that it is told by, and all steps of its way."""

    world: World
    netns: str
    step: Step
    steps: tuple[Step, ...]

    @property
    def view(self) -> View:
        """What a rule sees there."""
        netns = self.world.netns(self.netns)
        return View(netns, self.world.fib(netns), self.step.packet, self.step.context, self.step.hook)

    @property
    def original(self) -> View | None:
        """What a rule would have seen before the packet was translated on its way; None where it was not."""
        translated = (step.packet for step in self.steps if step.kind is StepKind.NAT and step.after is not None)
        packet = next(translated, None)
        return replace(self.view, packet=packet) if packet is not None else None


@dataclass(frozen=True, slots=True)
class Failed:
    """What stands against a rule: a condition, a map without the packet's key (or without one that leads to the chain
    `target`), or, where `statement` is None, a rule before it that sent the packet away."""

    table: Table
    chain: Chain
    rule: Rule
    statement: Match | VerdictMap | Nat | None
    target: str = ""
    sender: str = ""

    def asks_for(self, ending: str) -> bool:
        """Whether a field whose name ends so is asked for."""
        return self.statement is not None and any(field.name.endswith(ending) for field in self.statement.fields)

    def held_for(self, original: View | None) -> bool:
        """Whether the condition held before the packet was translated."""
        if original is None or not isinstance(self.statement, Match):
            return False
        return matches(self.statement, original, self.table) is Answer.YES

    def words(self, passed: Passed) -> str:
        """“dport: the rule asks 81, the packet has 80”, and what it had before its translation, where that would do."""
        statement, view = self.statement, passed.view
        if statement is None:
            return f"not evaluated: {self.sender}"
        fields = statement.fields
        if isinstance(statement, Match):
            wanted = f"the rule matches {asked(statement, view, self.table)}"
        else:
            entries = [each for each in _entries(self.table, statement) if not self.target or _leads(each, self.target)]
            wanted = f"{f'@{statement.lookup}' if statement.lookup else 'the map'} has {keys(fields, entries)}"
        original = passed.original
        before = ""
        if original is not None and self.held_for(original):
            before = f" ({has(fields, original)} before translation)"
        return f"{label(fields)}: {wanted}, the packet has {has(fields, view)}{before}"


def near_misses(passed: Passed, want: Wanted, drop: Ref | None = None) -> tuple[NearMiss, ...]:
    """Rules at the step's hook with a wanted statement; those that are asked before the rule `drop`, where it is given.

    In the chain of the drop a rule that would have returned counts, too. None for a step that is not at a hook.
    """
    view, original, order, limits = passed.view, passed.original, count(), _limits(passed, drop)
    found: list[tuple[Rank, tuple[Failed, ...]]] = []
    for hooked in _hooked(passed, drop) if passed.step.hook in FIXED else ():
        if not _affordable(passed, hooked):
            continue
        for chain, rule, leading in _reachable(hooked, view, limits):
            returns = drop is not None and chain.name == drop.key[3] and any(map(_returns, rule.statements))
            if not returns and not _gives(rule, hooked.table, want):
                continue
            failed = (*leading, *_failed(rule, hooked.table, chain, view))
            failed = failed or tuple(_sent_away(passed, hooked.table, chain, rule))
            if 1 <= len(failed) <= MOST_FAILED:
                found.append((_rank(rule, failed, next(order), original), failed))
        found += [((MOST_FAILED + 1, 0, 0, next(order)), late) for late in _too_late(hooked, view, want, drop, limits)]
    found.sort(key=lambda each: each[0])
    misses = (_miss(passed, failed) for _, failed in found[: 2 * MOST_SHOWN])
    return tuple(dict.fromkeys(misses))[:MOST_SHOWN]


def _rank(rule: Rule, failed: tuple[Failed, ...], order: int, original: View | None) -> Rank:
    """The fewest failed conditions first; then rules that name the packet's address or port, or had it before its
    translation; then those that are for new packets at all, then those that ask for no other port."""
    broken = {id(each.statement) for each in failed}
    kept = (each for each in rule.statements if isinstance(each, Match) and id(each) not in broken and not each.negate)
    named = sum(any(field.name.endswith(ENDS) for field in each.fields) for each in kept)
    named += 2 * sum(each.held_for(original) for each in failed)
    other = sum(each.asks_for("ct state") for each in failed), sum(each.asks_for("dport") for each in failed)
    return len(failed), -named, 2 * other[0] + other[1], order


def _too_late(
    hooked: Hooked, view: View, want: Wanted, drop: Ref | None, limits: Mapping[str, int]
) -> Iterator[tuple[Failed, ...]]:
    """The first rule with nothing against it that stands behind the drop."""
    if drop is None:
        return
    asked_before = {(chain.name, rule.index) for chain, rule, _ in _reachable(hooked, view, limits)}
    for chain, rule, leading in _reachable(hooked, view, {}):
        behind = (chain.name, rule.index) not in asked_before and _gives(rule, hooked.table, want)
        if behind and not leading and not any(_failed(rule, hooked.table, chain, view)):
            yield (Failed(hooked.table, chain, rule, None, sender=f"{drop.name} comes before it"),)
            return


def _miss(passed: Passed, failed: tuple[Failed, ...]) -> NearMiss:
    """Told by the last rule that something stands against: it may be a jump that did not lead to the wanted one."""
    last = failed[-1]
    ref = rule_ref(passed.netns, last.table, last.chain, last.rule)
    return NearMiss(ref, last.rule.text, "; ".join(each.words(passed) for each in failed))


def _hooked(passed: Passed, drop: Ref | None) -> Iterator[Hooked]:
    """The base chains that count: for a drop or a policy those of its own table, since no other can overrule it."""
    dropped = passed.step.kind is StepKind.POLICY and passed.step.verdict == str(VerdictKind.DROP)
    at = passed.step.ref if drop is None and dropped else drop
    bridged = at is not None and at.key[1] == "bridge"
    family = "bridge" if bridged else "ip" if passed.step.packet.dst.version == 4 else "ip6"
    for station in passed.world.stations(passed.world.netns(passed.netns)).at(passed.step.hook, family):
        for hooked in station.chains:
            table = hooked.table
            if at is None or at.key[:3] == (str(table.backend), table.family, table.name):
                yield hooked


def _affordable(passed: Passed, hooked: Hooked) -> bool:
    """Whether the answer can afford to look at every rule of a table; it can do without near misses."""
    return passed.world.budget.affords(LOOK * sum(len(chain.rules) for chain in hooked.table.chains))


def _limits(passed: Passed, drop: Ref | None) -> Mapping[str, int]:
    """Up to which rule chains were asked when the drop came: its own chain, and those that led to it."""
    if drop is None:
        return {}
    limits, chain = {str(drop.key[3]): int(drop.key[4])}, str(drop.key[3])
    for step in reversed(passed.steps):
        ref = step.ref
        leads = step.hook == passed.step.hook and step.verdict.endswith((f"jump {chain}", f"goto {chain}"))
        if leads and ref is not None and (ref.netns, ref.key[:3]) == (drop.netns, drop.key[:3]):
            chain = str(ref.key[3])
            limits.setdefault(chain, int(ref.key[4]) + 1)
    return limits


def _reachable(
    hooked: Hooked, view: View, limits: Mapping[str, int]
) -> Iterator[tuple[Chain, Rule, tuple[Failed, ...]]]:
    """Every rule that the base chain can lead to, with what stands against the nearest way to its chain."""
    table, order, seen = hooked.table, count(), set[str]()
    queue: list[tuple[int, int, Chain, tuple[Failed, ...]]] = [(0, next(order), hooked.chain, ())]
    while queue:
        _, _, chain, leading = heappop(queue)
        if chain.name in seen:
            continue
        seen.add(chain.name)
        for rule in chain.rules[: limits.get(chain.name)]:
            yield chain, rule, leading
            for target, by_map in _leads_to(table, rule):
                if target.name in seen:
                    continue
                on_way = (*leading, *_failed(rule, table, chain, view, target.name if by_map else ""))
                if len(on_way) <= MOST_FAILED:
                    heappush(queue, (len(on_way), next(order), target, on_way))


def targets(table: Table, rule: Rule) -> Iterator[Chain]:
    """The chains that a rule leads to, by itself or by a map."""
    return (chain for chain, _ in _leads_to(table, rule))


def _leads_to(table: Table, rule: Rule) -> Iterator[tuple[Chain, bool]]:
    """The chains that a rule leads to, and whether it does so by a map."""
    for statement in rule.statements:
        verdicts: list[object] = [statement]
        if isinstance(statement, VerdictMap):
            verdicts = [entry.value for entry in _entries(table, statement)]
        for verdict in verdicts:
            target = table.chain(verdict.chain) if isinstance(verdict, RuleVerdict) and verdict.chain else None
            if target is not None:
                yield target, isinstance(statement, VerdictMap)


def _entries(table: Table, statement: VerdictMap | Nat) -> tuple[MapElement, ...]:
    named = table.sets_by_name.get(statement.lookup or "")
    return statement.elements if named is None else named.entries


def _failed(rule: Rule, table: Table, chain: Chain, view: View, target: str = "") -> Iterator[Failed]:
    """What stands against a rule; against its leading to the chain `target`, where a map of it has to."""
    for statement in rule.statements:
        if isinstance(statement, Match):
            if matches(statement, view, table) is Answer.NO:
                yield Failed(table, chain, rule, statement)
        elif isinstance(statement, VerdictMap | Nat) and statement.fields:
            entries = _entries(table, statement)
            entry = look_up(statement.fields, entries, statement.lookup, view, table)
            if entry is Answer.NO or (isinstance(entry, MapElement) and target and not _leads(entry, target)):
                yield Failed(table, chain, rule, statement, target)


def _gives(rule: Rule, table: Table, want: Wanted) -> bool:
    """Whether a statement of the rule, or an entry of a map of it, is what is wanted."""
    maps = (each for each in rule.statements if isinstance(each, VerdictMap))
    verdicts = (entry.value for each in maps for entry in _entries(table, each))
    return any(map(want, rule.statements)) or any(isinstance(each, RuleVerdict) and want(each) for each in verdicts)


def _leads(entry: MapElement, target: str) -> bool:
    return isinstance(entry.value, RuleVerdict) and entry.value.chain == target


def _sent_away(passed: Passed, table: Table, chain: Chain, rule: Rule) -> Iterator[Failed]:
    """The rule that kept one without failing conditions from being asked: it returned, or went elsewhere, before."""
    for step, ref in _senders(passed, table):
        own = ref.key[3] == chain.name and int(ref.key[4]) < rule.index
        if own or (step.verdict.endswith("accept") and ref.key[3] != chain.name):
            yield Failed(table, chain, rule, None, sender=f"{ref.words} comes before it ({ref.text})")
            return


def _senders(passed: Passed, table: Table) -> Iterator[tuple[Step, Ref]]:
    """The rules of a table that sent the packet on at the hook: by accepting it, returning, or going elsewhere."""
    where = (passed.netns, passed.step.hook)
    for step in passed.steps:
        ref = step.ref
        if step.kind is not StepKind.RULE or ref is None or (ref.netns, step.hook) != where:
            continue
        word = step.verdict.rpartition(", ")[2].partition(" ")[0]
        if word in ("accept", "return", "goto") and ref.key[:3] == (str(table.backend), table.family, table.name):
            yield step, ref


def kept_from(passed: Passed, want: Wanted) -> Ref | None:
    """The rule without which one with a wanted statement, and nothing against it, would have been asked."""
    view = passed.view
    for hooked in _hooked(passed, None) if passed.step.hook in FIXED else ():
        if not _affordable(passed, hooked):
            continue
        for chain, rule, leading in _reachable(hooked, view, {}):
            if not leading and _gives(rule, hooked.table, want) and not any(_failed(rule, hooked.table, chain, view)):
                return next((ref for _, ref in _senders(passed, hooked.table)), None)
    return None


def _returns(statement: Statement) -> bool:
    return isinstance(statement, RuleVerdict) and statement.kind is VerdictKind.RETURN
