"""Bans: a rule that blocks an address by itself, or a set that holds it and that a rule asks. The ban is taken back.

A rule that asks a set is about all of its elements; the element that holds the packet is what is about this flow. A
tool's ban of one address is not worked around: an exception in its chain is gone with its next restart.
"""

from __future__ import annotations

from engine.change.rule import DeleteRule
from engine.change.set_element import DeleteElement, ipset_words, nft_words
from engine.explain.blocker import WIDE, Remedy
from engine.explain.evidence.rule_scope import source_of
from engine.explain.failure import Failure
from engine.model.firewall import Atom, Interval, Match, NamedSet, Rule, Table
from engine.model.where import RulePlace
from engine.path.fields.matches import named_set, values_of
from engine.path.lookup.set_lookup import Value, holds
from engine.path.lookup.values import Unknown
from engine.path.lookup.view import View

#: Tools that ban addresses, and take a ban back by a command of theirs.
TOOLS = frozenset({"fail2ban", "crowdsec"})


def taken_back(failure: Failure, table: Table, rule: Rule, place: RulePlace, owner: str) -> tuple[Remedy, ...]:
    """The remedies that take a ban back; none where the rule blocks by other things."""
    banned = source_of(tuple(s for s in rule.statements if isinstance(s, Match)), failure.packet)
    if owner in TOOLS and banned is not None and banned.num_addresses == 1 and not failure.backwards:
        return (Remedy(f"lift {owner}'s ban of {failure.packet.src}", (DeleteRule(place, rule),)),)
    asked = (each for each in rule.statements if isinstance(each, Match) and each.lookup and not each.negate)
    return tuple(remedy for match in asked for remedy in _out_of(failure, table, match, owner))


def _out_of(failure: Failure, table: Table, match: Match, owner: str) -> tuple[Remedy, ...]:
    """The element that the packet's addresses are in leaves the set."""
    step = failure.step
    view = View(failure.netns, failure.world.fib(failure.netns), step.packet, step.context, step.hook or "")
    values = values_of(match.fields, view)
    named = named_set(match.lookup or "", view, table)
    if named is None or values is None or isinstance(values, Unknown) or not _by_address(match):
        return ()
    own = table.sets_by_name.get(named.name)
    held = named if own is not None else _member(failure, named, values)
    element = next((each for each in held.elements if holds(each, values)), None) if held is not None else None
    if held is None or element is None:
        return ()
    words = nft_words(held, element) if own is not None else ipset_words(held, element, failure.packet.dst.version)
    if words is None:
        return ()
    family, name = (table.family, table.name) if own is not None else ("", "")
    change = DeleteElement(failure.netns.id, family, name, held.name, element, words)
    title = f"lift {owner}'s ban of {words}" if owner in TOOLS else f"delete {words} from the set {held.name}"
    return (Remedy(title, (change,), cost=1 if _single(element) else WIDE),)


def _by_address(match: Match) -> bool:
    return any(field.name.endswith((" saddr", " daddr")) for field in match.fields)


def _member(failure: Failure, named: NamedSet, values: list[Value]) -> NamedSet | None:
    """The ipset that has the element: a list of sets has only those of its members."""
    if not named.members:
        return named
    members = (failure.netns.firewall.ipsets_by_name.get(each) for each in named.members)
    holding = (each for each in members if each is not None and any(holds(one, values) for one in each.elements))
    return next(holding, None)


def _single(element: tuple[Atom, ...]) -> bool:
    return all(not isinstance(atom, Interval) or atom.low == atom.high for atom in element)
