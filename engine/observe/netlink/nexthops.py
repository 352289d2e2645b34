"""Nexthop objects (ip-nexthop(8)), and what a single way out has beside device and gateway.

An object is one way out, a blackhole, or a group of other objects with weights. Routes name objects by number, and so
do forwarding entries of a vxlan, whose objects are marked `fdb`. A kernel older than 5.3 has no objects.

Sources: include/uapi/linux/nexthop.h, rtnetlink.h (RTNH_F_*), lwtunnel.h.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

from engine.model.route import NextHop, NextHopObject
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import address, decodes, u16, u32
from engine.observe.netlink.reader import Reader

RTM_NEWNEXTHOP, RTM_GETNEXTHOP = 104, 106
_NHA_ID, _NHA_GROUP, _NHA_BLACKHOLE, _NHA_OIF, _NHA_GATEWAY, _NHA_ENCAP_TYPE, _NHA_FDB = 1, 2, 4, 5, 6, 7, 11
_RTA_ENCAP_TYPE = 21
_nhmsg = struct.Struct("=BBBxI")
_nexthop_grp = struct.Struct("=IBBH")
_REQUEST = bytes(_nhmsg.size)

_HOP_FLAGS = ((1, "dead"), (2, "pervasive"), (4, "onlink"), (8, "offload"), (16, "linkdown"), (64, "trap"))
#: Lightweight tunnels by enum lwtunnel_encap_types, by the names of ip-route(8).
_ENCAPSULATIONS = {
    1: "mpls",
    2: "ip",
    3: "ila",
    4: "ip6",
    5: "seg6",
    6: "bpf",
    7: "seg6local",
    8: "rpl",
    9: "ioam6",
    10: "xfrm",
}


def read_nexthops(reader: Reader) -> tuple[NextHopObject, ...]:
    """All nexthop objects of the reader's namespace."""
    return reader.read("nexthop objects", RTM_GETNEXTHOP, _REQUEST, parse_nexthop_objects)


@decodes("a nexthop object")
def parse_nexthop_objects(messages: Sequence[Message]) -> tuple[NextHopObject, ...]:
    """The objects in RTM_NEWNEXTHOP messages. Raises NetlinkError on damaged bytes."""
    return tuple(_parse(body) for kind, body in messages if kind == RTM_NEWNEXTHOP)


def _parse(body: bytes) -> NextHopObject:
    _family, _scope, _protocol, flags = _nhmsg.unpack_from(body)
    found = attributes(body, 8)
    number, fdb = u32(found[_NHA_ID]), _NHA_FDB in found
    if _NHA_GROUP in found:
        entries = _nexthop_grp.iter_unpack(found[_NHA_GROUP])
        group = tuple((entry, (high << 8 | low) + 1) for entry, low, high, _ in entries)
        return NextHopObject(number, group=group, fdb=fdb)
    gateway = address(found[_NHA_GATEWAY]) if _NHA_GATEWAY in found else None
    if _NHA_BLACKHOLE in found or (_NHA_OIF not in found and gateway is None):
        return NextHopObject(number, blackhole=_NHA_BLACKHOLE in found, fdb=fdb)
    link = u32(found[_NHA_OIF]) if _NHA_OIF in found else None
    hop = NextHop(link, gateway, 1, flag_names(flags), encapsulation(found, _NHA_ENCAP_TYPE))
    return NextHopObject(number, hop, fdb=fdb)


@lru_cache(maxsize=256)
def flag_names(flags: int) -> frozenset[str]:
    """The flags of a way out, by ip-route(8)'s names."""
    return frozenset(name for bit, name in _HOP_FLAGS if flags & bit)


def encapsulation(found: Mapping[int, bytes], place: int = _RTA_ENCAP_TYPE) -> str:
    """The lightweight tunnel that a way out wraps packets in, "" for none."""
    if place not in found:
        return ""
    number = u16(found[place])
    return _ENCAPSULATIONS.get(number, str(number)) if number else ""
