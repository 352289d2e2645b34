"""Whether a twin is what its snapshot says: everything that decides a packet, as facts that can be compared.

A fact is a line about one namespace. What differs by nature is no part of one: counters, handles, processes, inodes,
times, states of neighbours that are found out again, learned forwarding entries, link-layer addresses that no device
can be given, and what stands beyond a device that leads out of view (docs/twin.md).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from engine.change.words import route_words
from engine.lab.twin.addresses import by_hand
from engine.lab.twin.link_words import MAC, OWN_MAC, kind_words
from engine.lab.twin.links import never_changed
from engine.lab.twin.policy_rules import GROUP, words_of
from engine.lab.twin.rebuild import Rebuilt
from engine.lab.twin.routes import UNUSABLE
from engine.lab.twin.settings import SHARED
from engine.lab.twin.sockets import of_kernel
from engine.model.firewall import Backend, Chain, Element, Firewall, Interval, NamedSet, Table
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.traffic import Listener
from engine.records import replace

COUNTED = re.compile(r"counter packets \d+ bytes \d+")
COUNTERS = re.compile(r"^\[\d+:\d+\] ?")
ANONYMOUS = re.compile(r"\{([^{}\"]*)\}")
#: Flags of an address that decide whether, and as what, it is used.
USED_AS = ("secondary", "deprecated", "noprefixroute")
#: A fact: the namespace's id in the snapshot, the kind of thing, and the line.
Fact = tuple[str, str, str]


def differences(rebuilt: Rebuilt, seen: Snapshot) -> tuple[str, ...]:
    """What of a twin is not as its snapshot says: `- ` before what is missing, `+ ` before what is there beside it."""
    names = {node.netns: node.origin for node in rebuilt.nodes}
    outward = {(each.stub.origin, each.stub.link.index) for each in rebuilt.beyond}
    wanted: Counter[Fact] = Counter()
    there: Counter[Fact] = Counter()
    for node in rebuilt.nodes:
        one, other = rebuilt.snapshot.by_id[node.origin], seen.by_id.get(node.netns)
        if other is not None:  # what the snapshot does not say of a setting cannot be compared
            other = replace(other, sysctls={name: other.sysctls.get(name, 0) for name in one.sysctls})
        wanted.update(facts(one, lambda name: name, outward))
        if other is not None:
            there.update(
                (node.origin, kind, line)
                for _, kind, line in facts(other, names.get, _inward(outward, node.origin, node.netns))
            )
    rows = [(fact, "- ") for fact in (wanted - there).elements()] + [
        (fact, "+ ") for fact in (there - wanted).elements()
    ]
    return tuple(f"{sign}{netns}: {kind} {line}" for (netns, kind, line), sign in sorted(rows))


def _inward(outward: set[tuple[str, int]], origin: str, netns: str) -> set[tuple[str, int]]:
    return {(netns, index) for place, index in outward if place == origin}


def facts(netns: Netns, named: Callable[[str], str | None], outward: set[tuple[str, int]]) -> Iterator[Fact]:
    """All facts of a namespace; `named` gives the name of another one in the snapshot, `outward` has the devices that
    lead out of view."""
    for kind, read in KINDS.items():
        yield from ((netns.id, kind, line) for line in read(netns))
    for link in netns.links:
        yield netns.id, "device", _link(netns, link, named, (netns.id, link.index) in outward)


def _link(netns: Netns, link: Link, named: Callable[[str], str | None], outward: bool) -> str:
    words = [link.name, "up" if link.up else "down", "carrier" if link.carrier else "no carrier", f"mtu {link.mtu}"]
    own = MAC.fullmatch(link.mac) and link.kind not in OWN_MAC and not never_changed(netns, link)
    if own and not (outward and link.noarp):
        words.append(link.mac)
    words += ["noarp"] if link.noarp and link.kind != "loopback" else []
    words += [f"group {link.group}"] if link.group else []
    master = netns.links_by_index.get(link.master) if link.master is not None else None
    words += [f"master {master.name}"] if master else []
    if link.port is not None and master is not None:
        words.append(str(link.port))
    if outward:
        return " ".join([*words, "leads outside"])
    words += [link.kind, *kind_words(link)]
    parent = netns.links_by_index.get(link.parent) if link.parent is not None else None
    words += [f"on {parent.name}"] if parent else []
    if link.peer is not None and link.peer.netns is not None:
        words.append(f"to {named(link.peer.netns)} {link.peer.index}")
    words += [f"vlan {each.vlan} {each.pvid} {each.untagged}" for each in link.vlans if _filters(netns, link)]
    return " ".join(words)


def _filters(netns: Netns, link: Link) -> bool:
    owner = link if link.kind == "bridge" else netns.links_by_index.get(link.master or 0)
    return owner is not None and owner.bridge is not None and owner.bridge.vlan_filtering


def _device(netns: Netns) -> Callable[[int], str]:
    return lambda index: link.name if (link := netns.links_by_index.get(index)) else f"if{index}"


def _addresses(netns: Netns) -> Iterator[str]:
    """In their order on each device: the first one of a network is its primary one."""
    device = _device(netns)
    places: Counter[int] = Counter()
    for each in netns.addresses:
        if each.flags & UNUSABLE:
            continue
        places[each.link] += 1
        peer = f" peer {each.peer}" if each.peer else ""
        flags = " ".join(flag for flag in USED_AS if flag in each.flags)
        four = each.address.version == 4
        broadcast = f" brd {each.broadcast}" if each.broadcast else ""
        place = f"#{places[each.link]} " if four else ""
        yield f"{place}{each}{peer}{broadcast} dev {device(each.link)} scope {each.scope} {flags}".rstrip()


def _routes(netns: Netns) -> Iterator[str]:
    device = _device(netns)
    for route in netns.routes:
        flags = sorted({flag for hop in route.nexthops for flag in hop.flags & {"dead", "linkdown"}})
        words = [*route_words(route, device)]
        if "proto" in words:
            at = words.index("proto")
            del words[at : at + 2]
        yield " ".join([*words, *flags])


def _policy_rules(netns: Netns) -> Iterator[str]:
    """Those of one priority in their order."""
    places: Counter[tuple[str, int]] = Counter()
    for rule in netns.rules:
        places[rule.family, rule.priority] += 1
        number = places[rule.family, rule.priority]
        unbuilt = [word for word in rule.unmodelled if not GROUP.fullmatch(word)]
        yield f"{rule.family} {rule.priority} #{number} {' '.join([*words_of(rule), *unbuilt])}"


def _neighbours(netns: Netns) -> Iterator[str]:
    device = _device(netns)
    for each in netns.neighbours:
        link = netns.links_by_index.get(each.link)
        if each.proxy or (link is not None and by_hand(each, link)):
            yield f"{'proxy ' if each.proxy else ''}{each.address} dev {device(each.link)} {each.mac or ''}".rstrip()


def _forwarding(netns: Netns) -> Iterator[str]:
    device = _device(netns)
    for each in netns.fdb:
        if not each.local and (each.destination is not None or each.nexthop is not None or "static" in each.flags):
            vlan = f" vlan {each.vlan}" if each.vlan else ""
            to = f" dst {each.destination} {each.port or ''} {each.vni or ''} {each.nexthop or ''}".rstrip()
            yield f"{each.mac} dev {device(each.link)}{vlan}{to if each.destination or each.nexthop else ''}"


def _nexthops(netns: Netns) -> Iterator[str]:
    return (f"{each.number} {each.group} {each.blackhole} {each.fdb} {each.hop}" for each in netns.nexthops)


def _settings(netns: Netns) -> Iterator[str]:
    """A setting that a kernel does not have is off."""
    known = {link.name for link in netns.links} | {"all"}
    for name, value in netns.sysctls.items():
        parts = name.split(".")
        of_device = len(parts) > 4 and parts[2] == "conf"
        if name not in SHARED and value and not (of_device and ".".join(parts[3:-1]) not in known):
            yield f"{name} = {value}"


def _listeners(netns: Netns) -> Iterator[str]:
    device = _device(netns)
    for each in netns.listeners:
        if of_kernel(netns, each):
            continue
        at = f" dev {device(each.device)}" if each.device else ""
        yield f"{each}{at} {_manner(each)}".rstrip()


def _manner(each: Listener) -> str:
    words = ["v6only"] if each.v6only and each.address is None else []
    words += ["full"] if each.queued > each.backlog else []
    return " ".join([*words, *(["transparent"] if each.transparent else [])])


def _flows(netns: Netns) -> Iterator[str]:
    return (f"{each.protocol} {each.original} {each.reply} {each.mark} {each.zone}" for each in netns.conntrack)


def _policies(netns: Netns) -> Iterator[str]:
    """IPsec policies, those of one priority in their order."""
    for number, each in enumerate(netns.firewall.ipsec.policies if netns.firewall.ipsec else ()):
        yield f"#{number} {each.text} {each.mark} {each.priority}"


def _firewall(netns: Netns) -> Iterator[str]:
    firewall: Firewall = netns.firewall
    for table in firewall.tables:
        place = f"{table.backend} {table.family} {table.name}"
        yield from (f"{place} {line}" for chain in table.chains for line in _chain(chain))
        yield from (f"{place} {_set(each)}" for each in table.sets)
        yield from (f"{place} flowtable {each.name} {each.devices}" for each in table.flowtables)
        if table.flags:
            yield f"{place} {' '.join(sorted(table.flags))}"
    yield from (f"ipset {_set(each)}" for each in firewall.ipsets)
    yield from _hooked(firewall.tables)


def _chain(chain: Chain) -> Iterator[str]:
    """A chain and its rules in their order. An empty base chain that accepts does nothing."""
    base = chain.base
    if base is not None and (chain.rules or base.policy != "accept"):
        yield f"{chain.name} {base.kind} {base.hook} {base.priority} {base.policy} {' '.join(base.devices)}".rstrip()
    elif base is None:
        yield f"{chain.name}"
    for number, rule in enumerate(chain.rules):
        line = COUNTERS.sub("", COUNTED.sub("counter", rule.text.strip()))
        yield f"{chain.name} #{number} {ANONYMOUS.sub(_sorted, line)}"


def _sorted(found: re.Match[str]) -> str:
    """What stands in braces is a set: nft lists it in any order."""
    return "{ " + ", ".join(sorted(part.strip() for part in found[1].split(","))) + " }"


def _set(each: NamedSet) -> str:
    own = () if each.members else _merged(each.elements)
    held = sorted(map(str, (*own, *each.entries, *each.members)))
    return f"{each.name} {each.kind} {' '.join(each.fields)}: {'; '.join(held)}"


def _merged(elements: Iterable[Element]) -> list[Element]:
    """Elements that go on where another one ends, as one: a tool takes a range apart into networks."""
    found: list[Element] = []
    for each in sorted(elements, key=lambda one: (str(one[1:]), str(type(one[0])), getattr(one[0], "low", 0))):
        first, last = each[0], found[-1][0] if found else None
        if (
            isinstance(first, Interval)
            and isinstance(last, Interval)
            and found[-1][1:] == each[1:]
            and first.low == last.high + 1
        ):
            found[-1] = (Interval(last.low, first.high), *each[1:])
        else:
            found.append(each)
    return found


def _hooked(tables: tuple[Table, ...]) -> Iterator[str]:
    """Chains of nf_tables that share a hook and a priority, in the order in which they run."""
    rows: dict[tuple[str, str, int], list[tuple[int, str]]] = {}
    for table in tables:
        for chain in table.chains:
            base = chain.base
            if (
                base is not None
                and base.registered is not None
                and chain.rules
                and table.backend is not Backend.XT_LEGACY
            ):
                key = (table.family, base.hook, base.priority)
                rows.setdefault(key, []).append((base.registered, f"{table.name}/{chain.name}"))
    for (family, hook, priority), found in rows.items():
        if len(found) > 1:
            yield f"order at {family} {hook} {priority}: {', '.join(name for _, name in sorted(found))}"


KINDS: Mapping[str, Callable[[Netns], Iterator[str]]] = {
    "address": _addresses,
    "route": _routes,
    "policy rule": _policy_rules,
    "neighbour": _neighbours,
    "forwarding entry": _forwarding,
    "nexthop": _nexthops,
    "setting": _settings,
    "listener": _listeners,
    "flow": _flows,
    "IPsec policy": _policies,
    "firewall": _firewall,
}
