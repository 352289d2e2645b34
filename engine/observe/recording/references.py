"""What a recording's parts say of each other, checked once when it is opened.

A name or an index that is not in the file is removed, a rule's number is that of its place, and a gap says so: later
lookups find what they look for, or see that it was not inspected.

A recording lacks what it names when somebody cut a namespace out of it, or joined parts of two hosts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.model.container import Container
from engine.model.firewall import Chain
from engine.model.host import Gap, Netns, Snapshot
from engine.model.link import Link, Peer
from engine.model.route import Route
from engine.records import replace

SOURCE = "recording"
#: Kinds of routes without a next hop (ip-route(8)).
REFUSING = frozenset({"unreachable", "prohibit", "blackhole", "throw"})


def sound(snapshot: Snapshot) -> Snapshot:
    """The snapshot with references that lead somewhere, and a gap for each that did not."""
    unknown_hosts = list(_gaps_of_machines(snapshot))
    gaps = [
        *unknown_hosts,
        *_gaps_of_links(snapshot),
        *_gaps_of_containers(snapshot),
        *_gaps_of_routes(snapshot),
        *_gaps_of_rules(snapshot),
        *_gaps_of_names(snapshot),
    ]
    if not gaps:
        return snapshot
    known = snapshot.by_id.keys()
    return replace(
        snapshot,
        namespaces=tuple(_mended(netns, known) for netns in snapshot.namespaces),
        containers=tuple(one if _lives(one, known) else replace(one, netns=None) for one in snapshot.containers),
        name_configs=tuple(each for each in snapshot.name_configs if each.netns in known),
        resolvers=tuple(each for each in snapshot.resolvers if each.netns in known),
        proxies=tuple(each for each in snapshot.proxies if each.netns in known),
        gaps=(*snapshot.gaps, *gaps),
        machines=() if unknown_hosts else snapshot.machines,
        joins=() if unknown_hosts else snapshot.joins,
    )


def within(snapshot: Snapshot, places: Collection[str]) -> Snapshot:
    """The snapshot of these namespaces alone, with the containers in them and those that do not run; a link that leads
    out of them has its far end out of sight. The host is one of them."""
    containers = (one for one in snapshot.containers if one.netns is None or one.netns in places)
    namespaces = (netns for netns in snapshot.namespaces if netns.id in places)
    part = replace(
        snapshot,
        namespaces=tuple(namespaces),
        containers=tuple(containers),
        name_configs=tuple(each for each in snapshot.name_configs if each.netns in places),
        resolvers=tuple(each for each in snapshot.resolvers if each.netns in places),
        proxies=tuple(each for each in snapshot.proxies if each.netns in places),
    )
    mended = tuple(_mended(netns, part.by_id) for netns in part.namespaces)
    return replace(
        part, namespaces=mended, gaps=tuple(gap for gap in part.gaps if not gap.netns or gap.netns in places)
    )


def _lives(container: Container, known: Collection[str]) -> bool:
    return container.netns is None or container.netns in known


def _gaps_of_machines(snapshot: Snapshot) -> Iterator[Gap]:
    """Several hosts are known as such where each namespace is of one of them, and each has its home."""
    names = [each.name for each in snapshot.machines]
    homes = {each.home: each.name for each in snapshot.machines}
    at_home = {netns.id: netns.machine for netns in snapshot.namespaces if netns.id in homes}
    owners = {netns.machine for netns in snapshot.namespaces}
    ends = {plug.netns for join in snapshot.joins for plug in (join.near, join.far)}
    if len(set(names)) != len(names):
        yield Gap(SOURCE, "", "two hosts in the file have one name; they are taken for a single one")
    elif names and (at_home != homes or not owners <= set(names)):
        yield Gap(SOURCE, "", "the file has parts of a host that it does not name; all are taken for a single one")
    elif not ends <= snapshot.by_id.keys() or (snapshot.joins and not names):
        yield Gap(SOURCE, "", "a join of the file leads to nothing; its hosts are taken for a single one")


def _gaps_of_containers(snapshot: Snapshot) -> Iterator[Gap]:
    for container in snapshot.containers:
        if not _lives(container, snapshot.by_id):
            reason = f"container {container.name} is in namespace {container.netns}, which is not in the file"
            yield Gap(SOURCE, container.netns or "", reason)


def _gaps_of_names(snapshot: Snapshot) -> Iterator[Gap]:
    told = [("a proxy", each.netns) for each in snapshot.proxies]
    told += [("a resolver", each.netns) for each in snapshot.resolvers]
    told += [("a configuration of names", each.netns) for each in snapshot.name_configs]
    for what, netns in told:
        if netns not in snapshot.by_id:
            yield Gap(SOURCE, netns, f"{what} is in namespace {netns}, which is not in the file")


def _gaps_of_links(snapshot: Snapshot) -> Iterator[Gap]:
    for netns in snapshot.namespaces:
        indexes = netns.links_by_index.keys()
        for link in netns.links:
            if _leads_out(link, snapshot.by_id):
                there = link.peer.netns if link.peer else ""
                reason = f"the peer of {link.name} is in namespace {there}, which is not in the file"
                yield Gap(SOURCE, netns.id, reason)
            if link.master is not None and link.master not in indexes:
                reason = f"{link.name} is a port of device {link.master}, which is not in the file"
                yield Gap(SOURCE, netns.id, reason)


def _gaps_of_routes(snapshot: Snapshot) -> Iterator[Gap]:
    for netns in snapshot.namespaces:
        for route in netns.routes:
            if not _leads_on(route):
                yield Gap(SOURCE, netns.id, f"the route to {route.destination} has no next hop in the file")


def _gaps_of_rules(snapshot: Snapshot) -> Iterator[Gap]:
    for netns in snapshot.namespaces:
        for table in netns.firewall.tables:
            for chain in table.chains:
                if not _in_order(chain):
                    reason = f"the rules of {table.name}/{chain.name} are not numbered as they stand in the file"
                    yield Gap(SOURCE, netns.id, reason)


def _in_order(chain: Chain) -> bool:
    return all(rule.index == place for place, rule in enumerate(chain.rules))


def _numbered(chain: Chain) -> Chain:
    if _in_order(chain):
        return chain
    return replace(chain, rules=tuple(replace(rule, index=place) for place, rule in enumerate(chain.rules)))


def _leads_on(route: Route) -> bool:
    """Whether a route says where packets go: every kind does but those that refuse them."""
    return bool(route.nexthops) or route.nexthop is not None or route.kind in REFUSING


def _leads_out(link: Link, known: Collection[str]) -> bool:
    return link.peer is not None and link.peer.netns is not None and link.peer.netns not in known


def _mended(netns: Netns, known: Collection[str]) -> Netns:
    indexes = netns.links_by_index.keys()
    links = []
    for link in netns.links:
        peer = Peer(None, link.peer.index) if link.peer is not None and _leads_out(link, known) else link.peer
        master = link.master if link.master is None or link.master in indexes else None
        alike = peer is link.peer and master == link.master
        links.append(link if alike else replace(link, peer=peer, master=master))
    tables = tuple(
        each if all(map(_in_order, each.chains)) else replace(each, chains=tuple(map(_numbered, each.chains)))
        for each in netns.firewall.tables
    )
    return replace(
        netns,
        links=tuple(links),
        routes=tuple(route for route in netns.routes if _leads_on(route)),
        firewall=replace(netns.firewall, tables=tables),
    )
