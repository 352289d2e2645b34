"""Near misses: rules that would have let the packet through but for one or two conditions.

A packet that fell to a policy, to a general drop, or that no DNAT took, passed rules that were meant for it.
Each such rule is asked again, condition by condition, on the packet as it was at that hook.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from engine.model.firewall import Chain, Interval, Match, Name, Nat, NatKind, Rule, Table, Verdict, VerdictKind
from engine.model.host import Netns
from engine.model.packet import PROTOCOL_NUMBERS
from engine.model.trace import Step
from engine.model.verdict import NearMiss
from engine.path.fields import read
from engine.path.matches import Answer, matches
from engine.path.rules import rule_ref
from engine.path.view import View
from engine.path.world import World

#: How many failed conditions still count as near, and how many near misses are worth reading.
MOST_FAILED = 2
MOST_SHOWN = 5

_PROTOCOLS = {number: str(protocol) for protocol, number in PROTOCOL_NUMBERS.items()}


def near_misses(world: World, step: Step, netns_id: str, *, want: type[Verdict] | type[Nat]) -> tuple[NearMiss, ...]:
    """Rules at the step's hook that would have accepted (`want` Verdict) or translated (Nat) the packet.

    None for a step that is not at a hook.
    """
    if not step.hook:
        return ()
    netns = world.netns(netns_id)
    view = View(netns, world.fib(netns), step.packet, step.context, step.hook)
    found: list[tuple[int, NearMiss]] = []
    for table, chain, rule in _rules_at(world, netns, step):
        if not _gives(rule, want):
            continue
        failed = [m for m in rule.statements if isinstance(m, Match) and matches(m, view, table) is Answer.NO]
        if 1 <= len(failed) <= MOST_FAILED:
            because = "; ".join(_because(match, view) for match in failed)
            found.append((len(failed), NearMiss(rule_ref(netns_id, table, chain, rule), rule.text, because)))
    found.sort(key=lambda pair: pair[0])
    return tuple(miss for _, miss in found[:MOST_SHOWN])


def _rules_at(world: World, netns: Netns, step: Step) -> Iterator[tuple[Table, Chain, Rule]]:
    """Every rule that a base chain of the hook can lead to."""
    family = "ip" if step.packet.dst.version == 4 else "ip6"
    for station in world.stations(netns).at(step.hook, family):
        for hooked in station.chains:
            seen: set[str] = set()
            queue = [hooked.chain]
            while queue:
                chain = queue.pop(0)
                if chain.name in seen:
                    continue
                seen.add(chain.name)
                for rule in chain.rules:
                    yield hooked.table, chain, rule
                    queue.extend(_targets(hooked.table, rule))


def _targets(table: Table, rule: Rule) -> Iterator[Chain]:
    for statement in rule.statements:
        target = table.chain(statement.chain) if isinstance(statement, Verdict) and statement.chain else None
        if target is not None:
            yield target


def _gives(rule: Rule, want: type[Verdict] | type[Nat]) -> bool:
    for statement in rule.statements:
        if want is Nat and isinstance(statement, Nat) and statement.kind in (NatKind.DNAT, NatKind.REDIRECT):
            return True
        if want is Verdict and isinstance(statement, Verdict) and statement.kind is VerdictKind.ACCEPT:
            return True
    return False


def _because(match: Match, view: View) -> str:
    """“dport is 81, the packet has 80”."""
    field = match.fields[0]
    label = field.name.removeprefix("meta ").removeprefix("fib ")
    asked = match.text or ", ".join(_shown(field.name, atom) for element in match.elements[:3] for atom in element)
    if not match.text and match.negate:
        asked = f"not {asked}"
    value = read(field.name, view)
    have = _value(field.name, value)
    return f"{label}: the rule asks “{asked}”, the packet has {have}"


def _shown(name: str, atom: Interval | Name) -> str:
    if isinstance(atom, Name):
        return atom.pattern or "none"
    low, high = _value(name, atom.low), _value(name, atom.high)
    return low if low == high else f"{low}-{high}"


def _value(name: str, value: object) -> str:
    if value is None:
        return "no such field"
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    if isinstance(value, int):
        if name.endswith(("saddr", "daddr")):
            return str(IPv6Address(value) if "ip6" in name else IPv4Address(value))
        if name in ("meta l4proto", "ip protocol", "ip6 nexthdr"):
            return _PROTOCOLS.get(value, str(value))
        return f"{value:#x}" if name.endswith("mark") else str(value)
    return str(value) or "none"
