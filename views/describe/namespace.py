"""A namespace on a page: the host, or one that is no container's. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.application.proxy import ProxyRoute, ProxySite
from engine.model.firewall import Chain, Table
from engine.model.host import Netns, Snapshot
from engine.model.owner import owner_of_chain
from engine.model.route import table_name
from engine.model.traffic import ConntrackEntry, Listener
from views.describe.page import Facts, Row, Section, alone, naming, page, pairs, reached
from views.text import Line, Role
from views.topology.facts import DOCKER_RESOLVER

#: Settings that decide whether a packet goes on, where they are on.
SETTINGS = (
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv4.conf.all.route_localnet",
    "net.ipv4.icmp_echo_ignore_all",
    "net.ipv6.conf.all.disable_ipv6",
)
#: Those that also count where they are off, and those about bridges, of a namespace that has one.
FORWARDING = ("net.ipv4.ip_forward",)
BRIDGED = ("net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables")
#: The policy rules that every namespace has.
USUAL = (0, 32766, 32767)
#: So many flows are shown.
MOST_FLOWS = 8


def namespace_lines(snapshot: Snapshot, netns: Netns, facts: Facts, width: int) -> list[Line]:
    """The page of a namespace."""
    is_host = netns.id == snapshot.host
    kind = "host" if is_host else "namespace"
    own = (("kernel", snapshot.kernel), ("hostname", snapshot.hostname)) if is_host else ()
    sections = [
        Section("", pairs(*own, ("entered by", netns.path or ""), ("processes", _pids(netns)))),
        *stack(snapshot, netns),
        Section("Firewall", list(_firewall(netns))),
        reached(facts),
        naming(facts),
        alone(facts),
        *missing(snapshot, netns),
    ]
    return page("●", netns.id, kind, sections, width)


def stack(snapshot: Snapshot, netns: Netns) -> Iterator[Section]:
    """What the network stack of a namespace holds."""
    yield Section("Devices", list(devices(snapshot, netns)))
    yield Section("Routes", list(routes(netns)))
    yield Section("Listens", [listener(each) for each in netns.listeners if each.address != DOCKER_RESOLVER])
    yield Section("Passes on", list(passes_on(snapshot, netns)))
    yield Section("Settings", list(_settings(netns)))
    yield Section("Flows", [flow(each) for each in netns.conntrack[:MOST_FLOWS]])


def passes_on(snapshot: Snapshot, netns: Netns) -> Iterator[Row]:
    """The sites of proxies that run there, each with the servers that its paths go to."""
    for proxy in snapshot.proxies:
        if proxy.netns == netns.id:
            if proxy.table.unread:
                yield Row(str(proxy.kind), proxy.table.unread, Role.WARN)
            for site in proxy.table.sites:
                name = " ".join(each for each in site.names if each) or "any name"
                ports = " ".join(f":{door.port}" for door in site.doors)
                for route in site.routes:
                    servers = " ".join(f"{each.host}:{each.port}" for each in route.upstreams)
                    if servers:
                        yield Row(f"{name}{ports}", f"{_paths(site, route)} → {servers}  ({route.at})")


def _paths(site: ProxySite, route: ProxyRoute) -> str:
    """The paths of a route; those of the one that it stands in where it is for all of these."""
    while route.pattern == "/" and 0 < route.within <= len(site.routes):
        outer = site.routes[route.within - 1]
        if outer.within >= route.within:
            break
        route = outer
    return route.pattern


def devices(snapshot: Snapshot, netns: Netns) -> Iterator[Row]:
    """Each device but the loopback: its addresses, state, MAC, MTU, and what is at its other end."""
    for link in netns.links:
        if link.kind == "loopback":
            continue
        own = " ".join(str(each) for each in netns.addresses if each.link == link.index and each.scope != "link")
        master = netns.links_by_index.get(link.master) if link.master is not None else None
        there = snapshot.by_id.get(link.peer.netns or "") if link.peer is not None else None
        peer = there.links_by_index.get(link.peer.index) if there is not None and link.peer is not None else None
        parts = (
            own,
            "" if link.up else "down",
            "" if link.carrier or not link.up else "no carrier",
            f"port of {master.name}" if master else "",
            f"⇄ {peer.name} in {there.id}" if peer and there else "",
            link.mac,
            f"mtu {link.mtu}" if link.mtu != 1500 else "",
        )
        yield Row(link.name, "  ".join(filter(None, parts)), Role.PLAIN if link.works else Role.WARN)


def routes(netns: Netns) -> Iterator[Row]:
    """The routes but those of the local table, and the policy rules that a namespace does not have of itself."""
    for rule in netns.rules:
        if rule.priority not in USUAL:
            yield Row(f"rule {rule.priority}", rule.text)
    for route in netns.routes:
        own = route.destination.is_link_local and route.protocol == "kernel"  # what each device has for fe80::/64
        if route.table != 255 and route.kind == "unicast" and not own:
            name = table_name(route.table)
            yield Row("" if name == "main" else f"table {name}", route.text or str(route.destination))


def listener(each: Listener) -> Row:
    """A listening socket and who holds it."""
    who = each.process
    held = f"{who.name} (pid {who.pid})" if who is not None else "its owner is not known"
    stopped = who is not None and who.state in ("T", "D")
    full = each.backlog and each.queued > each.backlog
    amiss = ", stopped" if stopped else ", its queue is full" if full else ""
    return Row(str(each), held + amiss, Role.WARN if amiss else Role.PLAIN)


def flow(entry: ConntrackEntry) -> Row:
    """A tracked flow, and the tuple of its replies where that is not the other way around."""
    there, back = entry.original, entry.reply
    words = f"{there.src}:{there.sport} → {there.dst}:{there.dport}"
    translated = (back.src, back.dst) != (there.dst, there.src) or (back.sport, back.dport) != (
        there.dport,
        there.sport,
    )
    if translated:
        words += f"  replies {back.src}:{back.sport} → {back.dst}:{back.dport}"
    return Row(str(entry.protocol), f"{words}  {entry.state}".rstrip())


def missing(snapshot: Snapshot, netns: Netns) -> Iterator[Section]:
    """What was not inspected of it."""
    gaps = [gap for gap in snapshot.gaps if gap.netns in ("", netns.id)]
    yield Section("Not inspected", [Row(gap.source, gap.reason, Role.WARN) for gap in gaps])


def _settings(netns: Netns) -> Iterator[Row]:
    bridges = any(link.kind == "bridge" for link in netns.links)
    for name in (*SETTINGS, *(BRIDGED if bridges else ())):
        value = netns.sysctls.get(name)
        if value or (value == 0 and bridges and name in FORWARDING):
            yield Row("", f"{name} = {value}", Role.PLAIN if value else Role.WARN)


def _pids(netns: Netns) -> str:
    more = f" and {len(netns.pids) - 6} more" if len(netns.pids) > 6 else ""
    return " ".join(map(str, netns.pids[:6])) + more


def _firewall(netns: Netns) -> Iterator[Row]:
    """How many rules each owner has in each backend."""
    counts: dict[tuple[str, str], int] = {}
    for table in netns.firewall.tables:
        for chain in table.chains:
            key = (str(table.backend), _owner(table, chain))
            counts[key] = counts.get(key, 0) + len(chain.rules)
    for (backend, owner), count in counts.items():
        if count:
            yield Row(backend, f"{count} rule{'s' * (count != 1)} of {owner}")


def _owner(table: Table, chain: Chain) -> str:
    return owner_of_chain(table.name, chain.name, table.comment)
