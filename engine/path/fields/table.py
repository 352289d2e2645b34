"""Every field that the model can read of a packet, as one table: name → function of a `View`.

A function returns the field's value: an int, a name, a set of names (for bits that can be on together),
or None where the packet has no such field (a rule that asks for it then does not match, negated or not).
A field name that is not in the table is unknown. Device names are empty strings where there is no device,
as the kernel compares them (ip_packet_match, nft_meta_store_ifname).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engine.model.link import Link
from engine.model.packet import Protocol
from engine.path.fields.arp import FIELDS as ARP
from engine.path.fields.conntrack import FIELDS as FLOW
from engine.path.fields.header import FIELDS as PACKET
from engine.path.fields.ipsec import FIELDS as IPSEC
from engine.path.fields.route import FIELDS as ROUTES
from engine.path.fields.socket import FIELDS as SOCKETS
from engine.path.lookup.device_topology import FRAMELESS
from engine.path.lookup.values import UNKNOWN, Read, Unknown, Value, of_mac
from engine.path.lookup.view import PER_PACKET_FIELDS, View

if TYPE_CHECKING:
    from datetime import datetime

#: The owner of packets that the kernel makes by itself: errors, resets.
NO_SOCKET = -1
#: Numbers of <linux/if_arp.h>.
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772
#: The headers that fields are named after, by IP version or protocol: a packet has no field of another's.
HEADERS = {
    "ip": 4,
    "ip6": 6,
    "tcp": Protocol.TCP,
    "udp": Protocol.UDP,
    "sctp": Protocol.SCTP,
    "icmp": Protocol.ICMP,
    "icmpv6": Protocol.ICMPV6,
    **dict.fromkeys(("ah", "comp", "dccp", "esp", "gre", "igmp", "udplite"), "none that is walked"),
}


def read(name: str, view: View) -> Value | Unknown:
    """The value of the field `name`, or UNKNOWN where the model has no such field."""
    function = FIELDS.get(name)
    if name in PER_PACKET_FIELDS:
        view.told.add(name)
    if view.context.arp and function is not None and name not in OF_FRAMES and not name.startswith("arp "):
        return UNKNOWN if name.startswith("meta ") else None
    if function is None:
        header = HEADERS.get(name.removeprefix("nft ").partition(" ")[0])
        return UNKNOWN if header in (None, view.packet.dst.version, view.packet.protocol) else None
    return function(view)


def _mac(end: str) -> Read:
    """An address of the frame that the packet came in; absent in what was made here or came without a frame."""

    def value(view: View) -> int | Unknown | None:
        mac = view.context.source_mac if end == "saddr" else view.context.target_mac
        if mac:
            return of_mac(mac)
        device = view.netns.links_by_name.get(view.context.iif)
        return None if device is None or device.kind in FRAMELESS else UNKNOWN

    return value


def _owner(part: str, absent: Value) -> Read:
    """The sending socket's owner; `absent` for packets that were not made here."""

    def value(view: View) -> Value | Unknown:
        if view.hook not in ("output", "postrouting") or view.context.iif or view.context.physin:
            return absent
        uid = view.context.uid
        if uid == NO_SOCKET:
            return absent
        return UNKNOWN if part == "gid" or uid is None else uid

    return value


def _socket(view: View) -> str | Unknown:
    """Whether the packet was made by a socket of this namespace (owner_mt). The kernel's own errors and resets have
    one of the kernel's, but for those that a rule sends."""
    if view.hook not in ("output", "postrouting") or view.context.iif or view.context.physin:
        return "missing"
    return UNKNOWN if view.context.uid == NO_SOCKET else "exists"


def _group_of_processes(view: View) -> Unknown | None:
    """That of the sending process, which is not read; what was not made by a socket here has none."""
    return None if _socket(view) == "missing" else UNKNOWN


def _ether_type(view: View) -> int:
    if view.context.arp:
        return 0x0806
    return 0x0800 if view.packet.dst.version == 4 else 0x86DD


def _device(view: View, which: str) -> Link | None:
    return view.netns.links_by_name.get(view.context.iif if which == "iif" else view.context.oif)


def _kind(which: str) -> Read:
    """The kind of a device (IFLA_INFO_KIND). A plain network card and loopback have none, and no rule that asks for it
    fits them (nft_meta.c, nft_meta_store_ifkind)."""

    def value(view: View) -> str | None:
        device = _device(view, which)
        return None if device is None or device.kind in ("", "loopback") else device.kind

    return value


def _group(which: str) -> Read:
    """The group of a device (nft_meta_store_ifgroup, xt_devgroup.c)."""

    def value(view: View) -> int | Unknown | None:
        device = _device(view, which)
        return None if device is None else UNKNOWN if device.group is None else device.group

    return value


