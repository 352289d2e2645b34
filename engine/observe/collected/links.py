"""`ip -d -j link` as links. Far ends stay numbers until all namespaces are read (`peers`).

Names of kinds, modes and states are iproute2's own in both readers; numbers that `ip -j` prints become the texts that
`engine.observe.netlink.link_kinds` writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.model.link import BridgeOptions, BridgePort, BridgeVlan, Link, Program
from engine.observe.collected.reading import Row, rows
from engine.observe.netlink.bridge_links import LAST_VLAN
from engine.observe.netlink.link_programs import XDP_MODES
from engine.observe.netlink.links import PAIRED, FarEnd, SeenLink
from engine.records import replace

#: By kind: the settings that the model keeps, as (name in the model, name in the JSON).
_DETAILS: dict[str, tuple[tuple[str, str], ...]] = {
    "bridge": tuple((name, name) for name in ("nf_call_iptables", "nf_call_ip6tables", "nf_call_arptables")),
    "vlan": (("id", "id"), ("protocol", "protocol")),
    "macvlan": (("mode", "mode"), ("sources", "macaddr_data")),
    "macvtap": (("mode", "mode"), ("sources", "macaddr_data")),
    "ipvlan": (("mode", "mode"), ("flags", "mode_flag")),
    "ipvtap": (("mode", "mode"), ("flags", "mode_flag")),
    "vxlan": (
        ("id", "id"),
        ("remote", "remote"),
        ("remote", "remote6"),
        ("remote", "group"),
        ("remote", "group6"),
        ("local", "local"),
        ("local", "local6"),
        ("dstport", "port"),
        ("learning", "learning"),
        ("external", "external"),
    ),
    "vrf": (("table", "table"),),
    "bond": (("mode", "mode"),),
    "tun": (("type", "type"),),
}
#: By kind of master: what it knows of its ports.
_SLAVES = {"bond": ("state", "mii_status"), "vrf": ("table",)}


def parse_links(text: str) -> tuple[SeenLink, ...]:
    """The links; their own sysctls come with the others (`settings`)."""
    found = rows(text)
    indexes = {str(row["ifname"]): int(row["ifindex"]) for row in found}
    return tuple(_link(row, indexes) for row in found)


def _link(row: Row, indexes: Mapping[str, int]) -> SeenLink:
    flags = row["flags"]
    info = row.get("linkinfo") or {}
    kind = info.get("info_kind") or ("loopback" if "LOOPBACK" in flags else "")
    data = info.get("info_data") or {}
    of, held = str(info.get("info_slave_kind", "")), info.get("info_slave_data") or {}
    parent, far = _points_at(kind, row, data, indexes)
    link = Link(
        index=int(row["ifindex"]),
        name=str(row["ifname"]),
        kind=str(kind),
        up="UP" in flags,
        carrier="LOWER_UP" in flags,
        mtu=int(row.get("mtu", 0)),
        mac=str(row.get("address", "")),
        master=indexes.get(row.get("master", "")),
        parent=parent,
        bridge=_bridge(data) if kind == "bridge" else None,
        port=_port(held, indexes) if of == "bridge" else None,
        noarp="NOARP" in flags,
        promiscuous="PROMISC" in flags or bool(row.get("promiscuity")),
        alias=str(row.get("ifalias", "")),
        detail={name: _word(data[key]) for name, key in _DETAILS.get(kind, ()) if key in data},
        slave={name: _word(held[name]) for name in _SLAVES.get(of, ()) if name in held},
        programs=_xdp(row.get("xdp") or {}),
        group=_group(str(row.get("group", "default"))),
    )
    return SeenLink(link, far)


def _group(word: str) -> int | None:
    """A number, or the name that this host gives it (/etc/iproute2/group), of which one is the same everywhere."""
    return int(word) if word.isdecimal() else 0 if word == "default" else None


def _points_at(
    kind: str, row: Row, data: Mapping[str, Any], indexes: Mapping[str, int]
) -> tuple[int | None, FarEnd | None]:
    """The lower device in this namespace, or the far end of a pair or of a device in another namespace."""
    nsid = row.get("link_netnsid")
    name = data.get("link") if kind == "vxlan" else row.get("link")
    index = int(row.get("link_index", 0)) if nsid is not None or name is None else indexes.get(name, 0)
    if kind == "vxlan" and nsid is not None and name is None:
        index = 0
    elif not index:
        return None, None
    if nsid is None and kind not in PAIRED:
        return index, None
    return None, FarEnd(index, None if nsid is None else int(nsid))


def _xdp(found: Mapping[str, Any]) -> tuple[Program, ...]:
    """The XDP program: its mode by IFLA_XDP_ATTACHED's number."""
    mode = int(found.get("mode", 0))
    number = (found.get("prog") or {}).get("id")
    return (Program("xdp", XDP_MODES[mode][0] if mode in XDP_MODES else str(mode), number=number),) if mode else ()


def with_vlans(links: tuple[SeenLink, ...], text: str) -> tuple[SeenLink, ...]:
    """The links with what `bridge -j vlan show` tells: VLANs, or runs of them, with the words of their flags."""
    of = {str(row["ifname"]): tuple(each for entry in row["vlans"] for each in _vlans(entry)) for row in rows(text)}
    return tuple(replace(each, link=replace(each.link, vlans=of.get(each.link.name, ()))) for each in links)


def _vlans(entry: Row) -> list[BridgeVlan]:
    flags, first = entry.get("flags", ()), int(entry["vlan"])
    last = int(entry.get("vlanEnd", first))
    if not 0 <= first <= last <= LAST_VLAN:
        raise ValueError(f"VLANs {first} to {last}")
    return [BridgeVlan(each, "PVID" in flags, "Egress Untagged" in flags) for each in range(first, last + 1)]


def _word(value: object) -> str:
    if isinstance(value, list):  # the kernel tells them in the order of its hashes
        return " ".join(sorted(map(str, value)))
    return str(int(value)) if isinstance(value, bool) else str(value)


def _bridge(data: Mapping[str, Any]) -> BridgeOptions:
    return BridgeOptions(
        vlan_filtering=bool(data.get("vlan_filtering")),
        stp=bool(data.get("stp_state")),
        group_fwd_mask=int(str(data.get("group_fwd_mask", 0)), 0),
        ageing_time=int(data.get("ageing_time", 30000)),
        vlan_protocol=str(data.get("vlan_protocol", "802.1Q")),
        default_pvid=int(data.get("vlan_default_pvid", 1)),
        multicast_snooping=bool(data.get("mcast_snooping", True)),
    )


def _port(data: Mapping[str, Any], indexes: Mapping[str, int]) -> BridgePort:
    return BridgePort(
        state=str(data.get("state", "forwarding")),
        isolated=bool(data.get("isolated")),
        hairpin=bool(data.get("hairpin")),
        learning=bool(data.get("learning", True)),
        flood=bool(data.get("flood", True)),
        guard=bool(data.get("guard")),
        multicast_flood=bool(data.get("mcast_flood", True)),
        broadcast_flood=bool(data.get("bcast_flood", True)),
        neigh_suppress=bool(data.get("neigh_suppress")),
        proxy_arp=bool(data.get("proxy_arp")),
        locked=bool(data.get("locked")),
        vlan_tunnel=bool(data.get("vlan_tunnel")),
        backup=indexes.get(str(data["backup_port"])) if "backup_port" in data else None,
    )
