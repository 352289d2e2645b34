"""Links and what hangs on them: addresses, neighbours, bridge ports, forwarding entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.address import Family, IPAddress, family_of


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a veth pair (or the lower device of a macvlan in another namespace).

    `netns` is the id of a `Netns` in the same snapshot, or None when that namespace was not seen.
    """

    netns: str | None
    index: int


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """What a bridge device itself is told (ip-link(8), BRIDGE Type Support)."""

    vlan_filtering: bool = False
    stp: bool = False
    group_fwd_mask: int = 0
    ageing_time: int = 30000


@dataclass(frozen=True, slots=True)
class BridgePort:
    """What a bridge knows about one of its ports (bridge(8)). `state` is a name of bridge(8)."""

    state: str = "forwarding"
    isolated: bool = False
    hairpin: bool = False
    learning: bool = True
    flood: bool = True
    guard: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A network device in one namespace.

    `kind` is IFLA_INFO_KIND ("veth", "bridge", "vxlan", …), "loopback", or "" for a plain device.
    `up` is IFF_UP (administrative), `carrier` is IFF_LOWER_UP. `master` is the index of the bridge
    (or bond, VRF) that this link is a port of. `parent` is the index of the lower device (VLAN,
    macvlan, vxlan). `detail` holds kind-specific settings by their iproute2 names.
    """

    index: int
    name: str
    kind: str = ""
    up: bool = True
    carrier: bool = True
    mtu: int = 1500
    mac: str = ""
    master: int | None = None
    parent: int | None = None
    peer: Peer | None = None
    bridge: BridgeOptions | None = None
    port: BridgePort | None = None
    noarp: bool = False
    promiscuous: bool = False
    alias: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        """Up with a carrier: packets can leave by it (and its connected routes are not linkdown)."""
        return self.up and self.carrier


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a link. `peer` is the far end of a point-to-point address. Flags as in ip-address(8)."""

    link: int
    address: IPAddress
    prefixlen: int
    scope: str = "global"
    peer: IPAddress | None = None
    broadcast: IPAddress | None = None
    flags: frozenset[str] = frozenset()

    @property
    def family(self) -> Family:
        """The IP version of the address."""
        return family_of(self.address)

    def covers(self, address: IPAddress) -> bool:
        """Whether another address lies in this one's subnet."""
        if address.version != self.address.version:
            return False
        bits = self.address.max_prefixlen - self.prefixlen
        return int(self.address) >> bits == int(address) >> bits

    def __str__(self) -> str:
        return f"{self.address}/{self.prefixlen}"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An ARP or neighbour-discovery entry. `state` is a lower-case NUD name (ip-neighbour(8))."""

    link: int
    address: IPAddress
    mac: str | None
    state: str
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """A bridge forwarding entry: frames to `mac` leave by port `link` of bridge `master`.

    `local` marks the bridge's and its ports' own addresses. `destination` is a vxlan remote.
    """

    link: int
    master: int | None
    mac: str
    vlan: int | None = None
    local: bool = False
    destination: IPAddress | None = None
