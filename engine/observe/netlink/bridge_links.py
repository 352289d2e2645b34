"""Bridges and their ports: options, port settings, and the VLANs that each is a member of.

Options and settings come with the ordinary link dump. VLANs do not: they are asked for in a second dump, of the bridge
family, and only in a namespace where a bridge filters by VLAN, since they count nowhere else. The kernel tells runs of
VLANs with equal flags as a first and a last one.

Sources: include/uapi/linux/if_link.h (IFLA_BR_*, IFLA_BRPORT_*), if_bridge.h (struct bridge_vlan_info),
net/bridge/br_netlink.c (br_fill_ifvlaninfo_compressed).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from engine.model.link import BridgeOptions, BridgePort, BridgeVlan
from engine.observe.netlink.client import Message, attribute_list, attributes
from engine.observe.netlink.decode import AF_BRIDGE, be16, decodes, u8, u16, u32
from engine.observe.netlink.link_kinds import VLAN_PROTOCOLS
from engine.observe.netlink.reader import Reader

RTM_NEWLINK, RTM_GETLINK = 16, 18
_IFLA_AF_SPEC, _IFLA_EXT_MASK = 26, 29
_IFLA_BRIDGE_VLAN_INFO = 2
_RTEXT_FILTER_BRVLAN_COMPRESSED = 4
_PVID, _UNTAGGED, _RANGE_BEGIN, _RANGE_END = 0x2, 0x4, 0x8, 0x10
LAST_VLAN = 4094

_ifinfomsg = struct.Struct("=BxHiII")
_vlan_info = struct.Struct("=HH")
_VLAN_REQUEST = _ifinfomsg.pack(AF_BRIDGE, 0, 0, 0, 0) + struct.pack(
    "=HHI", 8, _IFLA_EXT_MASK, _RTEXT_FILTER_BRVLAN_COMPRESSED
)

#: A bridge's default, in hundredths of a second.
_AGEING_TIME = 30000
_STATES = {0: "disabled", 1: "listening", 2: "learning", 3: "forwarding", 4: "blocking"}

Vlans = tuple[BridgeVlan, ...]


def bridge_options(data: Mapping[int, bytes]) -> BridgeOptions:
    """IFLA_INFO_DATA of a bridge. A kernel without VLAN filtering tells nothing of VLANs."""
    protocol = be16(data[8]) if 8 in data else 0x8100
    return BridgeOptions(
        vlan_filtering=bool(u8(data.get(7, b"\0"))),
        stp=bool(u32(data.get(5, bytes(4)))),
        group_fwd_mask=u16(data.get(9, bytes(2))),
        ageing_time=u32(data[4]) if 4 in data else _AGEING_TIME,
        vlan_protocol=VLAN_PROTOCOLS.get(protocol, hex(protocol)),
        default_pvid=u16(data[39]) if 39 in data else 1,
        multicast_snooping=bool(u8(data.get(23, b"\1"))),
    )


def bridge_port(data: Mapping[int, bytes]) -> BridgePort:
    """IFLA_INFO_SLAVE_DATA of a bridge port."""
    state = u8(data.get(1, b"\3"))

    def on(number: int, usual: bytes = b"\0") -> bool:
        return bool(u8(data.get(number, usual)))

    return BridgePort(
        state=_STATES.get(state, str(state)),
        isolated=on(33),
        hairpin=on(4),
        learning=on(8, b"\1"),
        flood=on(9, b"\1"),
        guard=on(5),
        multicast_flood=on(27, b"\1"),
        broadcast_flood=on(30, b"\1"),
        neigh_suppress=on(32) or on(43),
        proxy_arp=on(10) or on(12),
        locked=on(39),
        vlan_tunnel=on(29),
        backup=u32(data[34]) if 34 in data else None,
    )


def read_vlans(reader: Reader) -> dict[int, Vlans]:
    """The VLANs of every bridge and bridge port of the reader's namespace, by index of the link."""
    return dict(reader.read("bridge vlans", RTM_GETLINK, _VLAN_REQUEST, parse_vlans))


@decodes("a bridge's VLANs")
def parse_vlans(messages: Sequence[Message]) -> tuple[tuple[int, Vlans], ...]:
    """Index of the link and its VLANs, of RTM_NEWLINK messages of AF_BRIDGE. Raises NetlinkError on damaged bytes."""
    return tuple(_parse(body) for kind, body in messages if kind == RTM_NEWLINK)


def _parse(body: bytes) -> tuple[int, Vlans]:
    index = _ifinfomsg.unpack_from(body)[2]
    spec = attributes(body, 16).get(_IFLA_AF_SPEC, b"")
    found: list[BridgeVlan] = []
    first = 0
    for kind, raw in attribute_list(spec):
        if kind != _IFLA_BRIDGE_VLAN_INFO:
            continue
        flags, vlan = _vlan_info.unpack(raw)
        if flags & _RANGE_BEGIN:
            first = vlan
            continue
        low = first if flags & _RANGE_END and first else vlan
        if vlan > LAST_VLAN:
            raise ValueError(f"VLAN {vlan}")
        found += (BridgeVlan(each, bool(flags & _PVID), bool(flags & _UNTAGGED)) for each in range(low, vlan + 1))
        first = 0
    return index, tuple(found)
