"""Short facts about a namespace for its place in the topology: addresses, what listens, what is published."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from engine.model.address import Family, end_of
from engine.model.container import Container
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.model.packet import Protocol
from engine.model.traffic import Listener
from views.topology.graph import Fact

Port = tuple[Protocol, int]
#: Where Docker answers DNS inside a container of a user-defined network: there for every one, so it tells nothing.
DOCKER_RESOLVER = IPv4Address("127.0.0.11")


def addresses_of(netns: Netns, index: int) -> str:
    """The first IPv4 address of a device with its prefix length, else its first IPv6 one, else nothing."""
    own = [address for address in netns.addresses if address.link == index and address.scope != "link"]
    first = next((address for address in own if address.family is Family.INET), None) or (own[0] if own else None)
    return f"{first} +{len(own) - 1}" if first and len(own) > 1 else str(first or "")


def way_out(netns: Netns, link: Link) -> str:
    """Where an uplink leads, as far as the routes know: the gateway of a default route over it."""
    for route in netns.routes:
        if route.destination.prefixlen == 0:
            for hop in route.nexthops:
                if hop.link == link.index and hop.gateway is not None:
                    return f"gw {hop.gateway}"
    return ""


def exposure(snapshot: Snapshot, netns: Netns, containers: Iterable[Container]) -> tuple[Fact, ...]:
    """What a namespace serves, one fact a port, the published ones first: by which port of the host it is published
    (`:8080→80`), who listens, and whether only on loopback."""
    published: dict[Port, list[str]] = {}
    for container in containers:
        for port in container.published:
            any_address = "[::]" if port.family is Family.INET6 else ""
            at = end_of(port.host_address, port.host_port) if port.host_address else f"{any_address}:{port.host_port}"
            places = published.setdefault((port.protocol, port.container_port), [])
            if at not in places:
                places.append(at)
    heard: dict[Port, Listener] = {}
    for listener in netns.listeners:
        if listener.address == DOCKER_RESOLVER:
            continue
        spot = (listener.protocol, listener.port)
        if spot not in heard or _loopback(heard[spot]):
            heard[spot] = listener
    seen = _sockets_were_read(snapshot, netns)
    ports = sorted(set(published) | set(heard), key=lambda port: (port not in published, port[1], port[0]))
    return tuple(_port(port, heard.get(port), published.get(port, []), seen) for port in ports)


def _port(port: Port, listener: Listener | None, published: list[str], seen: bool) -> Fact:
    number = f"{port[1]}" if port[0] is Protocol.TCP else f"{port[1]}/{port[0]}"
    alone = listener is not None and _loopback(listener)
    if listener is not None and alone:
        inside = f"[{listener.address}]:{number}" if ":" in str(listener.address) else f"{listener.address}:{number}"
    else:
        inside = number if published else f":{number}"
    words = f"{','.join(published)}→{inside}" if published else inside
    if listener is None:
        return Fact(f"{words} {'no listener' if seen else '?'}", amiss=seen)
    return Fact(words, listener.process.name if listener.process else "", amiss=alone)


def _loopback(listener: Listener) -> bool:
    return listener.address is not None and listener.address.is_loopback


def _sockets_were_read(snapshot: Snapshot, netns: Netns) -> bool:
    """Whether an absent listener is a fact; a gap about this namespace's sockets makes it a guess."""
    sources = ("listen", "sock", "namespace")
    return not any(
        gap.netns in ("", netns.id) and any(word in gap.source.lower() for word in sources) for gap in snapshot.gaps
    )
