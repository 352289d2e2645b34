"""A lab with everything chosen: addresses, link names, ports. What the layouts write rules for and the plan builds.

    <lab>-lan eth0 ── eth0 <lab>-host br-front ── veth1a2b3c4 ── eth0 <lab>-web

A `Node` is a service, the host, or somebody outside. Nodes that share a namespace have the same `netns`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network

from engine.lab.spec import LabSpec, ListenSpec
from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Bridge:
    """A network on the host: `name` is the network's, `link` the bridge's. The first one is the layout's own."""

    name: str
    link: str
    subnet: IPv4Network
    gateway: IPv4Address
    subnet6: IPv6Network | None = None
    gateway6: IPv6Address | None = None
    internal: bool = False
    icc: bool = True
    masquerade: bool = True
    binding: IPAddress | None = None
    mtu: int | None = None
    routed: bool = False
    routed6: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """A container's place on a bridge: `veth` is the host's end, `link` the container's."""

    bridge: Bridge
    veth: str
    link: str
    address: IPv4Interface
    address6: IPv6Interface | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A service. `exit` is the end that its default route leaves by, None where it has none."""

    name: str
    netns: str
    mode: str
    ends: tuple[End, ...] = ()
    exit: End | None = None
    listens: tuple[ListenSpec, ...] = ()
    command: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the host that leads to a container's. A None host address is every address of the host."""

    service: str
    protocol: Protocol
    host_address: IPAddress | None
    host_port: int
    container_port: int
    end: End


@dataclass(frozen=True, slots=True)
class Outside:
    """A node beyond the host. `near` is the link and address of what it is behind, `far` its own.

    `default` says whether the near side's default route leads here.
    """

    name: str
    netns: str
    near_netns: str
    near_link: str
    near: IPv4Interface
    far_link: str
    far: IPv4Interface
    near6: IPv6Interface | None = None
    far6: IPv6Interface | None = None
    default: bool = False
    routes: tuple[IPNetwork, ...] = ()
    listens: tuple[ListenSpec, ...] = ()
    mtu: int | None = None


@dataclass(frozen=True, slots=True)
class TwinOrigin:
    """What a twin stands for: the snapshot, and each node with its namespace here and the id of the one there."""

    snapshot: Snapshot
    nodes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A lab that can be built. `published` is in the order in which an engine would publish; `origin` is a twin's."""

    spec: LabSpec
    bridges: tuple[Bridge, ...]
    nodes: tuple[Node, ...]
    published: tuple[Published, ...]
    outside: tuple[Outside, ...]
    backend: str
    origin: TwinOrigin | None = None

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.spec.name

    @property
    def host(self) -> str:
        """The namespace of the lab's host."""
        return f"{self.spec.name}-host"

    @property
    def netns_by_node(self) -> dict[str, str]:
        """The namespace of each node by the node's name."""
        outside = {node.name: node.netns for node in self.outside}
        return {"host": self.host, **{node.name: node.netns for node in self.nodes}, **outside}
