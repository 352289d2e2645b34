"""What a link that comes up or goes down does to a snapshot: carriers, and the routes that hang on them. Pure.

A veth end has a carrier when its peer is up, a bridge when a port of it works; connected routes come with a link that
is up, and routes lose the marks of a dead link when it works again.
"""

from __future__ import annotations

from ipaddress import ip_network

from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link
from engine.model.route import NextHop, Route
from engine.records import replace


def with_carriers(snapshot: Snapshot) -> Snapshot:
    """Carriers of veth pairs and bridges as they follow from what is up, and the routes that come and go with them."""
    working = {
        (netns.id, link.index)
        for netns in snapshot.namespaces
        for link in netns.links
        if link.up and _peer_up(snapshot, link)
    }
    for netns in snapshot.namespaces:
        links = []
        for link in netns.links:
            carrier = link.carrier
            if link.kind == "veth" and link.peer is not None and link.peer.netns is not None:
                carrier = (netns.id, link.index) in working
            elif link.kind == "bridge":
                carrier = link.up and any(
                    port.master == link.index and (netns.id, port.index) in working for port in netns.links
                )
            port_state = link.port
            if port_state is not None and link.up and carrier and port_state.state == "disabled":
                port_state = replace(port_state, state="forwarding")
            links.append(replace(link, carrier=carrier, port=port_state))
        if tuple(links) != netns.links:
            snapshot = snapshot.with_netns(replace(netns, links=tuple(links)))
    for netns in snapshot.namespaces:
        routes = _routes_of_up_links(netns)
        if routes != netns.routes:
            snapshot = snapshot.with_netns(replace(netns, routes=routes))
    return snapshot


def _peer_up(snapshot: Snapshot, link: Link) -> bool:
    if link.kind != "veth" or link.peer is None or link.peer.netns is None:
        return link.carrier
    other = snapshot.by_id[link.peer.netns].links_by_index.get(link.peer.index)
    return other is not None and other.up


def _routes_of_up_links(netns: Netns) -> tuple[Route, ...]:
    """The routes, with those that addresses of links that are up bring, and no dead flags of links that work."""
    up = {link.index for link in netns.links if link.up}
    works = {link.index for link in netns.links if link.works}
    routes = [_revived(route, up, works) for route in netns.routes]
    have = {(route.table, route.destination) for route in routes}
    for address in netns.addresses:
        connected, local = connected_route(address, _name(netns, address)), local_route(address)
        if address.link in up and (local.table, local.destination) not in have:
            routes.append(local)
        if address.link in up and connects(address) and (connected.table, connected.destination) not in have:
            routes.append(connected)
    return tuple(routes)


def connects(address: Address) -> bool:
    """Whether the kernel adds a route to the subnet of an address by itself (fib_frontend.c, fib_add_ifaddr)."""
    whole = address.prefixlen == address.address.max_prefixlen and address.address.version == 4
    return not (whole or address.address.is_loopback or "noprefixroute" in address.flags)


def _name(netns: Netns, address: Address) -> str:
    link = netns.links_by_index.get(address.link)
    return link.name if link is not None else f"(link {address.link})"


def _revived(route: Route, up: set[int], works: set[int]) -> Route:
    hops = []
    for hop in route.nexthops:
        gone: set[str] = set()
        if hop.link in up:
            gone.add("dead")
        if hop.link in works:
            gone.add("linkdown")
        hops.append(replace(hop, flags=hop.flags - gone) if hop.flags & gone else hop)
    return replace(route, nexthops=tuple(hops))


def connected_route(address: Address, device: str) -> Route:
    """The route to an address's own network."""
    network = ip_network(str(address), strict=False)
    text = f"{network} dev {device} scope link"
    return Route(
        network,
        scope="link" if network.version == 4 else "global",
        protocol="kernel",
        preferred_source=address.address if network.version == 4 else None,
        nexthops=(NextHop(address.link),),
        text=text,
    )


def local_route(address: Address) -> Route:
    """The route by which a namespace takes in packets for an address of its own."""
    network = ip_network(str(address.address))
    return Route(
        network, 255, "local", scope="host", nexthops=(NextHop(address.link),), text=f"local {address.address}"
    )
