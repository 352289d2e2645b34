"""What a resolver knows by itself, and whom it asks in turn.

1. Docker's resolver in a container knows the names of the containers that share a network with it, but not of those in
   the default bridge. It looks through the container's networks in the order of their names, and answers from the first
   that has the name; `name.network` is that of one network. Other names it passes on to the servers that its
   resolv.conf was made of, at most three, from the container's own namespace; those of the host's loopback from the
   engine's. A container that is only in networks without a way out has no such servers (moby, libnetwork/resolver.go,
   sandbox.go ResolveName).
2. aardvark-dns knows the names of all networks that the client is in (aardvark-dns, src/backend/mod.rs, lookup).
3. systemd-resolved, dnsmasq and unbound know what their files say, for everybody.
4. The resolver of a lab does as the first two do, by the tables of the door that is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.model.address import IPAddress
from engine.model.application.naming import NameConfig, Resolver
from engine.model.container import Attachment, Container, Network
from engine.model.host import Netns, Snapshot
from engine.records import dataclass, replace

#: Where Docker's resolver listens in each container that is in a network of a user's own.
DOCKERS = "127.0.0.11"
#: Docker's network without names.
DEFAULT_BRIDGE = "bridge"
#: Docker asks so many outside servers, and waits so long for each (moby, libnetwork/resolver.go: maxExtDNS,
#: extIOTimeout).
DOCKERS_MOST, DOCKERS_PATIENCE = 3, 4
#: Names that Docker Desktop and Podman have for the host. Docker on Linux has them only for a container that asks.
HOST_NAMES = frozenset({"host.docker.internal", "gateway.docker.internal", "host.containers.internal"})
#: Domain of aardvark-dns's names (container-libs, libnetwork/netavark).
PODMANS_DOMAIN = ".dns.podman"
#: Networks of Docker that are no user's own.
_BUILT_IN = frozenset({DEFAULT_BRIDGE, "host", "none"})


@dataclass(frozen=True, slots=True)
class Known:
    """What a resolver says: `named` that it has such a name, with these addresses; of a name that it has not, the
    `servers` it asks for it, and in which namespace that is. `network` is the one that the name is of."""

    named: bool
    addresses: tuple[IPAddress, ...] = ()
    network: str = ""
    container: str = ""
    servers: tuple[tuple[str, IPAddress], ...] = ()


def of_docker(snapshot: Snapshot, config: NameConfig, engine_netns: str, name: str) -> Known:
    """What Docker's resolver in a container says to it about a name."""
    asker = next((each for each in snapshot.containers if each.id == config.container), None)
    if asker is None:
        return Known(named=False)
    for place in sorted(asker.attachments, key=lambda each: each.network):
        found = [*_named(snapshot, asker, place.network, name)]
        if found:
            addresses = tuple(each for _, at in found for each in (at.address, at.address6) if each is not None)
            return Known(named=True, addresses=addresses, network=place.network, container=found[0][0].id)
    if all(_closed(snapshot, asker, place.network) for place in asker.attachments):
        return Known(named=False)
    beyond = config.beyond[:DOCKERS_MOST]
    servers = tuple((engine_netns if each in config.from_host else config.netns, each) for each in beyond)
    return Known(named=False, servers=servers)


def _named(snapshot: Snapshot, asker: Container, network: str, name: str) -> Iterator[tuple[Container, Attachment]]:
    """Running containers of that name in a network, with their places in it."""
    plain = name.removesuffix(f".{network}")
    if network in _BUILT_IN:
        return
    for each in snapshot.containers:
        if each.engine == asker.engine and each.state in ("running", "paused"):
            for place in each.attachments:
                if place.network == network and plain in names_of(each, place):
                    yield each, place


def names_of(container: Container, place: Attachment) -> frozenset[str]:
    """The names that a container has in a network, in lower case."""
    return frozenset(name.lower() for name in (container.name, container.id[:12], *place.aliases))


def network_of(snapshot: Snapshot, container: Container, name: str) -> Network | None:
    """A network of the container's engine."""
    return next((each for each in snapshot.networks if (each.name, each.engine) == (name, container.engine)), None)


def _closed(snapshot: Snapshot, container: Container, network: str) -> bool:
    found = network_of(snapshot, container, network)
    return found is not None and found.internal


def of_aardvark(resolver: Resolver, client: Collection[IPAddress], name: str) -> Known:
    """What Podman's resolver says about a name to a client that has these addresses."""
    plain = name.removesuffix(PODMANS_DOMAIN)
    own = [zone for zone in resolver.zones if any(each in client for each in zone.clients)]
    found = [(zone, record) for zone in own for record in zone.records if record.covers(plain)]
    if found:
        addresses = tuple(dict.fromkeys(address for _, record in found for address in record.addresses))
        return Known(named=True, addresses=addresses, network=found[0][0].network)
    if name.endswith(PODMANS_DOMAIN) or not own or any(zone.closed for zone in own):
        return Known(named=False)
    servers = next((zone.servers for zone in own if zone.servers), resolver.servers)
    return Known(named=False, servers=tuple((resolver.netns, each) for each in servers))


def of_lab(resolver: Resolver, client: Collection[IPAddress], name: str) -> Known:
    """What a door of a lab's resolver says about a name: from the first table that has it, or as Podman's does."""
    if any(zone.clients for zone in resolver.zones):
        return of_aardvark(resolver, client, name)
    for zone in resolver.zones:
        alone = replace(resolver, zones=(zone,))
        found = of_forwarder(alone, name.removesuffix(f".{zone.network}"))
        if found.named:
            return replace(found, network=zone.network)
    servers = () if any(zone.closed for zone in resolver.zones) else resolver.servers
    return Known(named=False, servers=tuple((resolver.netns, each) for each in servers))


def of_forwarder(resolver: Resolver, name: str) -> Known:
    """What a resolver that has records for everybody says: of several records that cover a name the most special."""
    records = [record for zone in resolver.zones for record in zone.records if record.covers(name)]
    longest = max((len(record.name.lstrip(".")) for record in records), default=0)
    best = [record for record in records if len(record.name.lstrip(".")) == longest]
    servers = tuple(server for record in best for server in record.servers)
    if best and not servers:
        return Known(named=True, addresses=tuple(each for record in best for each in record.addresses))
    return Known(named=False, servers=tuple((resolver.netns, each) for each in servers or resolver.servers))


def home_of(snapshot: Snapshot, pid: int) -> Netns | None:
    """The namespace that a process is in."""
    return next((netns for netns in snapshot.namespaces if pid in netns.pids), None)
