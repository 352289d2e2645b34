"""Every field that the model can read of a packet, as one table: name → function of a `View`.

A function returns the field's value: an int, a name, a set of names (for bits that can be on together),
or None where the packet has no such field (a rule that asks for it then does not match, negated or not).
A field name that is not in the table is unknown. Device names are empty strings where there is no device,
as the kernel compares them (ip_packet_match, nft_meta_store_ifname).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from engine.model.packet import PROTOCOL_NUMBERS, Packet, Protocol
from engine.path.addresses import address_type
from engine.path.arp_fields import FIELDS as ARP
from engine.path.fib import FlowKey, Found
from engine.path.values import UNKNOWN, Read, Unknown, Value, of_mac
from engine.path.view import TELLING, View

#: The owner of packets that the kernel makes by itself: errors, resets.
NO_SOCKET = -1
#: Kinds of devices whose packets come without a link header, so without MAC addresses.
FRAMELESS = frozenset({"loopback", "wireguard", "tun", "ipip", "sit", "gre", "ip6tnl", "ip6gre", "vti", "xfrm", "ppp"})
#: The headers that fields are named after, by IP version or protocol: a packet has no field of another's.
HEADERS = {"ip": 4, "ip6": 6, "tcp": Protocol.TCP, "udp": Protocol.UDP, "sctp": Protocol.SCTP}
#: The parts of a flow's tuple (`Tuple4`) by nftables' names.
CT_PARTS = (
    ("ip saddr", "src"),
    ("ip daddr", "dst"),
    ("ip6 saddr", "src"),
    ("ip6 daddr", "dst"),
    ("proto-src", "sport"),
    ("proto-dst", "dport"),
)


def read(name: str, view: View) -> Value | Unknown:
    """The value of the field `name`, or UNKNOWN where the model has no such field."""
    function = FIELDS.get(name)
    if name in TELLING:
        view.told.add(name)
    if view.context.arp and function is not None and name not in OF_FRAMES and not name.startswith("arp "):
        return UNKNOWN if name.startswith("meta ") else None
    if function is None:
        header = HEADERS.get(name.removeprefix("nft ").partition(" ")[0])
        return UNKNOWN if header in (None, view.packet.dst.version, view.packet.protocol) else None
    return function(view)


def _v4(value: object) -> int | None:
    return int(value) if isinstance(value, IPv4Address) else None


def _v6(value: object) -> int | None:
    return int(value) if isinstance(value, IPv6Address) else None


def _port(protocol: Protocol, end: str) -> Read:
    def value(view: View) -> int | None:
        packet = view.packet
        if packet.protocol is not protocol:
            return None
        return packet.sport if end == "sport" else packet.dport

    return value


def _icmp(protocol: Protocol, part: str) -> Read:
    def value(view: View) -> int | None:
        packet = view.packet
        if packet.protocol is not protocol:
            return None
        return packet.icmp_type if part == "type" else packet.icmp_code

    return value


def _tcp_flags(view: View) -> int | None:
    return view.packet.tcp_flags if view.packet.protocol is Protocol.TCP else None


def _number(packet: Packet) -> int:
    return PROTOCOL_NUMBERS[packet.protocol]


def _ct_state(view: View) -> frozenset[str]:
    """The state, and xtables' pseudo-states SNAT and DNAT (xt_conntrack.c, XT_CONNTRACK_STATE_SNAT)."""
    return frozenset({view.context.ct_state}) | (view.context.ct_status & {"snat", "dnat"})


def _ct_direction(view: View) -> str:
    return "reply" if view.context.ct_reply_direction else "original"


def _ct_tuple(direction: str, name: str, part: str) -> Read:
    def value(view: View) -> int | None:
        version = HEADERS.get(name.partition(" ")[0])
        flow = view.context.ct_original if direction == "original" else view.context.ct_reply
        if flow is None or version not in (None, flow.src.version) or getattr(flow, part) is None:  # nft_ct_get_eval
            return None
        return int(getattr(flow, part))

    return value


def _fib_type(end: str, device: str) -> Read:
    def value(view: View) -> str:
        ends = view.packet.dst, view.packet.src
        address, other = ends if end == "daddr" else ends[::-1]
        name = {"iif": view.context.iif, "oif": view.context.oif}.get(device)
        link = view.netns.links_by_name.get(name) if name else None
        return address_type(view.fib, address, link, other)

    return value


def _fib_oif(*selectors: str) -> Read:
    """`fib saddr . iif oif`: whether the route back to the source is by that device (nft_fib_ipv4.c, ipt_rpfilter.c).

    The device is compared with the route that was found, it does not choose another one. Loopback always has a way
    back; a source that is an address of this namespace has none. The question is for a packet that goes the other way.
    """

    def value(view: View) -> str:
        device = view.netns.links_by_name.get(view.context.iif)
        if device is not None and device.kind == "loopback":
            return "exists"
        mark = view.context.mark if "mark" in selectors else 0
        found = view.fib.lookup(FlowKey(view.packet.src, view.packet.dst, mark=mark))
        if not isinstance(found, Found) or found.route.kind != "unicast":
            return "missing"
        if "iif" in selectors and device is not None:
            return "exists" if any(hop.link == device.index for hop in found.nexthops) else "missing"
        return "exists"

    return value


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


def _family(view: View) -> str:
    return "ipv4" if view.packet.dst.version == 4 else "ipv6"


def _tracked(read: Read) -> Read:
    """A field of the connection: absent for packets that belong to none."""
    return lambda view: None if view.context.ct_state in ("untracked", "invalid") else read(view)


def _ether_type(view: View) -> int:
    if view.context.arp:
        return 0x0806
    return 0x0800 if view.packet.dst.version == 4 else 0x86DD


