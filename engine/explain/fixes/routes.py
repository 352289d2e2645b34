"""Routes that a fix adds: by a neighbour that has the destination or knows a way, for one address where that is enough.

A neighbour is in one of the namespace's own subnets; or the namespace is in the neighbour's, since its own mask is too
narrow, as a container's with /32.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from engine.change.address import AddAddress
from engine.change.route import AddRoute
from engine.change.words import MAIN_TABLE
from engine.explain.blocker import Remedy
from engine.explain.failure import FailedLeg, Failure
from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Netns
from engine.model.link import Address, Link
from engine.model.route import NextHop, Route
from engine.path.lookup.fib import Fib, FlowKey, Found

#: By so many devices a route is tried that only has to be there.
MOST_DEVICES = 3


def ways(failure: Failure, netns: Netns, wanted: IPAddress) -> list[Remedy]:
    """Routes that could be added: by whoever sent the question, else by a neighbour that forwards.

    None for a destination that has a route already: the kernel takes no second one of the same metric.
    """
    everywhere = ip_network("0.0.0.0/0" if wanted.version == 4 else "::/0")
    there = {route.destination for route in netns.routes if route.table == MAIN_TABLE and not route.metric}
    found = []
    for hop in gateways(failure, netns, wanted):
        destination = ip_network(str(wanted)) if everywhere in there else everywhere
        link = netns.links_by_index[hop.link or 0]
        by, way, scope = str(hop.gateway), hop, "global"
        if hop.gateway == wanted:
            own = (a for a in netns.addresses if a.link == link.index and a.covers(wanted))
            destination = next((ip_network(str(a), strict=False) for a in own), ip_network(str(wanted)))
            by, way, scope = link.name, NextHop(link.index), "link" if wanted.version == 4 else "global"
        if destination not in there:
            route = Route(destination, scope=scope, nexthops=(way,), text=f"{destination} via {by}")
            title = f"add {network_word(destination)} route via {by} in {netns.id}"
            found.append(Remedy(title, (AddRoute(netns.id, route),)))
    return found


def up_to_output(failure: Failure, netns: Netns, wanted: IPAddress) -> Iterator[Remedy]:
    """Routes for an address that the namespace itself translates, as a service's: what it sends there has to have a
    route, whichever, before the rules of OUTPUT are asked, and is routed again after them. By an uplink before a
    bridge, so that it gets the source that a default route would give it."""
    if failure.leg is not FailedLeg.FORWARD or len(failure.trace.hops) > 1 or not _translates_output(netns):
        return
    addressed = {
        each.link for each in netns.addresses if each.address.version == wanted.version and each.scope != "link"
    }
    links = (link for link in netns.links if link.works and link.kind != "loopback" and link.index in addressed)
    for link in sorted(links, key=lambda each: each.kind == "bridge")[:MOST_DEVICES]:
        to, scope = ip_network(wanted), "link" if wanted.version == 4 else "global"
        route = Route(to, scope=scope, nexthops=(NextHop(link.index),), text=f"{to} dev {link.name}")
        title = f"add route {to} dev {link.name} in {netns.id}, so that the packet reaches the NAT rules"
        yield Remedy(title, (AddRoute(netns.id, route),))


def _translates_output(netns: Netns) -> bool:
    chains = (chain for table in netns.firewall.tables for chain in table.chains)
    return any(chain.base is not None and (chain.base.kind, chain.base.hook) == ("nat", "output") for chain in chains)


def gateways(failure: Failure, netns: Netns, wanted: IPAddress) -> list[NextHop]:
    """Neighbours that can take packets for `wanted`: whoever has it, then engines' gateways, then others; those in the
    namespace's own subnets first.

    Where the failing packet has been before, it does not go again. A neighbour that no route leads to, since the
    namespace's own mask is narrower than its neighbour's, is a next hop that is told to be on the link.
    """
    been = {hop.netns for hop in failure.trace.hops} if wanted == failure.packet.dst else set()
    declared = {
        gateway
        for container in failure.home.containers_in(netns.id)
        for attachment in container.attachments
        for gateway in (attachment.gateway, attachment.gateway6)
    }
    found: list[tuple[bool, bool, bool, NextHop]] = []
    for link in netns.links:
        if not link.works or link.kind == "loopback":
            continue
        for there, address in neighbours(failure, netns, link):
            gateway = address.address
            if gateway.version != wanted.version or (there.id in been and wanted not in there.addresses_by_value):
                continue
            on_link = _on_link(netns, link, gateway)
            if not (on_link or _has_in_its_network(netns, link, address)):
                continue
            if _can_take(failure.world.fib(there), there, wanted):
                reached = _leads_to(failure.world.fib(netns), link, gateway)
                hop = NextHop(link.index, gateway, flags=frozenset() if reached else frozenset({"onlink"}))
                found.append((gateway != wanted, gateway not in declared, not on_link, hop))
    found.sort(key=lambda entry: entry[:3])
    return [hop for *_, hop in found[:3]]


def neighbours(failure: Failure, netns: Netns, link: Link) -> Iterator[tuple[Netns, Address]]:
    """Who is on the link, with each of their addresses there."""
    for station in failure.world.segment(netns, link).stations:
        there = failure.world.netns(station.netns)
        yield from ((there, address) for address in there.addresses if address.link == station.link.index)


def _can_take(fib: Fib, there: Netns, wanted: IPAddress) -> bool:
    """Whether a namespace has the address, or forwards and knows a way to it."""
    if wanted in there.addresses_by_value:
        return True
    forwards = there.sysctl("net.ipv4.ip_forward" if wanted.version == 4 else "net.ipv6.conf.all.forwarding")
    return bool(forwards) and isinstance(fib.lookup(FlowKey(wanted)), Found)


def _on_link(netns: Netns, link: Link, address: IPAddress) -> bool:
    own = (a for a in netns.addresses if a.link == link.index and a.scope != "link" and a.address != address)
    return any(each.covers(address) for each in own)


def _has_in_its_network(netns: Netns, link: Link, neighbour: Address) -> bool:
    """Whether a neighbour would find an address of the namespace on the link."""
    own = (a.address for a in netns.addresses if a.link == link.index and a.scope != "link")
    return any(neighbour.covers(each) for each in own)


def _leads_to(fib: Fib, link: Link, gateway: IPAddress) -> bool:
    """Whether a route of the link's own leads to a gateway, as the kernel wants it (fib_semantics.c, fib_check_nh)."""
    found = fib.lookup(FlowKey(gateway))
    hops = found.nexthops[:1] if isinstance(found, Found) else ()
    return any((hop.link, hop.gateway) == (link.index, None) for hop in hops)


