"""Which rules name an address or a device: in a condition, in an element of a set that they look up, or as a target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.model.address import IPAddress
from engine.model.firewall import (
    Chain,
    Element,
    Firewall,
    MapElement,
    Match,
    Name,
    Nat,
    NatValue,
    Rule,
    Table,
    VerdictMap,
)
from engine.model.host import Netns
from engine.model.ref import Ref, RefKind, rule_name
from engine.model.statement import Atom, Field
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """What is looked for: addresses, and devices by their names."""

    addresses: frozenset[IPAddress]
    devices: frozenset[str]

    def is_in(self, field: str, atom: Atom) -> bool:
        """Whether the atom of such a field names one of them, and nothing beside it."""
        if isinstance(atom, Name):
            return field.endswith(("ifname", "iif", "oif")) and atom.pattern in self.devices
        versions = {4} if field.startswith("ip ") else {6} if field.startswith("ip6 ") else {4, 6}
        return field.endswith("addr") and atom.low == atom.high and atom.low in self._values(versions)

    def _values(self, versions: set[int]) -> set[int]:
        return {int(each) for each in self.addresses if each.version in versions}


def naming_rules(netns: Netns, addresses: Iterable[IPAddress], devices: Iterable[str]) -> Iterator[Ref]:
    """The rules of a namespace that name one of the addresses or devices, in the order of the tables. Ranges and
    networks name no single address."""
    wanted = Named(frozenset(addresses), frozenset(devices))
    for table in netns.firewall.tables:
        for chain in table.chains:
            for rule in chain.rules:
                if _names(rule, table, netns.firewall, wanted):
                    yield _ref(netns, table, chain, rule)


def _ref(netns: Netns, table: Table, chain: Chain, rule: Rule) -> Ref:
    key = (str(table.backend), table.family, table.name, chain.name, rule.index)
    handle = rule.handle if table.backend == "nft" else None
    return Ref(RefKind.RULE, netns.id, key, rule_name(f"{table.name}/{chain.name}", rule.index, handle), rule.text)


def _names(rule: Rule, table: Table, firewall: Firewall, wanted: Named) -> bool:
    for part in rule.statements:
        if isinstance(part, Match | VerdictMap) and any(
            wanted.is_in(field.name, atom) for field, atom in _atoms(part, table, firewall)
        ):
            return True
        if isinstance(part, Nat) and _leads_to(part, table, wanted):
            return True
    return False


def _leads_to(part: Nat, table: Table, wanted: Named) -> bool:
    held = table.sets_by_name.get(part.lookup or "")
    found = (entry.value for entry in (*part.elements, *(held.entries if held is not None else ())))
    values = (part.value, *(value for value in found if isinstance(value, NatValue)))
    return any(value.low in wanted.addresses and value.low == value.high for value in values)


def _atoms(part: Match | VerdictMap, table: Table, firewall: Firewall) -> Iterator[tuple[Field, Atom]]:
    elements: list[Element] = [each.key if isinstance(each, MapElement) else each for each in part.elements]
    if part.lookup is not None:
        held = table.sets_by_name.get(part.lookup) or firewall.ipsets_by_name.get(part.lookup)
        elements += [*held.elements, *(entry.key for entry in held.entries)] if held is not None else []
    for element in elements:
        yield from zip(part.fields, element, strict=False)
