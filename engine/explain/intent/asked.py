"""A question with where it asks: the namespace that has the address, the client's, and what is served around them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.survey.everywhere import uplinks
from engine.explain.survey.probes import takes, translated
from engine.model.address import IPAddress
from engine.model.container import Container, PublishedPort
from engine.model.host import Netns, Snapshot
from engine.model.traffic import Listener
from engine.model.verdict import Question
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the namespace that it asks at (None: no interface has the address), and the client's namespace."""

    snapshot: Snapshot
    question: Question
    netns: Netns | None
    client: Netns

    @property
    def port(self) -> int:
        """The port that is asked for."""
        return self.question.port

    @property
    def at_host(self) -> bool:
        """Whether the host is asked."""
        return self.netns is not None and self.netns.id == self.snapshot.host

    @property
    def outside(self) -> bool:
        """Whether the client is no namespace of the snapshot."""
        return self.question.source.outside

    def listeners(self, netns: Netns) -> Iterator[Listener]:
        """What serves the question's protocol in a namespace: programs, not an engine's relays."""
        for each in netns.listeners:
            relay = each.process is not None and each.process.relay is not None
            if each.protocol is self.question.protocol and not relay:
                yield each

    def name(self, netns: Netns) -> str:
        """The container of a namespace, else the namespace."""
        inside = self.snapshot.containers_in(netns.id) if netns.id != self.snapshot.host else ()
        return inside[0].name if inside else netns.id


def published_ports(asked: Asked) -> Iterator[tuple[Container, PublishedPort]]:
    """What running containers publish on the host, of the question's protocol."""
    for container, published in asked.snapshot.published:
        if container.state == "running" and published.protocol is asked.question.protocol and published.host_port:
            yield container, published


def translated_ports(asked: Asked) -> Iterator[tuple[Netns, IPAddress, int, int]]:
    """What rules alone publish on the host, where no engine says so: the namespace and its address, the host's port,
    the port inside."""
    known = {(one.host_port, one.container_port) for _, one in published_ports(asked)}
    for door in translated(asked.snapshot, asked.question):
        for address, port in door.inner if door.protocol is asked.question.protocol else ():
            netns = next((each for each in asked.snapshot.namespaces if address in each.addresses_by_value), None)
            if netns is not None and netns.id != asked.snapshot.host and (door.port, port) not in known:
                yield netns, address, door.port, port


def on_port(asked: Asked, netns: Netns) -> Iterator[Listener]:
    """What serves the question's port in a namespace."""
    return (each for each in asked.listeners(netns) if each.port == asked.port)


def addresses(asked: Asked, netns: Netns) -> list[IPAddress]:
    """A namespace's addresses that the client can ask, those in a subnet of its own first."""
    own = [each for each in netns.addresses if each.scope == "global" and not each.address.is_loopback]
    if asked.outside:
        own = [each for each in own if each.address.version == asked.question.address.version]
    beside = [each.address for each in own if any(mine.covers(each.address) for mine in asked.client.addresses)]
    return list(dict.fromkeys((*beside, *(each.address for each in own))))


def bound_to(published: PublishedPort) -> IPAddress | None:
    """The host's address that a port is published on alone; None for one that is published on all."""
    address = published.host_address
    return None if address is None or address.is_unspecified else address


def host_addresses(asked: Asked, version: int = 0) -> list[IPAddress]:
    """The host's address as the client has it: in a subnet that both are in, else that of an uplink."""
    host, version = asked.snapshot.host_netns, version or asked.question.address.version
    if asked.outside:
        link = host.links_by_name.get(asked.question.source.device or "")
        on_it = [each.address for each in host.addresses if link is not None and each.link == link.index]
        return [each for each in on_it if each.version == version][:1]
    outer = [each.address for _, each in uplinks(asked.snapshot, version)]
    if asked.client.id == host.id:
        return [*outer, *(each for each in addresses(asked, host) if each.version == version)][:1]
    near = [each for each in addresses(asked, host) if any(mine.covers(each) for mine in asked.client.addresses)]
    return [each for each in (*near, *outer) if each.version == version][:1]


def elsewhere(asked: Asked, version: int) -> Iterator[tuple[Netns, IPAddress]]:
    """Other namespaces that serve the port, each at the address that is nearest to the client."""
    here = {asked.client.id, asked.netns.id if asked.netns is not None else ""}
    for netns in asked.snapshot.namespaces:
        served = [] if netns.id in here else list(on_port(asked, netns))
        own = [each for each in addresses(asked, netns) if each.version == version] if served else []
        address = next((each for each in own if any(takes(listener, each) for listener in served)), None)
        if address is not None:
            yield netns, address


def same_subnet(asked: Asked, netns: Netns) -> bool:
    """Whether the namespace has an address in the subnet that the question's address is in."""
    return any(each.covers(asked.question.address) for each in netns.addresses if each.scope == "global")


def on_link(asked: Asked) -> bool:
    """Whether the client looks for the address in a subnet of its own, and not by a route that somebody gave it."""
    own = [each for each in asked.client.routes if asked.question.address in each.destination]
    best = max(own, key=lambda route: route.destination.prefixlen, default=None)
    return asked.outside or (best is not None and all(hop.gateway is None for hop in best.nexthops))
