"""What each kind of link is told beside the common settings, by the names that ip-link(8) gives it.

The tables list, for each kind, the attributes inside IFLA_INFO_DATA that decide where a frame goes, and for each kind
of master those inside IFLA_INFO_SLAVE_DATA. To teach a new kind, add a row; nothing else knows kinds but
`bridge_links`. Numbers are of include/uapi/linux/if_link.h and if_tunnel.h. An index of a device is told as a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.observe.netlink.client import attribute_list
from engine.observe.netlink.decode import address, be16, be32, mac, text, u8, u16, u32


def _named(names: Mapping[int, str], read: Callable[[bytes], int]) -> Callable[[bytes], str]:
    def write(raw: bytes) -> str:
        value = read(raw)
        return names.get(value, str(value))

    return write


def _number(read: Callable[[bytes], int]) -> Callable[[bytes], str]:
    return lambda raw: str(read(raw))


def _ip(raw: bytes) -> str:
    return str(address(raw))


def _flag(_raw: bytes) -> str:
    """An attribute that is there or not, and says nothing else."""
    return "1"


def _ports(raw: bytes) -> str:
    """struct ifla_vxlan_port_range."""
    return f"{be16(raw[:2])}-{be16(raw[2:4])}"


def _sources(raw: bytes) -> str:
    """IFLA_MACVLAN_MACADDR_DATA: the MAC addresses that mode `source` listens to."""
    return " ".join(sorted(mac(value) for _, value in attribute_list(raw)))


#: Settings of a kind: attribute, name, and how its value is written.
Settings = tuple[tuple[int, str, Callable[[bytes], str]], ...]

VLAN_PROTOCOLS = {0x8100: "802.1Q", 0x88A8: "802.1ad"}
_NETKIT_POLICIES = {0: "forward", 2: "blackhole"}
_MACVLAN_MODES = {1: "private", 2: "vepa", 4: "bridge", 8: "passthru", 16: "source"}
_IPVLAN_MODES = {0: "l2", 1: "l3", 2: "l3s"}
_IPVLAN_FLAGS = {0: "bridge", 1: "private", 2: "vepa"}
_TUN_TYPES = {1: "tun", 2: "tap"}
_BOND_MODES = {
    0: "balance-rr",
    1: "active-backup",
    2: "balance-xor",
    3: "broadcast",
    4: "802.3ad",
    5: "balance-tlb",
    6: "balance-alb",
}
_BOND_HASHES = {0: "layer2", 1: "layer3+4", 2: "layer2+3", 3: "encap2+3", 4: "encap3+4", 5: "vlan+srcmac"}
_MACVLAN = ((1, "mode", _named(_MACVLAN_MODES, u32)), (5, "sources", _sources))
_IPVLAN = ((1, "mode", _named(_IPVLAN_MODES, u16)), (2, "flags", _named(_IPVLAN_FLAGS, u16)))

_GRE: Settings = (
    (6, "local", _ip),
    (7, "remote", _ip),
    (4, "ikey", _number(be32)),
    (5, "okey", _number(be32)),
    (8, "ttl", _number(u8)),
    (18, "external", _flag),
)
_IPTUN: Settings = ((2, "local", _ip), (3, "remote", _ip), (4, "ttl", _number(u8)), (19, "external", _flag))
_VTI: Settings = ((4, "local", _ip), (5, "remote", _ip), (2, "ikey", _number(be32)), (3, "okey", _number(be32)))

_DETAILS: dict[str, Settings] = {
    "bridge": (
        (36, "nf_call_iptables", _number(u8)),
        (37, "nf_call_ip6tables", _number(u8)),
        (38, "nf_call_arptables", _number(u8)),
        (39, "vlan_default_pvid", _number(u16)),
    ),
    "vlan": ((1, "id", _number(u16)), (5, "protocol", _named(VLAN_PROTOCOLS, be16))),
    "macvlan": _MACVLAN,
    "macvtap": _MACVLAN,
    "ipvlan": _IPVLAN,
    "ipvtap": _IPVLAN,
    "netkit": (
        (3, "policy", _named(_NETKIT_POLICIES, u32)),
        (4, "peer policy", _named(_NETKIT_POLICIES, u32)),
        (5, "mode", _named({0: "l2", 1: "l3"}, u32)),
    ),
    "geneve": (
        (1, "id", _number(u32)),
        (2, "remote", _ip),
        (7, "remote", _ip),
        (5, "dstport", _number(be16)),
        (6, "external", _flag),
    ),
    "vxlan": (
        (1, "id", _number(u32)),
        (2, "remote", _ip),
        (16, "remote", _ip),
        (4, "local", _ip),
        (17, "local", _ip),
        (15, "dstport", _number(be16)),
        (7, "learning", _number(u8)),
        (25, "external", _number(u8)),
        (5, "ttl", _number(u8)),
        (10, "srcport", _ports),
        (11, "proxy", _number(u8)),
        (13, "l2miss", _number(u8)),
        (14, "l3miss", _number(u8)),
        (23, "gbp", _flag),
        (27, "gpe", _flag),
        (30, "vnifilter", _number(u8)),
        (31, "localbypass", _number(u8)),
    ),
    "vrf": ((1, "table", _number(u32)),),
    "bond": (
        (1, "mode", _named(_BOND_MODES, u8)),
        (2, "active_slave", _number(u32)),
        (3, "miimon", _number(u32)),
        (11, "primary", _number(u32)),
        (14, "xmit_hash_policy", _named(_BOND_HASHES, u8)),
        (18, "min_links", _number(u32)),
    ),
    "tun": (
        (3, "type", _named(_TUN_TYPES, u8)),
        (1, "user", _number(u32)),
        (2, "group", _number(u32)),
        (6, "persist", _number(u8)),
        (7, "multi_queue", _number(u8)),
    ),
    **dict.fromkeys(("gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan"), _GRE),
    **dict.fromkeys(("ipip", "sit", "ip6tnl"), _IPTUN),
    **dict.fromkeys(("vti", "vti6"), _VTI),
}

#: What a master knows of its ports, by the master's kind.
_SLAVES: dict[str, Settings] = {
    "bond": (
        (1, "state", _named({0: "ACTIVE", 1: "BACKUP"}, u8)),
        (2, "mii_status", _named({0: "UP", 1: "GOING_DOWN", 2: "DOWN", 3: "GOING_BACK"}, u8)),
    ),
    "vrf": ((1, "table", _number(u32)),),
}
#: Where the lower device of a tunnel is named, by kind; every other kind names it in IFLA_LINK.
LOWER: dict[str, int] = {
    "vxlan": 3,
    **dict.fromkeys(("gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan", "ipip", "sit", "ip6tnl"), 1),
    **dict.fromkeys(("vti", "vti6"), 1),
}


def detail(kind: str, data: Mapping[int, bytes]) -> dict[str, str]:
    """The kind-specific settings of a link, by iproute2's names."""
    return {name: write(data[number]) for number, name, write in _DETAILS.get(kind, ()) if number in data}


def slave(kind: str, data: Mapping[int, bytes]) -> dict[str, str]:
    """What a master of `kind` knows of its port, by iproute2's names."""
    return {name: write(data[number]) for number, name, write in _SLAVES.get(kind, ()) if number in data}


def kind_name(raw: bytes) -> str:
    """IFLA_INFO_KIND or IFLA_INFO_SLAVE_KIND."""
    return text(raw)
