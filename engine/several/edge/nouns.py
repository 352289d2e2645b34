"""What an edge file has in it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv6Interface

from engine.model.address import IPAddress, IPNetwork
from engine.model.packet import Protocol
from engine.records import dataclass

IPInterface = IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True)
class Ports:
    """An inclusive range of ports."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class EdgeRule:
    """`ACTION PROTOCOL [PORTS] [from WHO] [to WHO] [in DEVICE] [out DEVICE]`; what is empty is not asked.

    `text` is the rule as it was written, with its place in the file. `group` is a security group whose members are the
    sources, or with `to_group` the destinations.
    """

    action: str
    text: str
    protocol: Protocol | None = None
    ports: tuple[Ports, ...] = ()
    sources: tuple[IPNetwork, ...] = ()
    destinations: tuple[IPNetwork, ...] = ()
    came: str = ""
    leaves: str = ""
    group: str = ""
    to_group: bool = False


@dataclass(frozen=True, slots=True)
class PortForward:
    """`PORT[/PROTOCOL] to ADDRESS[:PORT]`: what is asked of the router's outer addresses goes to another host."""

    text: str
    protocol: Protocol
    ports: Ports
    target: IPAddress
    target_port: int | None = None


@dataclass(frozen=True, slots=True)
class AddressPair:
    """`PUBLIC to PRIVATE`: one address stands for the other, in both directions and for every port."""

    text: str
    public: IPAddress
    private: IPAddress


@dataclass(frozen=True, slots=True)
class EdgeRoute:
    """A route: by a gateway, or straight by a device."""

    text: str
    destination: IPNetwork
    gateway: IPAddress | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """A router, or a host that forwards nothing. `listens` is None where the file does not say what listens there;
    `otherwise` is what becomes of a packet about which no rule is, empty for what the file leaves to the kind of
    router: one that masquerades takes in no stranger."""

    name: str
    line: int
    forwards: bool
    devices: Mapping[str, tuple[IPInterface, ...]]
    routes: tuple[EdgeRoute, ...] = ()
    masquerade: tuple[str, ...] = ()
    port_forwards: tuple[PortForward, ...] = ()
    pairs: tuple[AddressPair, ...] = ()
    rules: tuple[EdgeRule, ...] = ()
    otherwise: str = ""
    hairpin: bool = True
    listens: tuple[tuple[Protocol, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class EdgeEnd:
    """A device of a host, by their names; without a device's name the only one by which the host is on a segment."""

    host: str
    device: str
    line: int

    def __str__(self) -> str:
        return f"{self.host}/{self.device}" if self.device else self.host


@dataclass(frozen=True, slots=True)
class NamedSegment:
    """Devices that hear each other's frames, because the file says so."""

    name: str
    ends: tuple[EdgeEnd, ...]


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """Which new connections the devices take and make; answers pass. As in clouds, one that says nothing of what comes
    in takes nothing, and one that says nothing of what leaves (None) lets all leave."""

    name: str
    ends: tuple[EdgeEnd, ...]
    inbound: tuple[EdgeRule, ...] = ()
    outbound: tuple[EdgeRule, ...] | None = None


@dataclass(frozen=True, slots=True)
class EdgeFile:
    """All that an edge file says; `name` is what the file is called."""

    name: str = ""
    described: tuple[Described, ...] = ()
    segments: tuple[NamedSegment, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
