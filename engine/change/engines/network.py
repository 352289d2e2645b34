"""Containers' places in their engine's networks, changed by the engine's own client (docker-network-connect(1))."""

from __future__ import annotations

from engine.change.consequences.carriers import with_carriers
from engine.change.consequences.served_names import with_names
from engine.model.address import IPAddress, IPNetwork
from engine.model.container import Attachment, Container, Network
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, BridgePort, Link, Peer
from engine.model.plan import Change, StaleChange
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class ConnectNetwork(Change):
    """The engine's client gives a running container a place in one more network.

    `container` is an id, as two engines may each have a container of one name; `name` is what the client calls it.
    `client` is the client's name and options; `bridge` the network's device on the host.
    """

    container: str
    name: str
    network: str
    bridge: str
    client: tuple[str, ...]

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a client reaches its engine from anywhere
        """`docker network connect NETWORK CONTAINER`."""
        return ((*self.client, "network", "connect", self.network, self.name),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """A veth pair between the container and the bridge, with the first free address of each of the subnets."""
        host = snapshot.host_netns
        container = next((each for each in snapshot.containers if each.id == self.container), None)
        inside = snapshot.by_id.get(container.netns or "") if container is not None else None
        bridge = host.links_by_name.get(self.bridge)
        engine = container.engine if container is not None else ""
        network = next((n for n in snapshot.networks if (n.name, n.engine) == (self.network, engine)), None)
        if container is None or inside is None or inside.id == host.id or bridge is None or network is None:
            raise StaleChange(f"{self.name} cannot be connected to {self.network}")
        ends = max(link.index for link in (*host.links, *inside.links)) + 1
        here = Link(ends, f"veth{ends}", "veth", master=bridge.index, port=BridgePort(), peer=Peer(inside.id, ends))
        there = Link(ends, _next_name(inside), "veth", mac=f"02:42:fe:00:{ends >> 8 & 255:02x}:{ends & 255:02x}")
        there = replace(there, mtu=bridge.mtu, peer=Peer(host.id, ends))
        places = [Address(ends, *each) for each in _free(snapshot, network)]
        device = {f"net.ipv4.conf.{there.name}.{key}": 0 for key in ("rp_filter", "forwarding")}
        device |= {f"net.ipv6.conf.{there.name}.disable_ipv6": 0}
        inside = replace(
            inside,
            links=(*inside.links, there),
            addresses=(*inside.addresses, *places),
            sysctls={**device, **inside.sysctls},
        )
        host = replace(host, links=(*host.links, replace(here, mtu=bridge.mtu, mac="02:42:ff:00:00:01")))
        place = _attachment(snapshot, network, places)
        joined = replace(container, attachments=(*container.attachments, place))
        containers = tuple(joined if each is container else each for each in snapshot.containers)
        after = with_carriers(replace(snapshot.with_netns(inside).with_netns(host), containers=containers))
        return with_names(_unknown(after, {each.address for each in places}), joined, place)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the container is in the network."""
        return any(
            self.network in {place.network for place in each.attachments}
            for each in snapshot.containers
            if each.id == self.container
        )


def _unknown(snapshot: Snapshot, addresses: set[IPAddress]) -> Snapshot:
    """The snapshot without what others have learned of who had these addresses before: who takes one up announces it
    (RFC 5227, 2.3)."""
    for netns in snapshot.namespaces:
        left = tuple(each for each in netns.neighbours if each.address not in addresses or each.state == "permanent")
        if len(left) < len(netns.neighbours):
            snapshot = snapshot.with_netns(replace(netns, neighbours=left))
    return snapshot


def joining(container: Container, network: Network) -> ConnectNetwork:
    """The change that gives a container a place in a network, by the client of its engine."""
    client = container.command or (container.engine,)
    return ConnectNetwork(container.id, container.name, network.name, network.bridge, client)


def joinable(snapshot: Snapshot, container: Container, network: Network) -> bool:
    """Whether the engine can give a container a place in a network: it runs, and has a network of its own."""
    own = container.state == "running" and container.netns not in (None, snapshot.host)
    shares = container.network_mode in ("host", "none") or container.network_mode.startswith("container:")
    same = (
        network.engine == container.engine and container.of_host and network.bridge in snapshot.host_netns.links_by_name
    )
    return own and not shares and same and network.name not in {place.network for place in container.attachments}


def _next_name(netns: Netns) -> str:
    return next(name for number in range(len(netns.links) + 1) if (name := f"eth{number}") not in netns.links_by_name)


def _free(snapshot: Snapshot, network: Network) -> list[tuple[IPAddress, int]]:
    """The first address of each subnet that no interface has, behind the gateway's."""
    used = {address for netns in snapshot.namespaces for address in netns.addresses_by_value}
    found = []
    for subnet in network.ranges:
        address = _first(subnet, used)
        if address is not None:
            found.append((address, subnet.prefixlen))
    return found


def _first(subnet: IPNetwork, used: set[IPAddress]) -> IPAddress | None:
    base = subnet.network_address
    last = min(subnet.num_addresses - 1, len(used) + 4)
    return next((one for offset in range(2, last) if (one := base + offset) not in used), None)


def _attachment(snapshot: Snapshot, network: Network, places: list[Address]) -> Attachment:
    by_version = {place.address.version: place.address for place in places}
    bridge = snapshot.host_netns.links_by_name[network.bridge]
    own = [each for each in snapshot.host_netns.addresses if each.link == bridge.index]
    gateway = next((each.address for each in own if each.address.version == 4), None)
    return Attachment(network.name, by_version.get(4), by_version.get(6), gateway)
