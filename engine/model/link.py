"""Links and what hangs on them: addresses, neighbours, bridge ports, forwarding entries."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.address import Family, IPAddress, family_of
from engine.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a veth pair, or the lower device of a macvlan in another namespace. Of a vxlan that was moved it
    is the namespace by which its own packets leave, with the index of the device there, 0 for none.

    `netns` is the id of a `Netns` in the same snapshot, or None when that namespace was not seen.
    """

    netns: str | None
    index: int


@dataclass(frozen=True, slots=True)
class BridgeOptions:
    """What a bridge device itself is told (ip-link(8), BRIDGE Type Support).

    `default_pvid` is the VLAN that a new port gets, 0 for none; `vlan_protocol` is 802.1Q or 802.1ad.
    """

    vlan_filtering: bool = False
    stp: bool = False
    group_fwd_mask: int = 0
    ageing_time: int = 30000
    vlan_protocol: str = "802.1Q"
    default_pvid: int = 1
    multicast_snooping: bool = True


@dataclass(frozen=True, slots=True)
class BridgeVlan:
    """A VLAN that a port, or the bridge itself, is a member of (bridge(8), vlan).

    Frames without a tag that come in belong to the `pvid`; frames of an `untagged` VLAN leave without their tag.
    """

    vlan: int
    pvid: bool = False
    untagged: bool = False


@dataclass(frozen=True, slots=True)
class BridgePort:
    """What a bridge knows about one of its ports (bridge(8)). `state` is a name of bridge(8).

    `flood`, `multicast_flood` and `broadcast_flood` say whether a frame for an unknown unicast address, for a group,
    or for everybody leaves by this port. A `locked` port only takes frames from addresses that the bridge knows to be
    there. `neigh_suppress` and `proxy_arp` let the bridge answer ARP for hosts behind the port. `backup` is the index
    of the port that takes over when this one has no carrier.
    """

    state: str = "forwarding"
    isolated: bool = False
    hairpin: bool = False
    learning: bool = True
    flood: bool = True
    guard: bool = False
    multicast_flood: bool = True
    broadcast_flood: bool = True
    neigh_suppress: bool = False
    proxy_arp: bool = False
    locked: bool = False
    vlan_tunnel: bool = False
    backup: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A program that sees a link's packets before, or beside, the firewall, and may drop or redirect any of them.

    `hook` is xdp, ingress or egress. `kind` is how it is attached: of xdp native, generic, offloaded or several; of the
    others the classifier's name in tc(8) (bpf, flower, u32, matchall, …). `name` and `number` are those of a BPF
    program, where the kernel tells them.
    """

    hook: str
    kind: str
    name: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A network device in one namespace.

    `kind` is IFLA_INFO_KIND ("veth", "bridge", "vxlan", …), "loopback", or "" for a plain device.
    `up` is IFF_UP (administrative), `carrier` is IFF_LOWER_UP. `master` is the index of the bridge
    (or bond, VRF) that this link is a port of. `parent` is the index of the lower device (VLAN,
    macvlan, vxlan). `detail` holds kind-specific settings by their iproute2 names, `slave` what a master that is no
    bridge knows of this link (bond: state, mii_status; vrf: table). `vlans` has the VLANs of a bridge port, and of
    a bridge itself; they only count where the bridge filters by VLAN. `programs` are XDP and tc programs. `group` is a
    number that rules can ask for (ip-link(8), group), None where only a name of it was told.
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
    slave: Mapping[str, str] = field(default_factory=dict)
    vlans: tuple[BridgeVlan, ...] = ()
    programs: tuple[Program, ...] = ()
    group: int | None = 0

    @property
    def works(self) -> bool:
        """Up with a carrier: packets can leave by it (and its connected routes are not linkdown)."""
        return self.up and self.carrier


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a link. `peer` is the far end of a point-to-point address. Flags as in ip-address(8).

    The flags tell what lifetimes have led to (`permanent`, `deprecated`); the seconds that are left are not kept.
    """

    link: int
    address: IPAddress
    prefixlen: int
    scope: str = "global"
    peer: IPAddress | None = None
    broadcast: IPAddress | None = None
    flags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 0 <= self.prefixlen <= self.address.max_prefixlen:
            raise ValueError(f"{self.address} cannot have a prefix of {self.prefixlen} bits")

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

    `local` marks the bridge's and its ports' own addresses. `destination` is a vxlan remote, with its `port`, `vni`
    and the index of the device to send `via`, where they differ from the vxlan's own; `nexthop` is the number of a
    nexthop object that holds the remotes. The address of all zeros is where unknown ones go. `flags` has words of
    bridge(8): static, extern_learn, offload, sticky, locked.
    """

    link: int
    master: int | None
    mac: str
    vlan: int | None = None
    local: bool = False
    destination: IPAddress | None = None
    port: int | None = None
    vni: int | None = None
    via: int | None = None
    nexthop: int | None = None
    flags: frozenset[str] = frozenset()
