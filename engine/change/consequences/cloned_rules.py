"""An engine's rules about one bridge, repeated for a new one: it writes the same set for each network. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.firewall import Chain, Firewall, Match, Name, Rule, Table
from engine.records import replace


def with_cloned_rules(firewall: Firewall, old: str, new: str) -> Firewall:
    """The firewall with, behind each rule about the device `old`, the same rule about `new`."""
    return replace(firewall, tables=tuple(_table(table, old, new) for table in firewall.tables))


def _table(table: Table, old: str, new: str) -> Table:
    chains = tuple(_chain(chain, old, new) for chain in table.chains)
    same = all(one is other for one, other in zip(chains, table.chains, strict=True))
    return table if same else replace(table, chains=chains)


def _chain(chain: Chain, old: str, new: str) -> Chain:
    rules = [each for rule in chain.rules for each in _both(rule, old, new)]
    if len(rules) == len(chain.rules):
        return chain
    return replace(chain, rules=tuple(replace(rule, index=place) for place, rule in enumerate(rules)))


def _both(rule: Rule, old: str, new: str) -> Iterator[Rule]:
    yield rule
    about = [each for each in rule.statements if isinstance(each, Match) and _names(each, old)]
    if about:
        statements = tuple(_renamed(each, old, new) if each in about else each for each in rule.statements)
        yield replace(rule, statements=statements, text=rule.text.replace(old, new), handle=None)


def _names(match: Match, device: str) -> bool:
    return any(atom == Name(device) for element in match.elements for atom in element)


def _renamed(match: Match, old: str, new: str) -> Match:
    elements = tuple(tuple(Name(new) if atom == Name(old) else atom for atom in each) for each in match.elements)
    return replace(match, elements=elements, text=match.text.replace(old, new))
