"""Neighbours (ARP and neighbour discovery) and the forwarding entries of bridges and vxlans.

Both are RTM_GETNEIGH dumps: one for each kind of table. Entries without a state say nothing about reachability, nor
do those without resolution (NUD_NOARP) that the kernel makes for groups and for devices that do not resolve
addresses; one for a station was given by hand. Of the forwarding entries those of a bridge are kept, and those of a
vxlan, which name a remote or a nexthop object; a plain device's own multicast filter is in the same dump and is not a
forwarding entry.

Sources: ip-neighbour(8), bridge(8), include/uapi/linux/neighbour.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from engine.model.link import FdbEntry, Neighbour
from engine.observe.base.row_cache import Remembered, Span, places
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import AF_BRIDGE, AF_INET, AF_INET6, address, be16, decodes, mac, u16, u32
from engine.observe.netlink.reader import Reader

RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30

_NDA_DST, _NDA_LLADDR, _NDA_VLAN, _NDA_PORT, _NDA_VNI, _NDA_IFINDEX, _NDA_MASTER = 1, 2, 5, 6, 7, 8, 9
_NDA_CACHEINFO, _NDA_PROBES = 3, 4
_NDA_NH_ID, _NDA_FLAGS_EXT = 13, 15
_NTF_PROXY, _NUD_NOARP, _NUD_PERMANENT = 0x08, 0x40, 0x80
#: Flags of a forwarding entry by bridge(8)'s names, in ndm_flags and in NDA_FLAGS_EXT.
_FLAGS = ((0x10, "extern_learn"), (0x20, "offload"), (0x40, "sticky"))
_EXTENDED_FLAGS = ((0x2, "locked"),)
_ndmsg = struct.Struct("=BxxxiHBB")
_REQUEST = bytes(_ndmsg.size)
_PROXY_REQUEST = _ndmsg.pack(0, 0, 0, _NTF_PROXY, 0)
_BRIDGE_REQUEST = _ndmsg.pack(AF_BRIDGE, 0, 0, 0, 0)

_STATES = {
    0x01: "incomplete",
    0x02: "reachable",
    0x04: "stale",
    0x08: "delay",
    0x10: "probe",
    0x20: "failed",
    _NUD_NOARP: "noarp",
    _NUD_PERMANENT: "permanent",
}


def read_neighbours(reader: Reader) -> tuple[Neighbour, ...]:
    """All neighbour entries of the reader's namespace, and the addresses that it answers for (proxies)."""
    neighbours = reader.read("neighbours", RTM_GETNEIGH, _REQUEST, parse_neighbours)
    return neighbours + reader.read("neighbours (proxy)", RTM_GETNEIGH, _PROXY_REQUEST, parse_neighbours)


def read_fdb(reader: Reader) -> tuple[FdbEntry, ...]:
    """All forwarding entries of the bridges and vxlans in the reader's namespace."""
    return reader.read("fdb", RTM_GETNEIGH, _BRIDGE_REQUEST, parse_fdb)


@decodes("a neighbour")
def parse_neighbours(messages: Sequence[Message]) -> tuple[Neighbour, ...]:
    """The neighbours in RTM_NEWNEIGH messages. Raises NetlinkError on damaged bytes."""
    rows = (_neighbour(body) for kind, body in messages if kind == RTM_NEWNEIGH)
    return tuple(row for row in rows if row is not None)


@decodes("a forwarding entry")
def parse_fdb(messages: Sequence[Message]) -> tuple[FdbEntry, ...]:
    """The forwarding entries in RTM_NEWNEIGH messages of AF_BRIDGE. Raises NetlinkError on damaged bytes."""
    rows = (_fdb_entry(body) for kind, body in messages if kind == RTM_NEWNEIGH)
    return tuple(row for row in rows if row is not None)


def _parse_neighbour(body: bytes) -> Neighbour | None:
    family, link, bits, flags, _kind = _ndmsg.unpack_from(body)
    proxy = bool(flags & _NTF_PROXY)
    state = _STATES.get(bits, "permanent" if proxy else "")
    if family not in (AF_INET, AF_INET6) or not state:
        return None
    found = attributes(body, 12)
    if _NDA_DST not in found:
        return None
    lladdr = found.get(_NDA_LLADDR)
    if bits == _NUD_NOARP and not _is_station(lladdr):
        return None
    return Neighbour(
        link=link,
        address=address(found[_NDA_DST]),
        mac=mac(lladdr) if lladdr and state not in ("incomplete", "failed") else None,
        state=state,
        proxy=proxy,
    )


def _is_station(lladdr: bytes | None) -> bool:
    """Whether it is the MAC address of one station: of no group, and not all zeros."""
    return lladdr is not None and len(lladdr) == 6 and any(lladdr) and not lladdr[0] & 1


def _parse_fdb_entry(body: bytes) -> FdbEntry | None:
    family, link, bits, flags, _kind = _ndmsg.unpack_from(body)
    if family != AF_BRIDGE:
        return None
    found = attributes(body, 12)
    if _NDA_LLADDR not in found or not (_NDA_MASTER in found or _NDA_DST in found or _NDA_NH_ID in found):
        return None
    return FdbEntry(
        link=link,
        master=u32(found[_NDA_MASTER]) if _NDA_MASTER in found else None,
        mac=mac(found[_NDA_LLADDR]),
        vlan=u16(found[_NDA_VLAN]) if _NDA_VLAN in found else None,
        local=_NDA_MASTER in found and bool(bits & _NUD_PERMANENT),
        destination=address(found[_NDA_DST]) if _NDA_DST in found else None,
        port=be16(found[_NDA_PORT]) if _NDA_PORT in found else None,
        vni=u32(found[_NDA_VNI]) if _NDA_VNI in found else None,
        via=u32(found[_NDA_IFINDEX]) if _NDA_IFINDEX in found else None,
        nexthop=u32(found[_NDA_NH_ID]) if _NDA_NH_ID in found else None,
        flags=_flags_of(bits, flags, u32(found.get(_NDA_FLAGS_EXT, bytes(4)))),
    )


@lru_cache(maxsize=256)
def _flags_of(state: int, flags: int, extended: int) -> frozenset[str]:
    """Words of bridge(8). What is not learned stays: `permanent` is told by `local`, other fixed entries are static."""
    found = [name for bit, name in _FLAGS if flags & bit] + [name for bit, name in _EXTENDED_FLAGS if extended & bit]
    return frozenset([*found, "static"] if state & _NUD_NOARP else found)


def _ages(body: bytes) -> Iterator[Span]:
    return (span for kind, span in places(body, _ndmsg.size, len(body)) if kind in (_NDA_CACHEINFO, _NDA_PROBES))


_neighbour, _fdb_entry = Remembered(_parse_neighbour, _ages), Remembered(_parse_fdb_entry, _ages)
