"""What a container's place in one more network does to names: its own look-ups, and who finds it. Pure.

Docker gives a container that joins a network of a user's own its resolver at 127.0.0.11 at once, which asks the servers
that the container had (moby, libnetwork: sandbox_dns_unix.go). Podman's resolver serves the network's names to the new
address (aardvark-dns).
"""

from __future__ import annotations

from ipaddress import ip_address

from engine.model.address import Family
from engine.model.application.naming import DNS_PORT, NameConfig, NameRecord, Resolver
from engine.model.container import Attachment, Container
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.traffic import Listener, Process
from engine.records import replace

_DOCKERS = ip_address("127.0.0.11")
_PODMANS = "aardvark-dns"


def with_names(snapshot: Snapshot, container: Container, place: Attachment) -> Snapshot:
    """The snapshot in which a container that is in a new network is found there, and finds the others."""
    if container.engine.startswith("docker"):
        configs = tuple(_by_docker(each, container) for each in snapshot.name_configs)
        return _with_socket(replace(snapshot, name_configs=configs), container)
    resolvers = tuple(_by_podman(each, container, place) for each in snapshot.resolvers)
    return replace(snapshot, resolvers=resolvers, name_configs=_asking_gateway(snapshot, container, place))


def _by_docker(config: NameConfig, container: Container) -> NameConfig:
    if config.container != container.id or _DOCKERS in config.servers:
        return config
    return replace(config, servers=(_DOCKERS,), beyond=config.servers, from_host=(), ndots=0)


def _with_socket(snapshot: Snapshot, container: Container) -> Snapshot:
    inside = snapshot.by_id[container.netns or snapshot.host]
    if any(each.address == _DOCKERS for each in inside.listeners):
        return snapshot
    engine = Process(0, "dockerd")
    sockets = (
        Listener(protocol, Family.INET, _DOCKERS, DNS_PORT, process=engine) for protocol in (Protocol.UDP, Protocol.TCP)
    )
    return snapshot.with_netns(replace(inside, listeners=(*inside.listeners, *sockets)))


def _by_podman(resolver: Resolver, container: Container, place: Attachment) -> Resolver:
    own = tuple(each for each in (place.address, place.address6) if each is not None)
    if resolver.program != _PODMANS:
        return resolver
    names = tuple(NameRecord(name, own) for name in (container.name, container.id[:12]))
    zones = tuple(
        replace(zone, clients=(*zone.clients, *own), records=(*zone.records, *names))
        if zone.network == place.network
        else zone
        for zone in resolver.zones
    )
    return replace(resolver, zones=zones)


def _asking_gateway(snapshot: Snapshot, container: Container, place: Attachment) -> tuple[NameConfig, ...]:
    """Podman writes the resolver's address, the gateway's, into a container's resolv.conf before the other servers."""
    served = any(zone.network == place.network for each in snapshot.resolvers for zone in each.zones)
    gateway = place.gateway
    if not served or gateway is None:
        return snapshot.name_configs
    return tuple(
        replace(each, servers=(gateway, *each.servers)) if each.container == container.id else each
        for each in snapshot.name_configs
    )