def _kind(which: str) -> Read:
    """The kind of a device (IFLA_INFO_KIND), which a plain network card has not."""

    def value(view: View) -> str | None:
        device = view.netns.links_by_name.get(view.context.iif if which == "iif" else view.context.oif)
        return None if device is None else "" if device.kind == "loopback" else device.kind

    return value


def _bridge(which: str) -> Read:
    """The bridge that a device is a port of (nft_meta_bridge.c); empty for others."""

    def value(view: View) -> str:
        device = view.netns.links_by_name.get(view.context.iif if which == "iif" else view.context.oif)
        master = view.netns.links_by_index.get(device.master or 0) if device is not None else None
        return master.name if master is not None and master.kind == "bridge" else ""

    return value


def _pkttype(view: View) -> str:
    if view.packet.dst.is_multicast:
        return "multicast"
    return "unicast"


FIELDS: dict[str, Read] = {
    **ARP,
    "ip saddr": lambda view: _v4(view.packet.src),
    "ip daddr": lambda view: _v4(view.packet.dst),
    "ip6 saddr": lambda view: _v6(view.packet.src),
    "ip6 daddr": lambda view: _v6(view.packet.dst),
    "ip protocol": lambda view: _number(view.packet) if view.packet.dst.version == 4 else None,
    "ip6 nexthdr": lambda view: _number(view.packet) if view.packet.dst.version == 6 else None,
    "ip ttl": lambda view: view.packet.ttl if view.packet.dst.version == 4 else None,
    "ip6 hoplimit": lambda view: view.packet.ttl if view.packet.dst.version == 6 else None,
    "ip version": lambda view: view.packet.dst.version,
    "ip6 version": lambda view: 6 if view.packet.dst.version == 6 else None,
    "ip length": lambda view: FIELDS["meta length"](view) if view.packet.dst.version == 4 else None,
    "meta l4proto": lambda view: _number(view.packet),
    "meta nfproto": _family,
    "meta protocol": _ether_type,
    "ether type": _ether_type,
    "meta length": lambda view: UNKNOWN if view.packet.length is None else view.packet.length,
    "meta mark": lambda view: view.context.mark,
    "meta iifname": lambda view: view.context.iif,
    "meta oifname": lambda view: view.context.oif,
    "meta iif": lambda view: view.context.iif,
    "meta oif": lambda view: view.context.oif,
    "meta ibrname": _bridge("iif"),
    "meta obrname": _bridge("oif"),
    "meta pkttype": _pkttype,
    "meta iifkind": _kind("iif"),
    "meta oifkind": _kind("oif"),
    "meta skuid": _owner("uid", None),
    "meta skgid": _owner("gid", None),
    "owner uid": _owner("uid", ""),
    "owner gid": _owner("gid", ""),
    "ether saddr": _mac("saddr"),
    "ether daddr": _mac("daddr"),
    "ip frag-off": lambda view: 0 if view.packet.dst.version == 4 else None,
    "ip fragment": lambda _view: "first",
    "physdev in": lambda view: view.context.physin,
    "physdev out": lambda view: view.context.physout,
    "physdev is-in": lambda view: "yes" if view.context.physin else "no",
    "physdev is-out": lambda view: "yes" if view.context.physout else "no",
    "physdev is-bridged": lambda view: "yes" if view.context.physin and view.context.physout else "no",
    "tcp sport": _port(Protocol.TCP, "sport"),
    "tcp dport": _port(Protocol.TCP, "dport"),
    "tcp flags": _tcp_flags,
    "udp sport": _port(Protocol.UDP, "sport"),
    "udp dport": _port(Protocol.UDP, "dport"),
    "sctp sport": _port(Protocol.SCTP, "sport"),
    "sctp dport": _port(Protocol.SCTP, "dport"),
    "th sport": lambda view: view.packet.sport,
    "th dport": lambda view: view.packet.dport,
    "icmp type": _icmp(Protocol.ICMP, "type"),
    "icmp code": _icmp(Protocol.ICMP, "code"),
    "icmpv6 type": _icmp(Protocol.ICMPV6, "type"),
    "icmpv6 code": _icmp(Protocol.ICMPV6, "code"),
    "ct state": _ct_state,
    "ct status": _tracked(lambda view: view.context.ct_status),
    "ct direction": _tracked(_ct_direction),
    "ct mark": _tracked(lambda view: view.context.ct_mark),
    "ct l3proto": _tracked(_family),
    "ct protocol": _tracked(lambda view: PROTOCOL_NUMBERS[view.context.ct_protocol or view.packet.protocol]),
    "ct zone": _tracked(lambda view: view.context.ct_zone),
    **{
        f"ct {direction} {name}": _ct_tuple(direction, name, part)
        for direction in ("original", "reply")
        for name, part in CT_PARTS
    },
    "fib daddr type": _fib_type("daddr", ""),
    "fib saddr type": _fib_type("saddr", ""),
    "fib daddr . iif type": _fib_type("daddr", "iif"),
    "fib saddr . iif type": _fib_type("saddr", "iif"),
    "fib daddr . oif type": _fib_type("daddr", "oif"),
    "fib saddr . oif type": _fib_type("saddr", "oif"),
    "fib saddr . iif oif": _fib_oif("iif"),
    "fib saddr . mark . iif oif": _fib_oif("iif", "mark"),
    "fib saddr oif": _fib_oif(),
    "fib saddr . mark oif": _fib_oif("mark"),
}
#: Those that every frame has, whatever is in it.
OF_FRAMES = frozenset(
    f"meta {name}"
    for name in ("protocol", "mark", "iifname", "oifname", "iif", "oif", "ibrname", "obrname", "iifkind", "oifkind")
) | {"ether type", "ether saddr", "ether daddr", "ct state"}
