"""The world in one value: a snapshot of every namespace on the host, and of what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from engine.model.address import IPAddress
from engine.model.application.naming import NameAnswer, NameConfig, Resolver
from engine.model.application.proxy import Proxy
from engine.model.container import Container, Network, PublishedPort
from engine.model.firewall import Firewall
from engine.model.link import Address, FdbEntry, Link, Neighbour
from engine.model.machine import Join, Machine
from engine.model.route import NextHopObject, PolicyRule, Route, RouteException
from engine.model.traffic import ConntrackEntry, Listener
from engine.records import dataclass, field, replace

#: Kinds of container engines, as sources of gaps name them.
ENGINES = frozenset({"docker", "podman", "containerd", "cri-o"})
#: The source of a gap about the sockets of a host that is described, and not read.
LISTENERS = "listeners"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read, from where, and why. `netns` is empty for the whole host, which `machine` names
    where there are several."""

    source: str
    netns: str
    reason: str
    machine: str = ""

    @property
    def hides_containers(self) -> bool:
        """Whether an engine could not be asked: names of containers and published ports may be missing."""
        return not self.netns and self.source.partition(" ")[0] in ENGINES


@dataclass(frozen=True)
class Netns:
    """One network namespace.

    `id` is unique in the snapshot and made for people: the name under /run/netns, else the container's
    name, else "host", else "pid-N". `path` is a file that enters it (`nsenter --net=PATH`), None for the
    namespace that every root shell is in already. `sysctls` has the names that decide a packet's way
    ("net.ipv4.ip_forward", "net.ipv4.conf.eth0.rp_filter"); a name that is absent does not exist there
    or could not be read (then there is a `Gap`). `exceptions` is what was learned about single destinations. `machine`
    is the name of the host that it is of, empty in the snapshot of a single one.
    """

    id: str
    inode: int = 0
    path: str | None = None
    pids: tuple[int, ...] = ()
    links: tuple[Link, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    fdb: tuple[FdbEntry, ...] = ()
    sysctls: Mapping[str, int] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)
    listeners: tuple[Listener, ...] = ()
    conntrack: tuple[ConntrackEntry, ...] = ()
    exceptions: tuple[RouteException, ...] = ()
    nexthops: tuple[NextHopObject, ...] = ()
    machine: str = ""

    @cached_property
    def links_by_index(self) -> Mapping[int, Link]:
        """Links by interface index."""
        return {link.index: link for link in self.links}

    @cached_property
    def links_by_name(self) -> Mapping[str, Link]:
        """Links by name."""
        return {link.name: link for link in self.links}

    @cached_property
    def ports_by_master(self) -> Mapping[int, tuple[Link, ...]]:
        """Links that are ports of a bridge, bond or VRF, by its interface index."""
        found: dict[int, list[Link]] = {}
        for link in self.links:
            if link.master is not None:
                found.setdefault(link.master, []).append(link)
        return {master: tuple(links) for master, links in found.items()}

    @cached_property
    def addresses_by_value(self) -> Mapping[IPAddress, Address]:
        """This namespace's own addresses (the first, where one is configured twice)."""
        found: dict[IPAddress, Address] = {}
        for address in self.addresses:
            found.setdefault(address.address, address)
        return found

    def with_link(self, link: Link) -> Netns:
        """This namespace with another value for one of its links."""
        return replace(self, links=tuple(link if each.index == link.index else each for each in self.links))

    def sysctl(self, name: str, default: int = 0) -> int:
        """The value of a sysctl, or `default` where the kernel has no such name here."""
        return self.sysctls.get(name, default)


