"""What each kind of link is told beside the common settings, by the names that ip-link(8) gives it.

The tables list, for each kind, the attributes inside IFLA_INFO_DATA that decide where a frame goes. To
teach a new kind, add a row; nothing else knows kinds. Numbers are of include/uapi/linux/if_link.h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.model.link import BridgeOptions, BridgePort
from engine.observe.decode import address, be16, text, u8, u16, u32


def _named(names: Mapping[int, str], read: Callable[[bytes], int]) -> Callable[[bytes], str]:
    def write(raw: bytes) -> str:
        value = read(raw)
        return names.get(value, str(value))

    return write


def _number(read: Callable[[bytes], int]) -> Callable[[bytes], str]:
    return lambda raw: str(read(raw))


def _ip(raw: bytes) -> str:
    return str(address(raw))


_VLAN_PROTOCOLS = {0x8100: "802.1Q", 0x88A8: "802.1ad"}
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
_MACVLAN = ((1, "mode", _named(_MACVLAN_MODES, u32)),)
_IPVLAN = ((1, "mode", _named(_IPVLAN_MODES, u16)), (2, "flags", _named(_IPVLAN_FLAGS, u16)))

_DETAILS: dict[str, tuple[tuple[int, str, Callable[[bytes], str]], ...]] = {
    "bridge": (
        (36, "nf_call_iptables", _number(u8)),
        (37, "nf_call_ip6tables", _number(u8)),
        (38, "nf_call_arptables", _number(u8)),
        (39, "vlan_default_pvid", _number(u16)),
    ),
    "vlan": ((1, "id", _number(u16)), (5, "protocol", _named(_VLAN_PROTOCOLS, be16))),
    "macvlan": _MACVLAN,
    "macvtap": _MACVLAN,
    "ipvlan": _IPVLAN,
    "ipvtap": _IPVLAN,
    "vxlan": (
        (1, "id", _number(u32)),
        (2, "remote", _ip),
        (16, "remote", _ip),
        (4, "local", _ip),
        (17, "local", _ip),
        (15, "dstport", _number(be16)),
        (7, "learning", _number(u8)),
        (25, "external", _number(u8)),
    ),
    "vrf": ((1, "table", _number(u32)),),
    "bond": ((1, "mode", _named(_BOND_MODES, u8)), (2, "active_slave", _number(u32))),
    "tun": ((3, "type", _named(_TUN_TYPES, u8)),),
}

#: A bridge's default, in hundredths of a second.
_AGEING_TIME = 30000
_PORT_STATES = {0: "disabled", 1: "listening", 2: "learning", 3: "forwarding", 4: "blocking"}


def detail(kind: str, data: Mapping[int, bytes]) -> dict[str, str]:
    """The kind-specific settings of a link, by iproute2's names."""
    return {name: write(data[number]) for number, name, write in _DETAILS.get(kind, ()) if number in data}


def bridge_options(data: Mapping[int, bytes]) -> BridgeOptions:
    """IFLA_INFO_DATA of a bridge."""
    return BridgeOptions(
        vlan_filtering=bool(u8(data.get(7, b"\0"))),
        stp=bool(u32(data.get(5, bytes(4)))),
        group_fwd_mask=u16(data.get(9, bytes(2))),
        ageing_time=u32(data[4]) if 4 in data else _AGEING_TIME,
    )


def bridge_port(data: Mapping[int, bytes]) -> BridgePort:
    """IFLA_INFO_SLAVE_DATA of a bridge port."""
    state = u8(data.get(1, b"\3"))
    return BridgePort(
        state=_PORT_STATES.get(state, str(state)),
        isolated=bool(u8(data.get(33, b"\0"))),
        hairpin=bool(u8(data.get(4, b"\0"))),
        learning=bool(u8(data.get(8, b"\1"))),
        flood=bool(u8(data.get(9, b"\1"))),
        guard=bool(u8(data.get(5, b"\0"))),
    )


def kind_name(raw: bytes) -> str:
    """IFLA_INFO_KIND or IFLA_INFO_SLAVE_KIND."""
    return text(raw)
