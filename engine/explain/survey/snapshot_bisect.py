"""Snapshots between two snapshots: the earlier one with some of the changes that lead to the later one.

Pure. Every list of a namespace (links, routes, rules of a chain, …) is taken as a sequence. Where two sequences differ
in a run of items, each item that came, went or took another's place is a `Part`; a snapshot between is made by taking
each part from the one or from the other side. With no part it is the earlier snapshot, with all of them the later one
but for what decides nothing (counters, pids).
A container whose namespace is not there (yet) has none, and a link to it is not there either.

Where a rule or a route is the same but for what passes by itself it is no part; its value is then the earlier one's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import Any, TypeVar

from engine.model.firewall import Chain, Firewall, Rule, Table
from engine.model.host import Netns, Snapshot
from engine.model.traffic import Listener
from engine.records import dataclass, replace

Item = TypeVar("Item")
#: Where a sequence is: the namespace and the names of what holds it.
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One item in which two snapshots differ, of the run of that number in the sequence at `place`."""

    place: Place
    number: int
    item: int = 0


class Between:
    """The way from one snapshot to another, in parts."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.before, self.after = before, after
        self._seen: dict[Part, None] = {}
        self._chosen: frozenset[Part] = frozenset()
        self._merge()
        self.parts = tuple(self._seen)

    @property
    def runs(self) -> tuple[tuple[Part, ...], ...]:
        """The parts, those of one run together."""
        return tuple(tuple(parts) for _, parts in groupby(self.parts, key=lambda part: (part.place, part.number)))

    def with_parts(self, chosen: frozenset[Part]) -> Snapshot:
        """The earlier snapshot with these parts of the later one."""
        self._chosen = chosen
        return self._merge()

    def _merge(self) -> Snapshot:
        old, new = self.before, self.after
        namespaces = self._sequence(("", "namespaces"), (old.namespaces, new.namespaces), _id, self._netns)
        containers = self._sequence(("", "containers"), (old.containers, new.containers), repr)
        networks = self._sequence(("", "networks"), (old.networks, new.networks), repr)
        there = {netns.id for netns in namespaces}
        namespaces = tuple(_with_ends(netns, there) for netns in namespaces)
        containers = tuple(one if one.netns in there else replace(one, netns=None) for one in containers)
        host = old.host if old.host in there else new.host
        gaps = tuple(dict.fromkeys((*old.gaps, *new.gaps)))
        return replace(old, host=host, namespaces=namespaces, containers=containers, networks=networks, gaps=gaps)

    def _netns(self, old: Netns, new: Netns) -> Netns:
        if old == new:
            return old
        place = (old.id,)
        changed: dict[str, Any] = {
            name: self._sequence((*place, name), (getattr(old, name), getattr(new, name)), key)
            for name, key in SEQUENCES.items()
        }
        changed["sysctls"] = self._mapping(place, old.sysctls, new.sysctls)
        changed["firewall"] = self._firewall(place, old.firewall, new.firewall)
        return replace(old, **changed)

    def _firewall(self, place: Place, old: Firewall, new: Firewall) -> Firewall:
        if old == new:
            return old

        def table(one: Table, other: Table) -> Table:
            return self._table((*place, *map(str, _table_key(one))), one, other)

        tables = self._sequence((*place, "tables"), (old.tables, new.tables), _table_key, table)
        ipsets = self._sequence((*place, "ipsets"), (old.ipsets, new.ipsets), repr)
        return replace(new, tables=tables, ipsets=ipsets)

    def _table(self, place: Place, old: Table, new: Table) -> Table:
        def chain(one: Chain, other: Chain) -> Chain:
            return self._chain((*place, one.name), one, other)

        chains = self._sequence((*place, "chains"), (old.chains, new.chains), _chain_name, chain)
        sets = self._sequence((*place, "sets"), (old.sets, new.sets), repr)
        flags = self._one((*place, "flags"), old.flags, new.flags)
        return replace(old, chains=chains, sets=sets, flags=flags)

    def _chain(self, place: Place, old: Chain, new: Chain) -> Chain:
        rules = self._sequence((*place, "rules"), (old.rules, new.rules), _rule_text)
        counted = tuple(rule if rule.index == at else replace(rule, index=at) for at, rule in enumerate(rules))
        return replace(old, rules=counted, base=self._one((*place, "base"), old.base, new.base))

    def _one(self, place: Place, old: Item, new: Item) -> Item:
        """A single value: the one or the other."""
        return old if old == new else new if self._takes(Part(place, 0)) else old

    def _mapping(self, place: Place, old: Mapping[str, int], new: Mapping[str, int]) -> Mapping[str, int]:
        """A mapping, each key of which is a part of its own."""
        merged = dict(old)
        for name in {**old, **new}:
            if old.get(name) != new.get(name) and self._takes(Part((*place, "sysctls", name), 0)):
                if name in new:
                    merged[name] = new[name]
                else:
                    del merged[name]
        return merged

    def _sequence(
        self,
        place: Place,
        sides: tuple[Sequence[Item], Sequence[Item]],
        key: Callable[[Item], Hashable],
        inside: Callable[[Item, Item], Item] | None = None,
    ) -> tuple[Item, ...]:
        """Two sequences as one; items with equal keys are the same thing, and `inside` merges those in turn."""
        old, new = sides
        if old == new:
            return tuple(old)
        matcher = SequenceMatcher(None, [key(one) for one in old], [key(one) for one in new], autojunk=False)
        merged: list[Item] = []
        number = 0
        for how, low, high, other_low, other_high in matcher.get_opcodes():
            if how == "equal":
                pairs = zip(old[low:high], new[other_low:other_high], strict=True)
                merged += [inside(one, other) if inside else one for one, other in pairs]
                continue
            for item, (one, other) in enumerate(zip_longest(old[low:high], new[other_low:other_high], fillvalue=None)):
                taken = other if self._takes(Part(place, number, item)) else one
                merged += () if taken is None else (taken,)
            number += 1
        return tuple(merged)

    def _takes(self, part: Part) -> bool:
        self._seen.setdefault(part)
        return part in self._chosen


def _with_ends(netns: Netns, there: set[str]) -> Netns:
    """The namespace without the links whose other end is in one that is not there: neither end is without the other."""
    links = tuple(link for link in netns.links if link.peer is None or link.peer.netns in there)
    return netns if len(links) == len(netns.links) else replace(netns, links=links)


def _id(netns: Netns) -> str:
    return netns.id


def _table_key(table: Table) -> tuple[str, str, str]:
    return str(table.backend), table.family, table.name


def _chain_name(chain: Chain) -> str:
    return chain.name


def _rule_text(rule: Rule) -> str:
    return rule.text


def _listener(listener: Listener) -> str:
    return repr(replace(listener, inode=0, queued=0, process=None))


#: The lists of a namespace, and what makes an item of each the same thing in both snapshots.
SEQUENCES: dict[str, Callable[[Any], Hashable]] = {
    "links": repr,
    "addresses": repr,
    "routes": repr,
    "rules": repr,
    "neighbours": repr,
    "fdb": repr,
    "listeners": _listener,
    "conntrack": repr,
    "exceptions": repr,
    "nexthops": repr,
}
