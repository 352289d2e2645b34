"""A snapshot as it would be after a change. Pure: the host is not touched.

One function for each kind of change, in one table. A change does what the kernel does beside it: `ip_forward`
sets every device's forwarding, a link that comes up gets its carrier and its connected routes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from engine.change.applied_links import (
    connected_route,
    connects,
    exchange_link,
    local_route,
    with_carriers,
    with_loopback6,
    with_netns,
)
from engine.change.applied_rules import delete_element, delete_rule, insert_rule, replace_rule
from engine.change.plan import (
    AddAddress,
    AddForwarding,
    AddPolicyRule,
    AddRoute,
    Change,
    DeleteAddress,
    DeleteElement,
    DeleteFlow,
    DeleteForwarding,
    DeleteNeighbour,
    DeletePolicyRule,
    DeleteRoute,
    DeleteRule,
    InsertRule,
    Listen,
    ReplaceRule,
    SetArp,
    SetContainer,
    SetLink,
    SetPort,
    SetSysctl,
)
from engine.change.republish import published_table
from engine.model.address import Family
from engine.model.host import Snapshot
from engine.model.link import BridgePort, FdbEntry
from engine.model.traffic import Listener


def apply(snapshot: Snapshot, changes: Iterable[Change]) -> Snapshot:
    """The snapshot after the changes, in order. Raises `StaleChangeError` when it does not fit."""
    for change in changes:
        snapshot = APPLY[type(change)](snapshot, change)
    return snapshot


def _set_sysctl(snapshot: Snapshot, change: SetSysctl) -> Snapshot:
    if change.name == "net.netfilter.nf_conntrack_max":  # one variable of the kernel, which every namespace shows
        everywhere = ({**netns.sysctls, change.name: change.value} for netns in snapshot.namespaces)
        pairs = zip(snapshot.namespaces, everywhere, strict=True)
        return replace(snapshot, namespaces=tuple(replace(netns, sysctls=values) for netns, values in pairs))
    netns = snapshot.by_id[change.netns]
    values = {**netns.sysctls, change.name: change.value}
    if change.name == "net.ipv4.ip_forward":
        values.update(
            {
                name: change.value
                for name in values
                if name.startswith("net.ipv4.conf.") and name.endswith(".forwarding")
            }
        )
    return with_netns(snapshot, replace(netns, sysctls=values))


def _add_route(snapshot: Snapshot, change: AddRoute) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    return with_netns(snapshot, replace(netns, routes=(*netns.routes, change.route)))


def _delete_route(snapshot: Snapshot, change: DeleteRoute) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    return with_netns(snapshot, replace(netns, routes=tuple(r for r in netns.routes if r != change.route)))


def _add_policy_rule(snapshot: Snapshot, change: AddPolicyRule) -> Snapshot:
    """Among rules of one priority the new one is asked last (fib_nl_newrule)."""
    netns = snapshot.by_id[change.netns]
    rules = sorted((*netns.rules, change.rule), key=lambda rule: rule.priority)
    return with_netns(snapshot, replace(netns, rules=tuple(rules)))


def _delete_policy_rule(snapshot: Snapshot, change: DeletePolicyRule) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    return with_netns(snapshot, replace(netns, rules=tuple(r for r in netns.rules if r != change.rule)))


def _add_address(snapshot: Snapshot, change: AddAddress) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    link = netns.links_by_name[change.link]
    address = replace(change.address, link=link.index)
    routes = (
        *netns.routes,
        local_route(address),
        *((connected_route(address, change.link),) if link.works and connects(address) else ()),
    )
    return with_netns(snapshot, replace(netns, addresses=(*netns.addresses, address), routes=routes))


def _delete_address(snapshot: Snapshot, change: DeleteAddress) -> Snapshot:
    """The address goes, and with it its own local and connected routes."""
    netns = snapshot.by_id[change.netns]
    gone = change.address
    addresses = tuple(a for a in netns.addresses if (a.link, a.address) != (gone.link, gone.address))
    own = ip_network(str(gone.address))
    routes = tuple(r for r in netns.routes if r.destination != own and r.preferred_source != gone.address)
    return with_netns(snapshot, replace(netns, addresses=addresses, routes=routes))


def _delete_neighbour(snapshot: Snapshot, change: DeleteNeighbour) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    link = netns.links_by_name[change.link]
    kept = tuple(n for n in netns.neighbours if (n.link, n.address) != (link.index, change.address))
    return with_netns(snapshot, replace(netns, neighbours=kept))


def _delete_flow(snapshot: Snapshot, change: DeleteFlow) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    return with_netns(snapshot, replace(netns, conntrack=tuple(e for e in netns.conntrack if e != change.entry)))


def _add_forwarding(snapshot: Snapshot, change: AddForwarding) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    link = netns.links_by_name[change.link]
    entry = FdbEntry(link.index, link.master, change.mac, destination=change.remote)
    return with_netns(snapshot, replace(netns, fdb=(*netns.fdb, entry)))


def _delete_forwarding(snapshot: Snapshot, change: DeleteForwarding) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    gone = (netns.links_by_name[change.link].index, change.mac, change.remote)
    rest = tuple(each for each in netns.fdb if (each.link, each.mac, each.destination) != gone)
    return with_netns(snapshot, replace(netns, fdb=rest))


def _set_link(snapshot: Snapshot, change: SetLink) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    link = netns.links_by_name[change.link]
    if change.master is not None:
        master = netns.links_by_name[change.master].index if change.master else None
        link = replace(link, master=master, port=link.port or BridgePort())
    if change.up is not None:
        port = replace(link.port, state="forwarding") if link.port and change.up else link.port
        link = replace(link, up=change.up, port=port)
    changed = exchange_link(netns, link)
    return with_carriers(with_netns(snapshot, with_loopback6(changed, link) if change.up else changed))


def _set_arp(snapshot: Snapshot, change: SetArp) -> Snapshot:
    """The device forgets all its neighbours, those by hand as well (arp_netdev_event, ndisc_netdev_event)."""
    netns = snapshot.by_id[change.netns]
    link = netns.links_by_name[change.link]
    rest = tuple(each for each in netns.neighbours if each.link != link.index)
    return with_netns(snapshot, replace(exchange_link(netns, replace(link, noarp=not change.on)), neighbours=rest))


def _set_port(snapshot: Snapshot, change: SetPort) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    link = netns.links_by_name[change.link]
    values: dict[str, Any] = {change.field: bool(change.value)}
    port = replace(link.port or BridgePort(), **values)
    return with_netns(snapshot, exchange_link(netns, replace(link, port=port)))


def _set_container(snapshot: Snapshot, change: SetContainer) -> Snapshot:
    containers = tuple(replace(c, state=change.state) if c.id == change.container else c for c in snapshot.containers)
    if change.words[0] in ("start", "restart"):
        snapshot = _ports_held(snapshot, change)
    if change.words[:2] == ("network", "reload"):
        snapshot = _published_anew(snapshot, change)
    return replace(snapshot, containers=containers)


def _published_anew(snapshot: Snapshot, change: SetContainer) -> Snapshot:
    host = snapshot.host_netns
    tables = (published_table(snapshot, each) for each in snapshot.containers if each.id == change.container)
    firewall = replace(host.firewall, tables=(*host.firewall.tables, *tables))
    return with_netns(snapshot, replace(host, firewall=firewall))


def _ports_held(snapshot: Snapshot, change: SetContainer) -> Snapshot:
    """A container that starts has its published ports held on the host again (by the engine's proxy)."""
    host = snapshot.host_netns
    held = tuple(
        Listener(port.protocol, Family.INET, port.host_address, port.host_port)
        for container in snapshot.containers
        if container.id == change.container
        for port in container.published
    )
    return with_netns(snapshot, replace(host, listeners=(*host.listeners, *held)))


def _listen(snapshot: Snapshot, change: Listen) -> Snapshot:
    netns = snapshot.by_id[change.netns]
    kept = tuple(listener for listener in netns.listeners if listener != change.instead_of)
    return with_netns(snapshot, replace(netns, listeners=(*kept, change.listener)))


APPLY: Mapping[type[Any], Callable[[Snapshot, Any], Snapshot]] = {
    SetSysctl: _set_sysctl,
    InsertRule: insert_rule,
    ReplaceRule: replace_rule,
    DeleteRule: delete_rule,
    DeleteElement: delete_element,
    AddRoute: _add_route,
    DeleteRoute: _delete_route,
    AddPolicyRule: _add_policy_rule,
    DeletePolicyRule: _delete_policy_rule,
    AddAddress: _add_address,
    DeleteAddress: _delete_address,
    DeleteNeighbour: _delete_neighbour,
    DeleteFlow: _delete_flow,
    AddForwarding: _add_forwarding,
    DeleteForwarding: _delete_forwarding,
    SetLink: _set_link,
    SetArp: _set_arp,
    SetPort: _set_port,
    SetContainer: _set_container,
    Listen: _listen,
}
