"""A device on a page: a bridge with its ports, an uplink, any other. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.container import Network
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from views.describe.page import Facts, Row, Section, alone, naming, page, pairs
from views.text import Line, Role
from views.topology.names import short_name

#: Settings of a device that decide about packets.
SETTINGS = ("forwarding", "rp_filter", "route_localnet", "proxy_arp", "arp_ignore", "accept_local", "disable_ipv6")


def device_lines(snapshot: Snapshot, netns: Netns, link: Link, facts: Facts, width: int) -> list[Line]:
    """The page of a device."""
    state = "up" if link.works else "down" if not link.up else "no carrier"
    network = next((each for each in snapshot.networks if each.bridge == link.name and netns.id == snapshot.host), None)
    sections = [
        Section("", _link(netns, link)),
        Section("Network", _network(network) if network is not None else ()),
        Section("Ports", list(_ports(snapshot, netns, link))),
        Section("Routes by it", list(_routes(netns, link))),
        Section("Neighbours", list(_neighbours(netns, link))),
        Section("Programs", [Row(each.hook, f"{each.kind} {each.name}".rstrip(), Role.WARN) for each in link.programs]),
        Section("Settings", list(_settings(netns, link))),
        naming(facts),
        alone(facts),
    ]
    kind = f"{link.kind or 'device'} in {netns.id} · {state}"
    return page("●" if link.works else "○", network.name if network else link.name, kind, sections, width)


def _link(netns: Netns, link: Link) -> tuple[Row, ...]:
    own = " ".join(str(each) for each in netns.addresses if each.link == link.index)
    master = netns.links_by_index.get(link.master) if link.master is not None else None
    parent = netns.links_by_index.get(link.parent) if link.parent is not None else None
    return pairs(
        ("device", f"{link.name}  index {link.index}"),
        ("addresses", own),
        ("mac", link.mac),
        ("mtu", link.mtu),
        ("other end", f"{link.peer.netns}  index {link.peer.index}" if link.peer and link.peer.netns else ""),
        ("port of", master.name if master else ""),
        ("over", parent.name if parent else ""),
        ("alias", link.alias),
        *((name, value) for name, value in sorted(link.detail.items())),
    )


def _network(network: Network) -> tuple[Row, ...]:
    return pairs(
        ("name", network.name),
        ("engine", network.engine),
        ("driver", network.driver),
        ("subnets", " ".join(network.subnets)),
        ("internal", "yes: no way out" if network.internal else ""),
        *network.options,
    )


def _ports(snapshot: Snapshot, netns: Netns, link: Link) -> Iterator[Row]:
    if link.bridge is not None:
        told = {"VLAN filtering": link.bridge.vlan_filtering, "STP": link.bridge.stp}
        on = ", ".join(name for name, value in told.items() if value)
        if on:
            yield Row("", on)
    for port in netns.ports_by_master.get(link.index, ()):
        there = port.peer.netns if port.peer is not None else None
        inside = snapshot.containers_in(there) if there else ()
        who = " + ".join(each.name for each in inside) or (short_name(snapshot, there) if there else "not seen")
        options = port.port
        flags = (
            "" if port.works else "down",
            options.state if options is not None and options.state != "forwarding" else "",
            "isolated" if options is not None and options.isolated else "",
            "hairpin" if options is not None and options.hairpin else "",
        )
        amiss = not port.works or (options is not None and options.state != "forwarding")
        yield Row(port.name, "  ".join(filter(None, (f"→ {who}", *flags))), Role.WARN if amiss else Role.PLAIN)


def _routes(netns: Netns, link: Link) -> Iterator[Row]:
    for route in netns.routes:
        if route.kind == "unicast" and any(hop.link == link.index for hop in route.nexthops):
            yield Row("", route.text or str(route.destination))


def _neighbours(netns: Netns, link: Link) -> Iterator[Row]:
    for each in netns.neighbours:
        if each.link == link.index and each.state != "noarp":
            failed = each.state in ("failed", "incomplete")
            yield Row(str(each.address), f"{each.mac or '—'}  {each.state}", Role.WARN if failed else Role.PLAIN)


def _settings(netns: Netns, link: Link) -> Iterator[Row]:
    for version in ("ipv4", "ipv6"):
        for name in SETTINGS:
            value = netns.sysctls.get(f"net.{version}.conf.{link.name}.{name}")
            if value:
                yield Row("", f"net.{version}.conf.{link.name}.{name} = {value}")
