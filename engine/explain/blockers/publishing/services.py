"""Which service a published port is meant to lead to: as the engine intends it, or as the host suggests it."""

from __future__ import annotations

from collections.abc import Iterator

from engine.explain.failure import Failure
from engine.model.address import IPAddress
from engine.model.container import Container, PublishedPort
from engine.model.host import Netns
from engine.model.link import Address, Link
from engine.model.traffic import Listener
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class IntendedService:
    """A listening socket in a namespace that hangs on one of the host's bridges."""

    container: Container | None
    netns: Netns
    address: IPAddress
    port: int
    bridge: Link

    @property
    def name(self) -> str:
        """The container's name, else the namespace's."""
        return self.container.name if self.container else self.netns.id

    @property
    def engine(self) -> str:
        """The container's engine, or "admin" for a namespace that no engine made."""
        return self.container.engine if self.container else "admin"


def intention(failure: Failure, port: int) -> tuple[Container, PublishedPort] | None:
    """The container that the engine was asked to publish at the host's `port`, if for the packet's IP version first."""
    asked = [
        (container, published)
        for container, published in failure.home.published
        if published.host_port == port and published.protocol is failure.question.protocol
    ]
    return min(asked, key=lambda each: each[1].family not in (None, failure.packet.family), default=None)


def services_for(failure: Failure, host: Netns, port: int) -> list[IntendedService]:
    """Services that the host's `port` could lead to.

    The intended one; else one at the same port, of a container that publishes nothing yet before others; else the only
    one there is. Where several could be meant, none is guessed.
    """
    everyone = all_services(failure, host)
    meant = intention(failure, port)
    if meant is not None:
        container, published = meant
        own = [s for s in everyone if s.container is not None and s.container.id == container.id]
        return [s for s in own if s.port == published.container_port] or own[:1]
    unpublished = [s for s in everyone if s.container is not None and not s.container.published]
    tiers = ([s for s in unpublished if s.port == port], [s for s in everyone if s.port == port], everyone)
    return next((few for few in tiers if len(few) == 1), [])


def all_services(failure: Failure, host: Netns, version: int = 0) -> list[IntendedService]:
    """Every service of the question's protocol behind the host's bridges, of its IP version or of another one."""
    found: dict[tuple[str, IPAddress, int], IntendedService] = {}
    for netns in failure.home.namespaces:
        for address, bridge in behind_bridges(host, netns, version or failure.question.address.version):
            for listener in netns.listeners:
                if _serves(listener, address, failure):
                    containers = failure.home.containers_in(netns.id)
                    service = IntendedService(
                        containers[0] if containers else None, netns, address.address, listener.port, bridge
                    )
                    found.setdefault((netns.id, address.address, listener.port), service)
    return list(found.values())


def _serves(listener: Listener, address: Address, failure: Failure) -> bool:
    if listener.protocol is not failure.question.protocol:
        return False
    return listener.address is None or listener.address == address.address


def behind_bridges(host: Netns, netns: Netns, version: int) -> Iterator[tuple[Address, Link]]:
    """The namespace's addresses in the subnet of a bridge of the host that it is plugged into."""
    for address in (each for each in netns.addresses if each.scope != "link" and each.address.version == version):
        device = netns.links_by_index.get(address.link)
        if device is None or device.peer is None or device.peer.netns != host.id:
            continue
        for own in host.addresses:
            link = host.links_by_index.get(own.link)
            if link is not None and link.kind == "bridge" and own.covers(address.address):
                yield address, link
