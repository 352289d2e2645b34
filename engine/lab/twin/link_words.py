"""Devices in the words of ip-link(8): what makes one, by its kind, and what a port of a bridge is told by bridge(8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from engine.model.link import BridgeOptions, BridgePort, Link

#: Names that a device can be given in one word of a batch; `%` would have the kernel choose one.
LINK_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@~+=,-]{0,14}")
#: Link-layer addresses that can be given.
MAC = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}")

#: Settings that ip(8) takes by the names that a snapshot has for them, by kind.
_SAME: Mapping[str, tuple[str, ...]] = {
    "vlan": ("protocol", "id"),
    "macvlan": ("mode",),
    "macvtap": ("mode",),
    "ipvlan": ("mode",),
    "ipvtap": ("mode",),
    "vxlan": ("id", "remote", "local", "ttl", "dstport"),
    "geneve": ("id", "remote", "dstport"),
    "vrf": ("table",),
    "bond": ("mode", "miimon", "xmit_hash_policy", "min_links"),
    **dict.fromkeys(("gre", "gretap", "ip6gre", "ip6gretap"), ("remote", "local", "ikey", "okey", "ttl")),
    **dict.fromkeys(("ipip", "sit", "ip6tnl"), ("remote", "local", "ttl")),
    **dict.fromkeys(("vti", "vti6"), ("remote", "local", "ikey", "okey")),
}
#: Settings that are a word alone, when their value is this one.
_FLAGS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "vxlan": (
        ("learning", "0", "nolearning"),
        *((name, "1", name) for name in ("proxy", "l2miss", "l3miss", "gbp", "gpe", "external", "vnifilter")),
        ("localbypass", "0", "nolocalbypass"),
    ),
    "ipvlan": (("flags", "private", "private"), ("flags", "vepa", "vepa")),
    **dict.fromkeys(
        ("geneve", "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "sit", "ip6tnl"), (("external", "1", "external"),)
    ),
}
#: Kinds that are made upon a lower device, and name it by `link`; others may name one by `dev`.
STACKED = frozenset(("vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"))
TUNNELS = frozenset(("vxlan", "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "sit", "ip6tnl", "vti", "vti6"))
#: What can be made, beside pairs.
MADE = frozenset((*_SAME, "bridge", "dummy"))
#: Values that ip(8) does not take, as they mean "none".
_NOTHING = frozenset(("0.0.0.0", "::", "0"))
#: Kinds whose link-layer address is that of the lower device, or none that can be given.
OWN_MAC = frozenset(("ipvlan", "ipvtap", "gre", "ip6gre", "ipip", "sit", "ip6tnl", "vti", "vti6"))


def kind_words(link: Link) -> list[str]:
    """What follows `type KIND`."""
    if link.kind == "bridge":
        return bridge_words(link.bridge or BridgeOptions(), link.detail)
    words: list[str] = []
    for name in _SAME.get(link.kind, ()):
        value = link.detail.get(name, "")
        if value and not (value in _NOTHING and name in ("remote", "local", "ttl", "ikey", "okey")):
            words += [name, value]
    words += [word for name, value, word in _FLAGS.get(link.kind, ()) if link.detail.get(name) == value]
    if link.kind == "vxlan" and "-" in link.detail.get("srcport", ""):
        words += ["srcport", *link.detail["srcport"].split("-", 1)]
    return words


def bridge_words(told: BridgeOptions, detail: Mapping[str, str]) -> list[str]:
    """A bridge's settings. Its spanning tree is off: ports have the states of the snapshot."""
    words = ["ageing_time", str(told.ageing_time), "mcast_snooping", str(int(told.multicast_snooping))]
    words += ["group_fwd_mask", str(told.group_fwd_mask)] if told.group_fwd_mask else []
    if told.vlan_filtering:
        words += ["vlan_filtering", "1", "vlan_protocol", told.vlan_protocol]
        words += ["vlan_default_pvid", str(told.default_pvid)]
    for name in ("nf_call_iptables", "nf_call_ip6tables", "nf_call_arptables"):
        words += [name, "1"] if detail.get(name) == "1" else []
    return words


#: States of a port that the kernel does not give by itself, by the numbers of bridge(8).
_STATES: Mapping[str, str] = {"listening": "1", "learning": "2", "blocking": "4"}
_SWITCHES: tuple[tuple[str, Callable[[BridgePort], bool], bool], ...] = (
    ("isolated", lambda port: port.isolated, False),
    ("hairpin", lambda port: port.hairpin, False),
    ("learning", lambda port: port.learning, True),
    ("flood", lambda port: port.flood, True),
    ("guard", lambda port: port.guard, False),
    ("mcast_flood", lambda port: port.multicast_flood, True),
    ("bcast_flood", lambda port: port.broadcast_flood, True),
    ("neigh_suppress", lambda port: port.neigh_suppress, False),
    ("proxy_arp", lambda port: port.proxy_arp, False),
    ("locked", lambda port: port.locked, False),
    ("vlan_tunnel", lambda port: port.vlan_tunnel, False),
)


def port_words(port: BridgePort, device: Callable[[int], str]) -> Iterator[list[str]]:
    """What a port is told beyond what it is by itself: words of `bridge link set dev PORT`."""
    for name, read, usual in _SWITCHES:
        if read(port) is not usual:
            yield [name, "on" if read(port) else "off"]
    if port.backup is not None:
        yield ["backup_port", device(port.backup)]
    if port.state in _STATES:
        yield ["state", _STATES[port.state]]
