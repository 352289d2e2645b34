"""Links: one RTM_GETLINK dump per namespace, with bridge ports and per-device sysctls in the same answer.

A link's far end (a veth's peer, a macvlan's lower device in another namespace) is told by the kernel as
an index and a namespace number that only means something in this namespace. So the parser gives a
`SeenLink`, whose `far` end `engine.observe.netlink.peers` turns into a `Peer` once all namespaces are read.
Statistics of IPv6 and virtual functions are not asked for: they would be most of the answer.

Sources: rtnetlink(7), include/uapi/linux/if_link.h, net/core/rtnetlink.c (rtnl_fill_ifinfo).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from engine.model.link import Link
from engine.observe.base.row_cache import Remembered, Span, places
from engine.observe.netlink.bridge_links import bridge_options, bridge_port
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import decodes, i32, mac, text, u32
from engine.observe.netlink.devconf import device_sysctls
from engine.observe.netlink.link_kinds import LOWER, detail, kind_name, slave
from engine.observe.netlink.link_programs import xdp_programs
from engine.observe.netlink.reader import Reader
from engine.records import dataclass, field

RTM_NEWLINK, RTM_GETLINK = 16, 18

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_MASTER = 1, 3, 4, 5, 10
_IFLA_LINKINFO, _IFLA_IFALIAS, _IFLA_AF_SPEC, _IFLA_EXT_MASK = 18, 20, 26, 29
_IFLA_GROUP, _IFLA_PROMISCUITY, _IFLA_LINK_NETNSID, _IFLA_XDP = 27, 30, 37, 43
_INFO_KIND, _INFO_DATA, _INFO_SLAVE_KIND, _INFO_SLAVE_DATA = 1, 2, 4, 5
_IFF_UP, _IFF_NOARP, _IFF_PROMISC, _IFF_LOWER_UP = 0x1, 0x80, 0x100, 0x10000
_ARPHRD_LOOPBACK = 772
_RTEXT_FILTER_SKIP_STATS = 8

_ifinfomsg = struct.Struct("=BxHiII")
_REQUEST = _ifinfomsg.pack(0, 0, 0, 0, 0) + struct.pack("=HHI", 8, _IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS)

#: Kinds whose IFLA_LINK is the other end of a pair, not a device below them.
PAIRED = frozenset({"veth", "netkit", "vxcan"})
#: Kinds that always have a lower device, which in another namespace may have the same index.
_STACKED = frozenset({"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "vxlan"})


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The device that a link points at: its index, and its namespace as numbered here (None: this one)."""

    index: int
    nsid: int | None


@dataclass(frozen=True, slots=True)
class SeenLink:
    """A link as the dump shows it: the far end unresolved, and the device's own sysctls."""

    link: Link
    far: FarEnd | None = None
    sysctls: Mapping[str, int] = field(default_factory=dict)


def read_links(reader: Reader) -> tuple[SeenLink, ...]:
    """All links of the reader's namespace."""
    return reader.read("links", RTM_GETLINK, _REQUEST, parse_links)


@decodes("a link")
def parse_links(messages: Sequence[Message]) -> tuple[SeenLink, ...]:
    """The links in RTM_NEWLINK messages. Raises NetlinkError on damaged bytes."""
    return tuple(_link(body) for kind, body in messages if kind == RTM_NEWLINK)


def _parse_link(body: bytes) -> SeenLink:
    _family, hardware, index, flags, _change = _ifinfomsg.unpack_from(body)
    found = attributes(body, 16)
    info = attributes(found[_IFLA_LINKINFO]) if _IFLA_LINKINFO in found else {}
    name = text(found.get(_IFLA_IFNAME, b""))
    kind = kind_name(info.get(_INFO_KIND, b"")) or ("loopback" if hardware == _ARPHRD_LOOPBACK else "")
    data = attributes(info.get(_INFO_DATA, b""))
    of = kind_name(info.get(_INFO_SLAVE_KIND, b""))
    held = attributes(info.get(_INFO_SLAVE_DATA, b"")) if of else {}
    parent, far = _points_at(kind, index, found, data)
    link = Link(
        index=index,
        name=name,
        kind=kind,
        up=bool(flags & _IFF_UP),
        carrier=bool(flags & _IFF_LOWER_UP),
        mtu=u32(found[_IFLA_MTU]) if _IFLA_MTU in found else 0,
        mac=mac(found.get(_IFLA_ADDRESS, b"")),
        master=u32(found[_IFLA_MASTER]) if _IFLA_MASTER in found else None,
        parent=parent,
        bridge=bridge_options(data) if kind == "bridge" else None,
        port=bridge_port(held) if of == "bridge" else None,
        noarp=bool(flags & _IFF_NOARP),
        promiscuous=bool(flags & _IFF_PROMISC) or any(found.get(_IFLA_PROMISCUITY, b"")),
        alias=text(found.get(_IFLA_IFALIAS, b"")),
        detail=detail(kind, data),
        slave=slave(of, held),
        programs=xdp_programs(found.get(_IFLA_XDP)),
        group=u32(found[_IFLA_GROUP]) if _IFLA_GROUP in found else 0,
    )
    return SeenLink(link, far, device_sysctls(name, found.get(_IFLA_AF_SPEC, b"")))


def _points_at(
    kind: str, own: int, found: Mapping[int, bytes], data: Mapping[int, bytes]
) -> tuple[int | None, FarEnd | None]:
    """The lower device in this namespace, or the far end of a pair or of a device in another namespace."""
    raw = data.get(LOWER[kind]) if kind in LOWER else found.get(_IFLA_LINK)
    index = i32(raw) if raw else 0
    nsid = i32(found[_IFLA_LINK_NETNSID]) if _IFLA_LINK_NETNSID in found else None
    if kind == "vxlan" and nsid is not None and index <= 0:
        return None, FarEnd(0, nsid)
    # A device that has nothing below it names itself when it was moved to another namespace.
    if index <= 0 or (index == own and kind not in PAIRED and kind not in _STACKED):
        return None, None
    if nsid is None and kind not in PAIRED:
        return index, None
    return None, FarEnd(index, nsid)


#: What moves by itself: statistics, timers of bridges, and those of their ports.
_STATISTICS, _BRIDGE_TIMERS, _PORT_TIMERS = (7, 23), (16, 17, 18, 19), (20, 21, 22)


def _moving(body: bytes) -> Iterator[Span]:
    for kind, (start, end) in places(body, _ifinfomsg.size, len(body)):
        if kind in _STATISTICS:
            yield start, end
        elif kind == _IFLA_LINKINFO:
            names: dict[int, bytes] = {}
            for part, (first, last) in places(body, start, end):
                names[part + 1] = body[first:last]
                if part in _TIMERS and names.get(part) == b"bridge\0":
                    yield from (span for number, span in places(body, first, last) if number in _TIMERS[part])


#: The timers in settings of a bridge, and in those of its port; the kind is told in the attribute before them.
_TIMERS = {_INFO_DATA: _BRIDGE_TIMERS, _INFO_SLAVE_DATA: _PORT_TIMERS}
_link = Remembered(_parse_link, _moving, limit=4096)
