"""Hooks run on a packet that does not come by, or without rules that are there: what would they have done? Pure.

A trial uses the walk's own interpreter of rules. It starts with the packet and context that it is given and ends at
the first base chain that denies; translation and tracking are not part of it. A trial in which something is
undecided has neither denied nor let anything go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.explain.evidence.rule_scope import Conditions
from engine.explain.failure import rule_at
from engine.model.firewall import (
    BaseChain,
    Chain,
    Match,
    RuleVerdict,
    Statement,
    SynProxy,
    Table,
    VerdictKind,
    VerdictMap,
)
from engine.model.host import Snapshot
from engine.model.owner import owner_of_chain
from engine.model.packet import Packet
from engine.model.ref import Ref
from engine.model.trace import Context, Outcome, Step, StepKind
from engine.path.choices import Choices
from engine.path.journey import Journey, Setting
from engine.path.lookup.flow import Tracks
from engine.path.lookup.hook_chains import Hooked, StationKind
from engine.path.netfilter.chain_walk import Ending, run_base_chain
from engine.path.world import World
from engine.records import dataclass, replace

#: Owners that write rules for what they publish and connect; nobody aims them at a client.
ENGINES = frozenset({"docker", "podman", "libvirt", "kube-proxy", "cni", "incus", "lxc", "lxd", "portscope"})


@dataclass(frozen=True, slots=True)
class Trial:
    """What a hook would do: the rule that denies, or the rules that let the packet go, with all conditions met
    on the way to it. `conditions` are those of the denying rule."""

    denied: Ref | None = None
    conditions: Conditions = ()
    let_go: tuple[tuple[Ref, Conditions], ...] = ()


def try_hook(world: World, netns: str, hook: str, packet: Packet, context: Context) -> Trial:
    """Takes a packet through the filter chains of a hook; only rules deny."""
    return _try(world, _journey(world, netns, packet, context), _hooked(world, netns, hook, packet), hook)


def try_whole_hook(world: World, netns: str, hook: str, packet: Packet, context: Context) -> Trial:
    """As `try_hook`; a policy denies, too."""
    return _try(
        world, _journey(world, netns, packet, context), _hooked(world, netns, hook, packet), hook, policies=True
    )


def _hooked(world: World, netns: str, hook: str, packet: Packet) -> list[Hooked]:
    family = "ip" if packet.dst.version == 4 else "ip6"
    stations = world.stations(world.netns(netns)).at(hook, family)
    return [station.chains[0] for station in stations if station.kind is StationKind.CHAIN]


def _journey(world: World, netns: str, packet: Packet, context: Context) -> Journey:
    journey = Journey(Setting(world, Tracks(), Choices()), netns, packet)
    journey.context = context
    return journey


def _try(world: World, journey: Journey, hooked: Iterable[Hooked], hook: str, policies: bool = False) -> Trial:
    ending: Ending | None = None
    for each in hooked:
        ending = run_base_chain(journey, each, hook)
        if _denies(ending, policies):
            break
        ending = None
    if journey.choices.made:
        return Trial()
    steps = journey.end(Outcome.DELIVERED).steps
    if ending is not None and steps[-1].ref is not None:
        return Trial(steps[-1].ref, _conditions(world, steps, len(steps) - 1))
    passing = (n for n, s in enumerate(steps) if s.kind is StepKind.RULE and _word(s) in ("accept", "return"))
    return Trial(let_go=tuple((ref, _conditions(world, steps, n)) for n in passing if (ref := steps[n].ref)))


def _denies(ending: Ending, policies: bool) -> bool:
    """Whether a rule denies, which one that answers for the server does not. Without the engines' rules the policy of
    a hook that they fill denies what it does not on the host."""
    effect = ending.effect
    return not ((ending.by_policy and not policies) or isinstance(effect, SynProxy)) and (
        not isinstance(effect, RuleVerdict) or effect.kind is VerdictKind.DROP
    )


def _word(step: Step) -> str:
    """The verdict of a rule, without what it did before."""
    return step.verdict.rpartition(", ")[2]


def _conditions(world: World, steps: Sequence[Step], at: int) -> Conditions:
    """The conditions of a rule and of the jumps that led to its chain."""
    found: list[Match] = []
    number: int | None = at
    while number is not None:
        ref = steps[number].ref
        rule = rule_at(world, ref) if ref is not None else None
        if ref is None or rule is None:
            break
        for statement in rule[1].statements:
            if isinstance(statement, Match):
                found.append(statement)
            elif isinstance(statement, VerdictMap):
                found.append(Match(statement.fields, text=statement.text))
        number = _caller(steps, number, ref)
    return tuple(found)


def _caller(steps: Sequence[Step], at: int, ref: Ref) -> int | None:
    targets = (f"jump {ref.key[3]}", f"goto {ref.key[3]}")
    for number in range(at - 1, -1, -1):
        other = steps[number].ref
        if other is not None and other.key[:3] == ref.key[:3] and _word(steps[number]) in targets:
            return number
    return None


def without_engines(snapshot: Snapshot, netns_id: str) -> Snapshot:
    """The snapshot with the filter chains of container engines empty in one namespace."""

    def emptied(table: Table) -> Table:
        chains = tuple(
            replace(chain, rules=()) if owner_of_chain(table.name, chain.name, table.comment) in ENGINES else chain
            for chain in table.chains
        )
        return replace(table, chains=chains)

    return _with_tables(snapshot, netns_id, emptied)


def blanked(snapshot: Snapshot, netns_id: str, refs: Iterable[Ref]) -> Snapshot:
    """The snapshot with rules that ask and do nothing; every other rule keeps its place."""
    gone = {ref.key for ref in refs}

    def chain_of(table: Table, chain: Chain) -> Chain:
        place = (str(table.backend), table.family, table.name, chain.name)
        if not any(key[:4] == place for key in gone):
            return chain
        rules = (replace(rule, statements=()) if (*place, rule.index) in gone else rule for rule in chain.rules)
        return replace(chain, rules=tuple(rules))

    def edited(table: Table) -> Table:
        return replace(table, chains=tuple(chain_of(table, chain) for chain in table.chains))

    return _with_tables(snapshot, netns_id, edited)


def _with_tables(snapshot: Snapshot, netns_id: str, edit: Callable[[Table], Table]) -> Snapshot:
    netns = snapshot.by_id[netns_id]
    tables = tuple(edit(table) if _filters(table) else table for table in netns.firewall.tables)
    changed = replace(netns, firewall=replace(netns.firewall, tables=tables))
    return snapshot.with_netns(changed)


def _filters(table: Table) -> bool:
    return any(chain.base is not None and chain.base.hook in ("input", "forward") for chain in table.chains) and (
        table.name != "nat"
    )


def orphans(world: World, netns_id: str, hook: str, packet: Packet, context: Context) -> Iterator[Trial]:
    """Trials of the chains that no rule leads to, as if they stood at the hook."""
    netns = world.netns(netns_id)
    families = ("ip" if packet.dst.version == 4 else "ip6", "inet")
    for table in netns.firewall.tables:
        if table.family not in families or not _filters(table):
            continue
        targets = _targets(table)
        for chain in table.chains:
            if chain.base is None and chain.rules and chain.name not in targets:
                base = BaseChain("filter", hook, 0)
                journey = _journey(world, netns_id, packet, context)
                yield _try(world, journey, (Hooked(table, chain, base),), hook)


def _targets(table: Table) -> set[str]:
    """The chains that some rule or map of the table leads to."""
    statements: list[Statement] = [s for chain in table.chains for rule in chain.rules for s in rule.statements]
    verdicts = [s for s in statements if isinstance(s, RuleVerdict)]
    entries = [e for s in statements if isinstance(s, VerdictMap) for e in s.elements]
    entries += [e for each in table.sets for e in each.entries]
    verdicts += [entry.value for entry in entries if isinstance(entry.value, RuleVerdict)]
    return {verdict.chain for verdict in verdicts if verdict.chain}
