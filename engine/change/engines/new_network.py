"""A new network of an engine (docker-network-create(1)), with what the engine makes for it on the host."""

from __future__ import annotations

from ipaddress import ip_network

from engine.change.consequences.carriers import with_carriers
from engine.change.consequences.cloned_rules import with_cloned_rules
from engine.model.address import IPNetwork
from engine.model.container import Container, Network
from engine.model.host import Snapshot
from engine.model.link import Address
from engine.model.plan import Change, StaleChange
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace

#: Docker takes the first of these that is free (moby, daemon/libnetwork/ipamutils: the local scope's pools).
POOLS = tuple(ip_network(f"172.{number}.0.0/16") for number in range(17, 32))
#: What the network is called where nothing suggests a name.
NAME = "app-net"


@dataclass(frozen=True, slots=True)
class CreateNetwork(Change):
    """The engine's client makes a network. `like` is the bridge whose rules the engine writes for this one as well, and
    `bridge` stands for the new one's name, which the engine chooses."""

    network: str
    engine: str
    client: tuple[str, ...]
    like: str
    bridge: str = "br-new"

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a client reaches its engine from anywhere
        """`docker network create NETWORK`."""
        return ((*self.client, "network", "create", self.network),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """A bridge with the first address of a free pool, and rules as those of the other bridge."""
        made = self.made(snapshot)
        host = snapshot.host_netns
        like = host.links_by_name.get(self.like)
        if made is None or like is None:
            raise StaleChange(f"no network can be made beside {self.like}")
        index = max(link.index for link in host.links) + 1
        subnet = made.ranges[0]
        bridge = replace(like, index=index, name=self.bridge, mac="02:42:fd:00:00:01", up=True)
        address = Address(index, subnet.network_address + 1, subnet.prefixlen)
        copied = {
            name.replace(f".{self.like}.", f".{self.bridge}."): value
            for name, value in host.sysctls.items()
            if f".{self.like}." in name
        }
        host = replace(
            host,
            links=(*host.links, bridge),
            addresses=(*host.addresses, address),
            sysctls={**host.sysctls, **copied},
            firewall=with_cloned_rules(host.firewall, self.like, self.bridge),
        )
        return with_carriers(replace(snapshot.with_netns(host), networks=(*snapshot.networks, made)))

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the engine has a network of that name."""
        return any((each.name, each.engine) == (self.network, self.engine) for each in snapshot.networks)

    def made(self, snapshot: Snapshot) -> Network | None:
        """The network as it will be; None where no pool is free."""
        taken = [each for network in snapshot.networks for each in network.ranges]
        taken += [
            _network(each) for netns in snapshot.namespaces for each in netns.addresses if each.address.version == 4
        ]
        pool = next(
            (each for each in POOLS if not any(each.overlaps(other) for other in taken if other.version == 4)), None
        )
        if pool is None:
            return None
        return Network(self.network, self.engine, "bridge", self.bridge, subnets=(str(pool),))


def _network(address: Address) -> IPNetwork:
    return ip_network(f"{address.address}/{address.prefixlen}", strict=False)


def new_network(snapshot: Snapshot, *containers: Container) -> CreateNetwork | None:
    """A network for these containers, named after their project; None where their engine has no bridge to go by."""
    first = containers[0]
    beside = [each for each in snapshot.networks if each.engine == first.engine and each.driver == "bridge"]
    like = next(
        (each for each in beside if each.bridge in snapshot.host_netns.links_by_name and not each.internal), None
    )
    if like is None or not first.of_host:
        return None
    known = {each.name for each in snapshot.networks}
    wanted = f"{first.project}-net" if first.project else NAME
    name = next(each for each in (wanted, *(f"{wanted}-{number}" for number in range(2, 99))) if each not in known)
    return CreateNetwork(name, first.engine, first.command or (first.engine,), like.bridge)
