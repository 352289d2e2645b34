"""The stages of a walk: where a packet is between two decisions. Each has one handler in `walk.HANDLERS`."""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.link import Link
from engine.model.ref import Ref
from engine.model.trace import Trace
from engine.path.lookup.broadcast_domain import Tunnel
from engine.path.lookup.route_decision import RouteDecision
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class LocalOut:
    """A socket of this namespace sends the packet."""


@dataclass(frozen=True, slots=True)
class Emit:
    """The IP layer hands the packet to a device, for the next hop `towards`. `made` says that it was made here."""

    way: RouteDecision
    made: bool = False

    @property
    def link(self) -> Link:
        """The device."""
        return self.way.link

    @property
    def towards(self) -> IPAddress:
        """The next hop."""
        return self.way.towards


@dataclass(frozen=True, slots=True)
class OnWire:
    """A frame leaves by a device, for a MAC address (None where the device has none), with a VLAN tag or without."""

    link: Link
    mac: str | None
    source_mac: str = ""
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """Tunnels take the question for the address `towards`, and its answer; then `frame` leaves, to who has answered:
    `text` says who, `ref` is the neighbour."""

    tunnels: tuple[Tunnel, ...]
    towards: IPAddress
    text: str
    ref: Ref
    frame: OnWire


@dataclass(frozen=True, slots=True)
class Arrive:
    """A frame comes in by a device."""

    link: Link
    mac: str | None
    source_mac: str = ""
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """The packet reaches the IP layer by a device. `prerouted`: br_netfilter has run PREROUTING already. `sent` is what
    took it to the loopback device."""

    link: Link
    prerouted: bool = False
    sent: Emit | None = None


@dataclass(frozen=True, slots=True)
class Bridged:
    """A bridge passes the frame, which is in a VLAN where it filters by them, on to whoever has the MAC address."""

    bridge: Link
    port: Link
    mac: str | None
    source_mac: str = ""
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Tunnelled:
    """A vxlan wraps the frame in a packet of its own, for `remote`."""

    link: Link
    mac: str | None
    source_mac: str
    remote: IPAddress


@dataclass(frozen=True, slots=True)
class Forward:
    """Routing sends the packet on."""

    device: Link
    way: RouteDecision


@dataclass(frozen=True, slots=True)
class IntoVrf:
    """A route sends the packet to a VRF device. `made` says that it was made here."""

    domain: Link
    made: bool = False


@dataclass(frozen=True, slots=True)
class RoutedBelow:
    """An ipvlan device has the namespace of its lower device, `link`, send for it."""

    link: Link


@dataclass(frozen=True, slots=True)
class LocalIn:
    """Routing takes the packet in."""

    device: Link


Stage = (
    LocalOut | Emit | Asking | OnWire | Arrive | Stack | Bridged | Tunnelled | Forward | IntoVrf | RoutedBelow | LocalIn
)
#: What a handler gives: the stage that follows, or the finished trace.
Next = Stage | Trace
