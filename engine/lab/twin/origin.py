"""A twin as a lab: the blueprint that the other verbs read.

Bridges, containers and published ports are those that the snapshot's engine told of, as far as they are what a lab's
are: an end on a bridge with an address of IPv4. Everything else is a node by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface

from engine.lab.blueprint import Blueprint, Bridge, End, Node, Outside, Published, TwinOrigin
from engine.lab.spec import FilePlace, LabSpec, ListenSpec, ServiceSpec
from engine.lab.twin.links import FAR
from engine.lab.twin.rebuild import Rebuilt
from engine.model.container import Attachment, Container
from engine.model.firewall import Backend
from engine.model.host import Netns, Snapshot
from engine.model.link import Link

#: The firewall tools of a lab, by the backend that the snapshot's rules are in.
TOOLS = {Backend.XT_NFT: "iptables-nft", Backend.XT_LEGACY: "iptables-legacy", Backend.NFT: "nft"}
MODE = "networks"


def blueprint(rebuilt: Rebuilt, name: str, file: str) -> Blueprint:
    """The lab that a twin is."""
    snapshot = rebuilt.snapshot
    host = snapshot.host_netns
    bridges = {each.name: each for each in _bridges(snapshot)}
    named = {node.origin: node.name for node in rebuilt.nodes}
    places = {node.origin: node.netns for node in rebuilt.nodes}
    nodes: list[Node] = []
    published: list[Published] = []
    neighbours = {node.netns: node for node in _neighbours(rebuilt)}
    for node in rebuilt.nodes:
        if node.origin == snapshot.host or node.netns in neighbours:
            continue
        netns = snapshot.by_id[node.origin]
        here = [each for each in snapshot.containers_in(netns.id) if each.attachments or each.published]
        ends = tuple(end for each in here[:1] for end in _ends(snapshot, netns, each, bridges))
        nodes.append(Node(node.name, node.netns, MODE, ends, ends[0] if ends else None, tuple(_listens(netns))))
        published += [one for each in here for one in _published(each, node.name, ends)]
    spec = LabSpec(
        name=name,
        file=file,
        services=tuple(ServiceSpec(node.name, FilePlace(file, 1, node.name)) for node in nodes),
        networks=(),
        title=rebuilt.plan.title,
        layout="podman" if any(each.engine.startswith("podman") for each in snapshot.containers) else "docker-26",
        listens=(("host", tuple(_listens(host))),),
        names=False,
        notes=tuple(map(str, rebuilt.left_out)),
    )
    origin = TwinOrigin(snapshot, tuple((node.name, node.netns, node.origin) for node in rebuilt.nodes))
    outside = (*neighbours.values(), *_outside(rebuilt, named, places))
    return Blueprint(spec, tuple(bridges.values()), tuple(nodes), tuple(published), outside, _tools(host), origin)


def _tools(host: Netns) -> str:
    """The tools of the backend that has most of the host's rules."""
    counts = dict.fromkeys(TOOLS, 0)
    for table in host.firewall.tables:
        counts[table.backend] += 1 + sum(len(chain.rules) for chain in table.chains)
    return TOOLS[max(counts, key=lambda each: counts[each])]


def _bridges(snapshot: Snapshot) -> Iterator[Bridge]:
    host = snapshot.host_netns
    for network in snapshot.networks:
        link = host.links_by_name.get(network.bridge)
        four = [each for each in network.ranges if isinstance(each, IPv4Network)]
        own = [
            each.address
            for each in host.addresses
            if link is not None and each.link == link.index and isinstance(each.address, IPv4Address)
        ]
        if link is not None and four and own:
            yield Bridge(network.name, link.name, four[0], own[0], internal=network.internal)


def _ends(snapshot: Snapshot, netns: Netns, container: Container, bridges: Mapping[str, Bridge]) -> Iterator[End]:
    for each in container.attachments:
        bridge = bridges.get(each.network)
        found = _device(snapshot, netns, each)
        if bridge is not None and found is not None and isinstance(each.address, IPv4Address):
            inner, outer = found
            six = next(
                (
                    IPv6Interface(str(one))
                    for one in netns.addresses
                    if one.link == inner.index and one.address == each.address6
                ),
                None,
            )
            yield End(bridge, outer.name, inner.name, IPv4Interface(f"{each.address}/{bridge.subnet.prefixlen}"), six)


def _device(snapshot: Snapshot, netns: Netns, place: Attachment) -> tuple[Link, Link] | None:
    """A container's device in a network, and its other end on the host."""
    own = netns.addresses_by_value.get(place.address) if place.address is not None else None
    inner = netns.links_by_index.get(own.link) if own is not None else None
    if inner is None or inner.peer is None or inner.peer.netns != snapshot.host:
        return None
    outer = snapshot.host_netns.links_by_index.get(inner.peer.index)
    return (inner, outer) if outer is not None else None


def _published(container: Container, node: str, ends: tuple[End, ...]) -> Iterator[Published]:
    for port in container.published:
        if ends and port.host_port:
            yield Published(node, port.protocol, port.host_address, port.host_port, port.container_port, ends[0])


def _listens(netns: Netns) -> Iterator[ListenSpec]:
    seen = dict.fromkeys(ListenSpec(each.protocol, each.port, each.address) for each in netns.listeners)
    yield from seen


def _neighbours(rebuilt: Rebuilt) -> Iterator[Outside]:
    """Namespaces without a container at the other end of a cable of the host: clients of a test bed."""
    snapshot = rebuilt.snapshot
    host = snapshot.host_netns
    for node in rebuilt.nodes:
        if node.origin == snapshot.host or snapshot.containers_in(node.origin):
            continue
        for near_link in host.links:
            peer = near_link.peer
            if peer is None or peer.netns != node.origin or near_link.master is not None:
                continue
            netns = snapshot.by_id[node.origin]
            near, far = _first4(host, near_link.index), _first4(netns, peer.index)
            link = netns.links_by_index.get(peer.index)
            if near is not None and far is not None and link is not None:
                here = next(each.netns for each in rebuilt.nodes if each.origin == snapshot.host)
                listens = tuple(_listens(netns))
                yield Outside(node.name, node.netns, here, near_link.name, near, link.name, far, listens=listens)
                break


def _first4(netns: Netns, link: int) -> IPv4Interface | None:
    """The first address of IPv4 that a device has."""
    found = (each for each in netns.addresses if each.link == link and isinstance(each.address, IPv4Address))
    return next((IPv4Interface(f"{each.address}/{each.prefixlen}") for each in found), None)


def _outside(rebuilt: Rebuilt, named: Mapping[str, str], places: Mapping[str, str]) -> Iterator[Outside]:
    """Nodes beyond devices that have an address of IPv4 each: those beyond the host first."""
    host = rebuilt.snapshot.host
    for each in sorted(rebuilt.beyond, key=lambda one: one.stub.origin != host):
        netns = rebuilt.snapshot.by_id[each.stub.origin]
        near = _first4(netns, each.stub.link.index)
        far = next((one for one in each.addresses if isinstance(one, IPv4Address)), None)
        if near is None or far is None or each.stub.origin not in named:
            continue
        yield Outside(
            each.stub.node.name,
            each.stub.node.netns,
            places[each.stub.origin],
            each.stub.link.name,
            near,
            FAR,
            IPv4Interface(f"{far}/{near.network.prefixlen}"),
        )
