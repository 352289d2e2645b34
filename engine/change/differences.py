"""What differs between two snapshots, in words: "route 10.0.0.0/8 via 10.9.0.1 dev eth0 deleted in web".

Laws:
1. Pure: two snapshots in, `Difference`s out, in a steady order: by namespace, then in the order of the table.
2. A thing is told by its key: a link by its index, an address by link and value, a rule by its chain and its own line.
   What has the same key and another value has changed, and the words name the fields that did.
3. What passes by itself is no change: counters, states of neighbours while they resolve, tracked flows, pids, texts
   that repeat another field.
4. The words are stable; scripts may compare them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any

from engine.change.actor import Actor
from engine.model.firewall import Backend, Firewall, Rule, Table
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link, Neighbour
from engine.model.route import PolicyRule, Route
from engine.model.traffic import Listener
from engine.records import dataclass, field


class How(StrEnum):
    """What happened to a thing."""

    ADDED = "added"
    DELETED = "deleted"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `what` is a kind of thing ("route"), `name` tells it apart, `detail` says what of it changed.

    `netns` is empty for what is of the whole host. `by` is who made it, where that is known; two changes are equal
    without it.
    """

    how: How
    what: str
    name: str
    netns: str = ""
    detail: str = ""
    by: Actor | None = field(default=None, compare=False)

    def __str__(self) -> str:
        words = f"{self.what} {self.name} {self.how}"
        return words + (f" in {self.netns}" if self.netns else "") + (f" ({self.detail})" if self.detail else "")


#: A thing's key, its name for people, and its value.
Thing = tuple[Hashable, str, Any]


def changes(before: Snapshot, after: Snapshot) -> tuple[Difference, ...]:
    """Everything that is different, each once."""
    found: list[Difference] = []
    if before.by_id.keys() != after.by_id.keys():
        found += _compare("namespace", "", _namespaces(before), _namespaces(after))
    if after.containers is not before.containers and after.containers != before.containers:
        found += _compare("container", "", _containers(before), _containers(after))
    for netns in after.namespaces:
        earlier = before.by_id.get(netns.id)
        if earlier is not None and earlier is not netns and earlier != netns:
            found += _link_changes(earlier, netns)
            for what, (part, things) in THINGS.items():
                old, new = getattr(earlier, part), getattr(netns, part)
                if old != new:
                    old, new = _others(old, new)
                    found += _compare(what, netns.id, things(earlier, old), things(netns, new))
            found += _rules(earlier, netns)
    return tuple(found)


def _others(before: Any, after: Any) -> tuple[Any, Any]:
    """Two tables without the rows that are alike in both (in tuples: the very same value): few of hundreds change."""
    if isinstance(before, Mapping):
        names = {name for name, _ in before.items() ^ after.items()}
        old, new = ({name: side[name] for name in side if name in names} for side in (before, after))
        return old, new
    if not isinstance(before, tuple):
        return before, after
    same = {id(each) for each in before} & {id(each) for each in after}
    return tuple(each for each in before if id(each) not in same), tuple(each for each in after if id(each) not in same)


def _compare(what: str, netns: str, before: Iterable[Thing], after: Iterable[Thing]) -> Iterator[Difference]:
    old, new = ({key: (name, value) for key, name, value in things} for things in (before, after))
    for key, (name, value) in old.items():
        if key not in new:
            yield Difference(How.DELETED, what, name, netns)
        elif new[key][1] != value:
            yield Difference(How.CHANGED, what, new[key][0], netns, _detail(value, new[key][1]))
    yield from (Difference(How.ADDED, what, name, netns) for key, (name, _) in new.items() if key not in old)


def _detail(before: Any, after: Any) -> str:
    """The entries of a mapping that differ, or the two values."""
    if not isinstance(before, Mapping):
        return f"{_word(before)} → {_word(after)}"
    pairs = ((name, before.get(name), after.get(name)) for name in {**before, **after})
    return ", ".join(f"{name} {_word(old)} → {_word(new)}" for name, old, new in pairs if old != new)