def wider_masks(failure: Failure, netns: Netns, wanted: IPAddress) -> Iterator[Remedy]:
    """An address gets the mask that its neighbours have, where the destination is one of them."""
    for own, wide in narrow_masks(failure, netns, wanted):
        if wanted in wide:
            name, whole = netns.links_by_index[own.link].name, Address(own.link, own.address, wide.prefixlen)
            yield Remedy(
                f"assign {whole} to {name} in {netns.id}, with its neighbours' prefix length",
                (AddAddress(netns.id, name, whole),),
            )


def narrow_masks(failure: Failure, netns: Netns, wanted: IPAddress) -> Iterator[tuple[Address, IPNetwork]]:
    """Addresses whose mask is narrower than what a neighbour on the same link has for them, with the neighbour's."""
    for own in netns.addresses:
        link = netns.links_by_index.get(own.link)
        if link is None or not link.works or own.scope == "link" or own.address.version != wanted.version:
            continue
        wide = [each for _, each in neighbours(failure, netns, link) if each.covers(own.address)]
        if wide and all(each.prefixlen < own.prefixlen for each in wide):
            yield own, ip_network(str(wide[0]), strict=False)


def network_word(network: object) -> str:
    """A destination as ip-route(8) calls it."""
    return "default" if str(network) in ("0.0.0.0/0", "::/0") else str(network)
