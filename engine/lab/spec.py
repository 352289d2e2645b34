"""What a lab's file says, as values: before any address, name or rule is chosen.

Every value that can be wrong in a way that only shows beside others (a port taken, a subnet that overlaps) keeps the
`FilePlace` where it was written.
"""

from __future__ import annotations

from engine.lab.errors import LabFileError
from engine.model.address import IPAddress, IPNetwork
from engine.model.packet import Protocol
from engine.records import dataclass, field


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where something was written: the file, its line, and the full name of the key."""

    file: str
    line: int
    name: str

    def wrong(self, problem: str, remedy: str) -> LabFileError:
        """The error to raise about what is written here."""
        return LabFileError(self.file, self.line, f"{self.name} {problem}", remedy)


@dataclass(frozen=True, slots=True)
class PortSpec:
    """A port to publish. Without `host_port` the next free one of the ephemeral range is taken, as `-P` does."""

    place: FilePlace
    protocol: Protocol
    container_port: int
    host_port: int | None = None
    host_address: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """A service's place in a network; an address that is None is chosen. `aliases` are more names of it there."""

    place: FilePlace
    network: str
    address: IPAddress | None = None
    address6: IPAddress | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListenSpec:
    """A port that a program of the lab listens on; a None address is the wildcard of both families."""

    protocol: Protocol
    port: int
    address: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One service. `mode` is networks, bridge, host, none or service; `shares` names the service of the last.

    `hosts` are lines of its hosts file, by name; an address that is None is that of the host. `dns` and `search` are
    the servers and domains of its own.
    """

    name: str
    place: FilePlace
    mode: str = "networks"
    shares: str = ""
    memberships: tuple[Membership, ...] = ()
    ports: tuple[PortSpec, ...] = ()
    expose: tuple[ListenSpec, ...] = ()
    sysctls: tuple[tuple[str, int], ...] = ()
    hosts: tuple[tuple[str, IPAddress | None], ...] = ()
    dns: tuple[IPAddress, ...] = ()
    search: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A network. Options that are None or "" are the layout's defaults. `subnet` and `subnet6` may be left open."""

    name: str
    place: FilePlace
    bridge: str = ""
    internal: bool = False
    ipv6: bool = False
    icc: bool = True
    masquerade: bool = True
    binding: IPAddress | None = None
    mtu: int | None = None
    routed: bool = False
    routed6: bool = False
    subnet: IPNetwork | None = None
    gateway: IPAddress | None = None
    subnet6: IPNetwork | None = None
    gateway6: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class OutsideSpec:
    """A node beyond the host's uplinks: a client on the LAN, the internet, a VPN's far end.

    `behind` names the node that it is reached through, "" for the lab's host. `routes` are what the host reaches
    by it beside its subnet; the first outside node is the host's default gateway unless one says `default`. `mtu` is
    that of the cable.
    """

    name: str
    place: FilePlace
    subnet: IPNetwork | None = None
    subnet6: IPNetwork | None = None
    link: str = ""
    behind: str = ""
    default: bool | None = None
    routes: tuple[IPNetwork, ...] = ()
    listens: tuple[ListenSpec, ...] = ()
    mtu: int | None = None


@dataclass(frozen=True, slots=True)
class ExtraRule:
    """A rule of the administrator's own: `argv` is an iptables, ip6tables or nft command line, run in node `node`."""

    place: FilePlace
    node: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtraRoute:
    """A route of the administrator's own: `ip route add WORDS` in node `node`, with a gateway or a device."""

    place: FilePlace
    node: str
    destination: IPNetwork
    gateway: IPAddress | None = None
    device: str = ""
    kind: str = "unicast"


@dataclass(frozen=True, slots=True)
class Impairment:
    """What is done to what a node sends by one of its links: rate in bit/s, delay and jitter in ms, loss in percent."""

    place: FilePlace
    node: str
    link: str = "eth0"
    rate: int | None = None
    delay: float = 0.0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """A question with the symptom that is expected, and a code if one is named: of the first cause, or where the answer
    is that it connects, of a finding."""

    place: FilePlace
    source: str
    target: str
    protocol: Protocol
    expect: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class LabSpec:
    """A lab's file. `notes` say what was understood and left out.

    `names` says whether names are answered, `dns` what nodes outside answer: records by node, addresses by name. A
    name that begins with a dot is a domain with all names in it. `files` are node, path below /etc, and text.
    """

    name: str
    file: str
    services: tuple[ServiceSpec, ...]
    networks: tuple[NetworkSpec, ...]
    title: str = ""
    story: str = ""
    layout: str = "docker-26"
    backend: str = ""
    proxy: bool = True
    outside: tuple[OutsideSpec, ...] | None = None
    listens: tuple[tuple[str, tuple[ListenSpec, ...]], ...] = ()
    commands: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rules: tuple[ExtraRule, ...] = ()
    routes: tuple[ExtraRoute, ...] = ()
    sysctls: tuple[tuple[str, str, int], ...] = ()
    impairments: tuple[Impairment, ...] = ()
    names: bool = True
    dns: tuple[tuple[str, tuple[tuple[str, tuple[IPAddress, ...]], ...]], ...] = ()
    files: tuple[tuple[str, str, str], ...] = ()
    faults: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = field(default=())
