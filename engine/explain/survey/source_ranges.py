"""From which addresses beyond an uplink a question connects: the space of sources, divided exactly.

Pure. Whether a packet passes can only change at an address that something names: a rule's condition, an element of a
set, a route, a policy rule, a subnet. Between two such addresses all are alike, and so are two ranges that the same
things name. One of each kind is walked; kinds that end alike are told as one.

Conditions on an address with a mask that is no prefix divide the space otherwise: then the answer says that it is not
exact (`exact`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable
from hashlib import blake2b
from ipaddress import ip_address, ip_network, summarize_address_range

from engine.explain.survey.everywhere import target_part, uplinks
from engine.explain.survey.matrix import answer
from engine.model.address import IPAddress, IPNetwork
from engine.model.firewall import Firewall, Interval
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.matrix import Cell
from engine.model.source_range import SourceRange, SourceRanges
from engine.model.verdict import Question, Source
from engine.path.lookup.device_topology import wired
from engine.path.world import World
from engine.records import replace

#: So many kinds of sources are walked; the addresses of others are counted.
MOST_KINDS = 1000
#: The rule's number at the end of where a walk ends: rules of one chain that do the same are one.
NUMBER = re.compile(r" (handle )?\d+$")
#: What packets from outside can have as their source (RFC 1122, 3.2.1.3; RFC 4291, 2.4), by IP version.
SPACE = {
    4: (ip_network("1.0.0.0/8"), ip_network("223.0.0.0/8"), (ip_network("127.0.0.0/8"),)),
    6: (ip_network("2000::/3"), ip_network("fc00::/7"), ()),
}
#: Types of a set's key that are addresses, by IP version.
TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}

#: A range of addresses as numbers, both ends in it.
Range = tuple[int, int]
#: Where the addresses of each thing that names some are.
Atoms = dict[Hashable, list[Range]]


def source_ranges(snapshot: Snapshot, question: Question) -> tuple[SourceRanges, ...]:
    """The ranges by each uplink that leads out of what the snapshot shows. The source of `question` is not used."""
    found = []
    snapshot = target_part(snapshot, question)
    for link, own in uplinks(snapshot, question.address.version):
        if link.peer is None or link.peer.netns in (None, snapshot.host):
            asked = replace(question, address=own.address) if question.address.is_loopback else question
            found.append(_by(snapshot, asked, link))
    return tuple(found)


def _by(snapshot: Snapshot, question: Question, link: Link) -> SourceRanges:
    version = question.address.version
    near = wired(snapshot, (snapshot.host,))
    atoms: Atoms = defaultdict(list)
    exact = True
    for netns in (each for each in snapshot.namespaces if each.id in near):
        exact = _named_by_rules(netns.firewall, version, (netns.id,), atoms) and exact
        _named_by_routes(netns, version, atoms)
    own = {int(each) for netns in snapshot.namespaces for each in netns.addresses_by_value if each.version == version}
    for number in own:
        atoms["own"].append((number, number))
    kinds = _kinds(atoms, version)
    kinds = {key: ranges for key, ranges in kinds.items() if ranges[0][0] not in own}
    world, ends = World(snapshot), defaultdict[tuple[object, ...], list[tuple[Cell, list[Range]]]](list)
    largest = sorted(kinds.values(), key=_size, reverse=True)
    for ranges in largest[:MOST_KINDS]:
        client = _address(ranges[0][0], version)
        cell = answer(world, replace(question, source=Source(snapshot.host, client, link.name)))
        cell = replace(cell, at=about_any(cell.at, client))
        ends[cell.reach, cell.symptom, NUMBER.sub("", cell.ends)].append((cell, ranges))
    made = [_range(each, version) for each in ends.values()]
    made.sort(key=lambda one: one.addresses, reverse=True)
    return SourceRanges(link.name, tuple(made), sum(map(_size, largest[MOST_KINDS:])), exact)


def about_any(ends: str, client: IPAddress) -> str:
    """Where a walk ends, in words that hold for every address of its range."""
    return re.sub(rf"(?<![\w.:]){re.escape(str(client))}(?![\w./:])", "the client", ends)


def _range(alike: list[tuple[Cell, list[Range]]], version: int) -> SourceRange:
    ranges = _merged(sorted(each for _, part in alike for each in part))
    networks: list[IPNetwork] = []
    for low, high in ranges:
        networks += summarize_address_range(_address(low, version), _address(high, version))
    cell = alike[0][0]
    if len({each.ends for each, _ in alike}) > 1:
        cell = replace(cell, at=NUMBER.sub("", cell.at))
    return SourceRange(cell, tuple(networks), _size(ranges))


def _named_by_rules(firewall: Firewall, version: int, place: tuple[str, ...], atoms: Atoms) -> bool:
    """What conditions, maps and sets name. Says whether all of it divides the space."""
    exact = True
    family = "ip6 " if version == 6 else "ip "
    for table in firewall.tables:
        for chain in table.chains:
            for rule in chain.rules:
                for number, statement in enumerate(rule.statements):
                    key = (*place, table.backend, table.family, table.name, chain.name, rule.index, number)
                    fields = getattr(statement, "fields", ())
                    places = [at for at, each in enumerate(fields) if family in each.name and "addr" in each.name]
                    exact = exact and all(_whole(fields[at].mask, version) for at in places)
                    for element in getattr(statement, "elements", ()) if places else ():
                        _named_by(element, places, key, atoms)
        for each in table.sets:
            _named_by_set(each, version, (*place, table.backend, table.family, table.name, each.name), atoms)
    for each in firewall.ipsets:
        _named_by_set(each, version, (*place, each.name), atoms)
    return exact


def _named_by_set(held: object, version: int, key: tuple[Hashable, ...], atoms: Atoms) -> None:
    places = [at for at, kind in enumerate(getattr(held, "fields", ())) if kind == TYPES[version]]
    for element in (*getattr(held, "elements", ()), *getattr(held, "entries", ())) if places else ():
        _named_by(element, places, key, atoms)


def _named_by(element: object, places: list[int], key: tuple[Hashable, ...], atoms: Atoms) -> None:
    """The addresses of one element, with what else it asks or gives: elements that differ in nothing else are alike."""
    parts = element if isinstance(element, tuple) else getattr(element, "key", ())
    gives = repr(getattr(element, "value", ""))
    for at in places:
        atom = parts[at] if at < len(parts) else None
        if isinstance(atom, Interval):
            rest = tuple(repr(part) for number, part in enumerate(parts) if number != at)
            atoms[*key, at, rest, gives].append((atom.low, atom.high))


def _whole(mask: int | None, version: int) -> bool:
    """Whether a mask is none."""
    return mask is None or mask == (1 << (32 if version == 4 else 128)) - 1


def _named_by_routes(netns: Netns, version: int, atoms: Atoms) -> None:
    named: list[tuple[Hashable, IPNetwork]] = [
        (("route", netns.id, each.table, str(each.destination)), each.destination) for each in netns.routes
    ]
    for rule in netns.rules:
        named += [
            (("rule", netns.id, rule.priority, end), network)
            for end, network in (("from", rule.source), ("to", rule.destination))
            if network is not None
        ]
    for own in netns.addresses:
        named.append((("subnet", netns.id, str(own)), ip_network(f"{own.address}/{own.prefixlen}", strict=False)))
    for key, network in named:
        if network.version == version:
            atoms[key].append((int(network.network_address), int(network.broadcast_address)))


def _kinds(atoms: Atoms, version: int) -> dict[int, list[Range]]:
    """The space in ranges, by a number for the things that name them."""
    first, last, spared = SPACE[version]
    outside = [(int(each.network_address), int(each.broadcast_address)) for each in spared]
    low, high = int(first.network_address), int(last.broadcast_address)
    changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for key, ranges in (*atoms.items(), ("spared", outside)):
        number = _signature([key])
        for begin, end in _merged(sorted(ranges)):
            if end >= low and begin <= high:
                changes[max(begin, low)].append((number, 1))
                changes[min(end, high) + 1].append((number, -1))
    changes.setdefault(low, [])
    spots = sorted(changes)
    found: dict[int, list[Range]] = defaultdict(list)
    state, away = 0, _signature(["spared"])
    inside: set[int] = set()
    for at, following in zip(spots, [*spots[1:], high + 1], strict=True):
        for number, step in changes[at]:
            state ^= number
            (inside.add if step > 0 else inside.discard)(number)
        if low <= at <= high and away not in inside and following > at:
            found[state].append((at, min(following - 1, high)))
    return found


def _signature(keys: list[Hashable]) -> int:
    """A number for a set of things, of which no two have the same one by any chance that matters."""
    state = 0
    for key in keys:
        state ^= int.from_bytes(blake2b(repr(key).encode("utf-8", "replace"), digest_size=16).digest(), "big")
    return state


def _merged(ranges: list[Range]) -> list[Range]:
    """Ranges in order as few as they can be."""
    found: list[Range] = []
    for low, high in ranges:
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def _size(ranges: list[Range]) -> int:
    return sum(high - low + 1 for low, high in ranges)


def _address(number: int, version: int) -> IPAddress:
    return ip_address(number) if version == 4 else ip_address(number.to_bytes(16, "big"))