def _hardware(which: str) -> Read:
    """The hardware type of a device: that of loopback, and of all that send Ethernet's frames."""

    def value(view: View) -> int | Unknown | None:
        device = _device(view, which)
        if device is None or device.kind == "loopback":
            return None if device is None else ARPHRD_LOOPBACK
        return UNKNOWN if device.kind in FRAMELESS or len(device.mac) != len("00:00:00:00:00:00") else ARPHRD_ETHER

    return value


def _bridge(which: str) -> Read:
    """The bridge that a device is a port of (nft_meta_bridge.c); empty for others."""

    def value(view: View) -> str:
        device = _device(view, which)
        master = view.netns.links_by_index.get(device.master or 0) if device is not None else None
        return master.name if master is not None and master.kind == "bridge" else ""

    return value


def _clock(part: Callable[[datetime], int]) -> Read:
    """The time of the snapshot, in UTC (xt_time.c)."""

    def value(view: View) -> Any:
        from datetime import UTC, datetime  # noqa: PLC0415 - only rules about the time ask

        return UNKNOWN if view.now is None else part(datetime.fromtimestamp(view.now, UTC))

    return value


_CLOCKS = {
    "": _clock(lambda now: int(now.timestamp())),
    " second": _clock(lambda now: now.hour * 3600 + now.minute * 60 + now.second),
    " weekday": _clock(lambda now: now.isoweekday()),
    " day": _clock(lambda now: now.day),
}


def _pkttype(view: View) -> str | Unknown:
    """What a frame that came in was sent to; what is made here is not told apart (PACKET_HOST).

    For a bridge what goes to another station than itself or its port is somebody else's; the hooks of IP that
    br_netfilter calls do not hear of that (br_handle_frame, setup_pre_routing).
    """
    came = view.context.iif or view.context.physin
    if came and view.packet.dst.is_multicast:
        return "multicast"
    port = _device(view, "iif")
    bridge = view.netns.links_by_index.get(port.master or 0) if port is not None else None
    if port is None or bridge is None or bridge.kind != "bridge" or view.hook == "input":
        return "unicast"
    mac = view.context.target_mac
    return UNKNOWN if not mac else "unicast" if mac in (bridge.mac, port.mac) else "other"


FIELDS: dict[str, Read] = {
    **SOCKETS,
    **ARP,
    **PACKET,
    **FLOW,
    **ROUTES,
    **IPSEC,
    "meta protocol": _ether_type,
    "ether type": _ether_type,
    "meta mark": lambda view: view.context.mark,
    "meta iifname": lambda view: view.context.iif,
    "meta oifname": lambda view: view.context.oif,
    "meta iif": lambda view: view.context.iif,
    "meta oif": lambda view: view.context.oif,
    "meta ibrname": _bridge("iif"),
    "meta obrname": _bridge("oif"),
    **{f"clock{part}": clock for part, clock in _CLOCKS.items()},
    **{f"zoned{part}": clock for part, clock in _CLOCKS.items()},
    "meta time": _CLOCKS[""],
    "meta hour": _CLOCKS[" second"],
    "meta day": _clock(lambda now: now.isoweekday() % 7),
    "meta pkttype": _pkttype,
    "meta iifkind": _kind("iif"),
    "meta oifkind": _kind("oif"),
    "meta iifgroup": _group("iif"),
    "meta oifgroup": _group("oif"),
    "meta iiftype": _hardware("iif"),
    "meta oiftype": _hardware("oif"),
    "owner socket": _socket,
    "meta cgroup": _group_of_processes,
    "xt cgroup": _group_of_processes,
    "meta skuid": _owner("uid", None),
    "meta skgid": _owner("gid", None),
    "owner uid": _owner("uid", ""),
    "owner gid": _owner("gid", ""),
    "ether saddr": _mac("saddr"),
    "ether daddr": _mac("daddr"),
    "physdev in": lambda view: view.context.physin,
    "physdev out": lambda view: view.context.physout,
    "physdev is-in": lambda view: "yes" if view.context.physin else "no",
    "physdev is-out": lambda view: "yes" if view.context.physout else "no",
    "physdev is-bridged": lambda view: "yes" if view.context.physin and view.context.physout else "no",
}
#: Those that every frame has, whatever is in it.
OF_FRAMES = frozenset(
    f"meta {name}"
    for name in (
        *("protocol", "mark", "iifname", "oifname", "iif", "oif", "ibrname", "obrname", "iifkind", "oifkind"),
        *("iifgroup", "oifgroup", "iiftype", "oiftype"),
    )
) | {"ether type", "ether saddr", "ether daddr", "ct state"}
