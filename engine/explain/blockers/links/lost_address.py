"""An address that a device has lost: its engine gave it to the container, or the one device behind a bridge that has
none is where it was."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface, ip_interface, ip_network

from engine.change.route import AddRoute
from engine.explain.blocker import Blocker, Remedy
from engine.explain.blockers.links.link import given_back, peer_of
from engine.explain.failure import Failure
from engine.model.address import IPAddress
from engine.model.container import Container
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.ref import Ref, RefKind
from engine.model.route import NextHop, Route
from engine.path.lookup.broadcast_domain import ports_of
from engine.records import replace


def lost_address(failure: Failure, asked: IPAddress) -> list[Blocker]:
    """The device that lost an address; none where more than one could have."""
    for container in failure.home.containers:
        netns = failure.home.by_id.get(container.netns or "")
        if netns is None or all(asked not in (a.address, a.address6) for a in container.attachments):
            continue
        if asked in netns.addresses_by_value:
            continue
        addressed = {a.link for a in netns.addresses if a.address.version == asked.version}
        devices = [link for link in netns.links if link.kind != "loopback"]
        for link in sorted(devices, key=lambda device: device.index in addressed):
            return [_without(failure, (netns, link), asked, container)]
    device = has_lost_it(failure, asked)
    return [_without(failure, device, asked)] if device is not None else []


def own_address_lost(failure: Failure) -> list[Blocker]:
    """NO_ROUTE where a packet begins: its container's engine gave it an address, and it has none of that version."""
    netns, version = failure.netns, failure.packet.dst.version
    if any(each.address.version == version and not each.address.is_loopback for each in netns.addresses):
        return []
    for container in failure.home.containers_in(netns.id):
        for place in container.attachments:
            given = place.address if version == 4 else place.address6
            links = [link for link in netns.links if link.works and link.kind != "loopback"]
            if given is not None and len(links) == 1:
                lost = _without(failure, (netns, links[0]), given, container)
                gateway = place.gateway_for(given)
                return [lost if gateway is None else replace(lost, remedies=(_with_way_out(lost, links[0], gateway),))]
    return []


def _with_way_out(lost: Blocker, link: Link, gateway: IPAddress) -> Remedy:
    """The default route goes with the address that it needs, and is given back with it."""
    (remedy,) = lost.remedies
    everywhere = ip_network("0.0.0.0/0" if gateway.version == 4 else "::/0")
    route = Route(everywhere, nexthops=(NextHop(link.index, gateway),), text=f"default via {gateway}")
    title = f"{remedy.title}, and add default route via {gateway}"
    return replace(remedy, title=title, changes=(*remedy.changes, AddRoute(lost.at.netns, route)))


def has_lost_it(failure: Failure, asked: IPAddress) -> tuple[Netns, Link] | None:
    """The one device behind a bridge without an address of that IP version, where the asked one is on no interface."""
    bare = list(_unaddressed(failure, asked))
    alone = len(bare) == 1 and all(asked not in netns.addresses_by_value for netns in failure.around)
    return bare[0] if alone else None


def _unaddressed(failure: Failure, asked: IPAddress) -> Iterator[tuple[Netns, Link]]:
    """The devices without an address of that version behind the bridge whose subnet has it."""
    here = failure.netns
    for own in here.addresses:
        bridge = here.links_by_index.get(own.link)
        ports = ports_of(here, bridge) if bridge is not None and bridge.kind == "bridge" and own.covers(asked) else ()
        for netns, link in filter(None, (peer_of(failure, port) for port in ports)):
            others = (each for each in netns.addresses if each.link == link.index)
            if link.works and link.master is None and all(each.address.version != asked.version for each in others):
                yield netns, link


def _without(
    failure: Failure, device: tuple[Netns, Link], asked: IPAddress, container: Container | None = None
) -> Blocker:
    netns, link = device
    who, owner = (container.name, container.engine) if container is not None else (netns.id, "admin")
    own: IPv4Interface | IPv6Interface = ip_interface(f"{asked}/{_length(failure, asked)}")
    ref = Ref(RefKind.LINK, netns.id, (link.index,), link.name, f"{link.name} without {asked}")
    remedy, evidence = given_back(netns, link, own)
    return Blocker("DST_NO_ADDRESS", f"{who} lacks its address {asked} on {link.name}", ref, (remedy,), owner, evidence)


def _length(failure: Failure, asked: IPAddress) -> int:
    """By a subnet of the namespace where it was missed, else of the host."""
    here = prefix_length(failure.netns, asked)
    return here if here < asked.max_prefixlen else prefix_length(failure.home.host_netns, asked)


def prefix_length(netns: Netns, asked: IPAddress) -> int:
    """The length that an address has by a subnet of the namespace, that of one address alone where it has none."""
    return next((own.prefixlen for own in netns.addresses if own.covers(asked)), asked.max_prefixlen)