def _word(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return " ".join(sorted(value)) or "none"
    if isinstance(value, tuple):
        return " ".join(value) or "none" if all(isinstance(each, str) for each in value) else f"{len(value)}"
    return str(value)


def _namespaces(snapshot: Snapshot) -> Iterator[Thing]:
    return ((netns.id, netns.id, None) for netns in snapshot.namespaces)


def _containers(snapshot: Snapshot) -> Iterator[Thing]:
    for each in snapshot.containers:
        value = {
            "name": each.name,
            "state": each.state,
            "networks": tuple(attachment.network for attachment in each.attachments),
            "addresses": tuple(str(attachment.address) for attachment in each.attachments if attachment.address),
            "published": tuple(f"{port.host_port}:{port.container_port}/{port.protocol}" for port in each.published),
        }
        yield each.id, each.name, value


#: What is told of a link by its own name; its index is its key, and its far end is told by that end.
_LINK = tuple(
    each.name
    for each in fields(Link)
    if each.name not in ("index", "peer", "bridge", "port", "detail", "slave", "master", "parent")
)


def _link_changes(before: Netns, after: Netns) -> Iterator[Difference]:
    """Where a device got another name, those that stand on it are others as well."""
    known = {link.index: link.name for link in before.links}
    renamed = any(known.get(link.index, link.name) != link.name for link in after.links)
    old, new = (before.links, after.links) if renamed else _others(before.links, after.links)
    return _compare("link", after.id, _links(before, old), _links(after, new))


def _links(netns: Netns, links: Iterable[Link]) -> Iterator[Thing]:
    for link in links:
        value: dict[str, Any] = {name: getattr(link, name) for name in _LINK}
        for noun in (link.bridge, link.port):
            value |= {each.name: getattr(noun, each.name) for each in fields(noun)} if noun else {}
        value |= {**link.detail, **link.slave}
        value["master"] = _device(netns, link.master)
        value["parent"] = _device(netns, link.parent)
        yield link.index, link.name, value


def _device(netns: Netns, index: int | None) -> str:
    link = netns.links_by_index.get(index) if index is not None else None
    return link.name if link else "" if index is None else f"if{index}"


def _addresses(netns: Netns, rows: Iterable[Address]) -> Iterator[Thing]:
    for each in rows:
        name = f"{each} dev {_device(netns, each.link)}"
        yield (each.link, each.address, each.prefixlen), name, {"scope": each.scope, "flags": each.flags}


def _routes(_netns: Netns, rows: Iterable[Route]) -> Iterator[Thing]:
    return ((_route(each), each.text or str(each.destination), None) for each in rows)


def _route(route: Route) -> Hashable:
    return route.text or route


def _policy_rules(_netns: Netns, rows: Iterable[PolicyRule]) -> Iterator[Thing]:
    def named(rule: PolicyRule) -> str:
        return rule.text or f"{rule.priority}: table {rule.table}"

    return (((each.family, named(each)), named(each), None) for each in rows)


def _neighbours(netns: Netns, rows: Iterable[Neighbour]) -> Iterator[Thing]:
    """Only what decides: a MAC address, or that somebody set the entry for good."""

    def value(each: Neighbour) -> dict[str, object]:
        return {"mac": each.mac, "permanent": each.state == "permanent"}

    known = (each for each in rows if each.mac or each.proxy)
    return (
        ((each.link, each.address, each.proxy), f"{each.address} dev {_device(netns, each.link)}", value(each))
        for each in known
    )


def _sysctls(_netns: Netns, rows: Mapping[str, int]) -> Iterator[Thing]:
    kept = ((name, value) for name, value in rows.items() if not name.endswith("nf_conntrack_count"))
    return ((name, name, value) for name, value in kept)


def _listeners(netns: Netns, rows: Iterable[Listener]) -> Iterator[Thing]:
    def named(each: Listener) -> str:
        return f"{each} dev {_device(netns, each.device)}" if each.device else str(each)

    def value(each: Listener) -> dict[str, object]:
        process = each.process
        return {
            "program": process.name if process else "",
            "stopped": process is not None and process.state in ("T", "t"),
        }

    return ((named(each), named(each), value(each)) for each in rows)


def _place(table: Table, chain: str = "") -> str:
    """A table or chain as people write it: iptables' by its name, nft's with its family."""
    native = table.backend is Backend.NFT
    name = table.name if table.family == "ip" and not native else f"{table.family} {table.name}"
    return f"{name} {chain}" if native and chain else f"{name}/{chain}" if chain else name


def _tables(_netns: Netns, firewall: Firewall) -> Iterator[Thing]:
    return (((each.backend, each.family, each.name), _place(each), None) for each in firewall.tables)


def _chains(_netns: Netns, firewall: Firewall) -> Iterator[Thing]:
    for table in firewall.tables:
        for chain in table.chains:
            value = (
                {"hook": chain.base.hook, "priority": chain.base.priority, "policy": chain.base.policy}
                if chain.base
                else {}
            )
            yield (table.backend, table.family, table.name, chain.name), _place(table, chain.name), value


def _sets(_netns: Netns, firewall: Firewall) -> Iterator[Thing]:
    for table in firewall.tables:
        for each in table.sets:
            value = {"elements": (*each.elements, *each.entries)}
            yield (table.backend, table.family, table.name, each.name), _place(table, each.name), value
    for each in firewall.ipsets:
        yield ("ipset", each.name), each.name, {"elements": each.elements}


#: What a namespace holds beside links and rules, by the word for it: the field that it is in, and its things.
THINGS: Mapping[str, tuple[str, Callable[[Netns, Any], Iterable[Thing]]]] = {
    "address": ("addresses", _addresses),
    "route": ("routes", _routes),
    "policy rule": ("rules", _policy_rules),
    "neighbour": ("neighbours", _neighbours),
    "sysctl": ("sysctls", _sysctls),
    "listener": ("listeners", _listeners),
    "table": ("firewall", _tables),
    "chain": ("firewall", _chains),
    "set": ("firewall", _sets),
}


def _rules(before: Netns, after: Netns) -> Iterator[Difference]:
    """Rules by their own lines, which two rules of a chain may share; another order alone is a change of the chain."""
    if before.firewall is after.firewall:
        return
    old, new = _chain_rules(before), _chain_rules(after)
    for key in {**old, **new}:
        place = _place(*(new if key in new else old)[key][:2])
        then, now = (rules[key][2] if key in rules else () for rules in (old, new))
        if then == now:
            continue
        earlier, later = [rule.text for rule in then], [rule.text for rule in now]
        if earlier == later:
            continue
        gone, come = Counter(earlier) - Counter(later), Counter(later) - Counter(earlier)
        yield from (Difference(How.DELETED, "rule", f"{line} of {place}", after.id) for line in gone.elements())
        yield from (Difference(How.ADDED, "rule", f"{line} of {place}", after.id) for line in come.elements())
        if not gone and not come:
            yield Difference(How.CHANGED, "chain", place, after.id, "its rules are in another order")


def _chain_rules(netns: Netns) -> dict[Hashable, tuple[Table, str, Sequence[Rule]]]:
    """Table, name and rules of each chain that has some; tables of two backends may be called alike."""
    return {
        (table.backend, table.family, table.name, chain.name): (table, chain.name, chain.rules)
        for table in netns.firewall.tables
        for chain in table.chains
        if chain.rules
    }