@dataclass(frozen=True)
class Snapshot:
    """Everything that decides whether a packet arrives. `host` is the id of the namespace that asked.

    `name_answers` are what servers outside said when they were asked; a look alone asks none. `machines` are the hosts
    of a snapshot of several (none in that of a single one), and `joins` how frames get from one to another; `host` is
    then the home of the one that is asked about first.
    """

    host: str
    namespaces: tuple[Netns, ...]
    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    name_configs: tuple[NameConfig, ...] = ()
    resolvers: tuple[Resolver, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    name_answers: tuple[NameAnswer, ...] = ()
    gaps: tuple[Gap, ...] = ()
    hostname: str = ""
    kernel: str = ""
    taken_at: str = ""
    machines: tuple[Machine, ...] = ()
    joins: tuple[Join, ...] = ()

    def __post_init__(self) -> None:
        ids = [netns.id for netns in self.namespaces]
        if len(set(ids)) != len(ids):
            raise ValueError("two namespaces have the same id")
        if self.host not in ids:
            raise ValueError(f"the host namespace {self.host!r} is not among the namespaces")

    @cached_property
    def by_id(self) -> Mapping[str, Netns]:
        """Namespaces by id."""
        return {netns.id: netns for netns in self.namespaces}

    def with_netns(self, netns: Netns) -> Snapshot:
        """This snapshot with another value for one of its namespaces."""
        return replace(self, namespaces=tuple(netns if each.id == netns.id else each for each in self.namespaces))

    @property
    def host_netns(self) -> Netns:
        """The namespace that counts as the host."""
        return self.by_id[self.host]

    @cached_property
    def machines_by_name(self) -> Mapping[str, Machine]:
        """The hosts of a snapshot of several, by name."""
        return {machine.name: machine for machine in self.machines}

    @cached_property
    def _parts(self) -> dict[str, Snapshot]:
        return {}

    def part(self, machine: str) -> Snapshot:
        """One of several hosts as a snapshot of its own; the ids of its namespaces stay. A single host is itself."""
        if not self.machines:
            return self
        if machine not in self._parts:
            self._parts[machine] = self._part(self.machines_by_name[machine])
        return self._parts[machine]

    def _part(self, machine: Machine) -> Snapshot:
        own = tuple(each for each in self.namespaces if each.machine == machine.name)
        ids = {each.id for each in own}
        return Snapshot(
            machine.home,
            own,
            tuple(each for each in self.containers if each.machine == machine.name),
            tuple(each for each in self.networks if each.machine == machine.name),
            tuple(each for each in self.name_configs if each.netns in ids),
            tuple(each for each in self.resolvers if each.netns in ids),
            tuple(each for each in self.proxies if each.netns in ids),
            self.name_answers,
            tuple(each for each in self.gaps if each.machine == machine.name),
            machine.hostname,
            machine.kernel,
            machine.taken_at,
        )

    def with_part(self, part: Snapshot) -> Snapshot:
        """This snapshot with another value for one of its hosts (what `part` gave of it, changed)."""
        if not self.machines:
            return part
        changed = part.host_netns.machine
        parts = [part if each.name == changed else self.part(each.name) for each in self.machines]
        return replace(
            self,
            namespaces=tuple(one for each in parts for one in each.namespaces),
            containers=tuple(one for each in parts for one in each.containers),
            networks=tuple(one for each in parts for one in each.networks),
            name_configs=tuple(one for each in parts for one in each.name_configs),
            resolvers=tuple(one for each in parts for one in each.resolvers),
            proxies=tuple(one for each in parts for one in each.proxies),
        )

    def around(self, netns: str) -> Snapshot:
        """The host that a namespace is of, as a snapshot of its own (`part`)."""
        return self.part(self.by_id[netns].machine)

    @property
    def published(self) -> tuple[tuple[Container, PublishedPort], ...]:
        """The ports that containers publish on this host. Those of an engine elsewhere are published where it is."""
        return tuple((each, port) for each in self.containers if each.of_host for port in each.published)

    def containers_in(self, netns: str) -> tuple[Container, ...]:
        """The containers that live in a namespace: several, where they share it, first the one whose network it is."""
        found = (container for container in self.containers if container.netns == netns)
        return tuple(sorted(found, key=lambda each: each.joins_another))
