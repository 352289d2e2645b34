"""A firewall as it would be after a change: rules that come and go, elements that leave their sets. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.change.applied_built_in import with_built_in
from engine.change.applied_links import with_netns
from engine.change.filtering import DeleteElement, DeleteRule, InsertRule, ReplaceRule, RulePlace
from engine.model.firewall import Backend, Chain, NamedSet, Rule, Table
from engine.model.host import Snapshot


def _edit_rules(snapshot: Snapshot, place: RulePlace, edit: Callable[[list[Rule]], None]) -> Snapshot:
    netns = snapshot.by_id[place.netns]

    def in_chain(chain: Chain) -> Chain:
        rules = list(chain.rules)
        edit(rules)
        return replace(chain, rules=tuple(replace(rule, index=number) for number, rule in enumerate(rules)))

    def in_table(table: Table) -> Table:
        if (table.backend, table.family, table.name) != (place.backend, place.family, place.table):
            return table
        chains = tuple(in_chain(chain) if chain.name == place.chain else chain for chain in table.chains)
        return replace(table, chains=chains)

    known = with_built_in(netns.firewall, place)
    firewall = replace(known, tables=tuple(in_table(table) for table in known.tables))
    return with_netns(snapshot, replace(netns, firewall=firewall))


def insert_rule(snapshot: Snapshot, change: InsertRule) -> Snapshot:
    """The rules from the place on move on by one."""
    return _edit_rules(snapshot, change.place, lambda rules: rules.insert(change.place.index, change.rule))


class StaleChangeError(ValueError):
    """A change names a rule that is not in the snapshot that it is applied to."""


def _position(rules: list[Rule], place: RulePlace, text: str) -> int:
    """Where a rule is: at its place, or elsewhere in the chain after other rules came or went."""
    if place.index < len(rules) and rules[place.index].text == text:
        return place.index
    for number, rule in enumerate(rules):
        if rule.text == text:
            return number
    raise StaleChangeError(f"{place.chain} has no rule {text!r}")


def replace_rule(snapshot: Snapshot, change: ReplaceRule) -> Snapshot:
    """The rule at the place goes, whatever it says."""

    def edit(rules: list[Rule]) -> None:
        if change.place.index >= len(rules):
            raise StaleChangeError(f"{change.place.chain} has no rule {change.place.index}")
        rules[change.place.index] = change.rule

    return _edit_rules(snapshot, change.place, edit)


def delete_rule(snapshot: Snapshot, change: DeleteRule) -> Snapshot:
    """The rule that says the same goes, the one at the place before others."""

    def edit(rules: list[Rule]) -> None:
        del rules[_position(rules, change.place, change.rule.text)]

    return _edit_rules(snapshot, change.place, edit)


def delete_element(snapshot: Snapshot, change: DeleteElement) -> Snapshot:
    """The element leaves its set, and the lists of sets that the set is a member of."""
    netns = snapshot.by_id[change.netns]
    firewall = netns.firewall

    def in_table(table: Table) -> Table:
        if (table.backend, table.family, table.name) != (Backend.NFT, change.family, change.table):
            return table
        return replace(table, sets=tuple(without(each) if each.name == change.name else each for each in table.sets))

    def without(named: NamedSet) -> NamedSet:
        if change.element not in named.elements:
            raise StaleChangeError(f"{named.name} has no element {change.words}")
        at = named.elements.index(change.element)
        return replace(named, elements=(*named.elements[:at], *named.elements[at + 1 :]))

    if change.table:
        firewall = replace(firewall, tables=tuple(in_table(table) for table in firewall.tables))
    else:
        holding = (without(each) if change.name in (each.name, *each.members) else each for each in firewall.ipsets)
        firewall = replace(firewall, ipsets=tuple(holding))
    return with_netns(snapshot, replace(netns, firewall=firewall))
