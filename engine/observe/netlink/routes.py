"""Routes of every table and both families, from one RTM_GETROUTE dump.

A route that uses a nexthop object (ip-nexthop(8)) normally carries the object's ways out as well; with
net.ipv4.nexthop_compat_mode off it carries the number alone, and only then the objects are asked for.
Cached exceptions (learned path MTUs) are for `engine.observe.netlink.route_exceptions`; multicast routing is not read.
`engine.observe.netlink.route_text` writes the line that `ip route` would print.

Sources: rtnetlink(7), include/uapi/linux/rtnetlink.h, include/uapi/linux/nexthop.h.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

from engine.model.route import NextHop, NextHopObject, Route
from engine.observe.netlink.addresses import SCOPES
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import AF_INET, AF_INET6, address, decodes, network, u8, u32
from engine.observe.netlink.nexthops import encapsulation, flag_names, read_nexthops
from engine.observe.netlink.reader import Reader
from engine.observe.netlink.route_text import PREFERENCES, protocol_name, route_text
from engine.records import replace

RTM_NEWROUTE, RTM_GETROUTE = 24, 26

_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC = 1, 2, 4, 5, 6, 7
_RTA_METRICS, _RTA_MULTIPATH, _RTA_FLOW, _RTA_TABLE, _RTA_VIA, _RTA_PREF, _RTA_NH_ID = 8, 9, 11, 15, 18, 20, 30
_RTAX_LOCK, _RTAX_MTU, _RTAX_ADVMSS = 1, 2, 8
_RTM_F_CLONED = 0x200

_rtmsg = struct.Struct("=BBBBBBBBI")
_rtnexthop = struct.Struct("=HBBi")
_REQUEST = bytes(_rtmsg.size)
#: How the attribute RTA_NH_ID begins: a quick look before a message is split into attributes.
_NH_ID_HEADER = struct.pack("=HH", 8, _RTA_NH_ID)

#: As many routes as are remembered for one set of devices.
_REMEMBERED = 4096

KINDS = {
    1: "unicast",
    2: "local",
    3: "broadcast",
    4: "anycast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
    9: "throw",
    10: "nat",
    11: "xresolve",
}
#: Types that have no way out (IPv6 names the loopback device for them, which means nothing).
DEAD_ENDS = frozenset({"blackhole", "unreachable", "prohibit", "throw"})


def read_routes(reader: Reader, names: Mapping[int, str]) -> tuple[Route, ...]:
    """All routes of the reader's namespace; `names` has its devices' names by index, for the text."""

    def parse(messages: Sequence[Message]) -> tuple[Route, ...]:
        objects = {}
        if needs_objects(messages):
            objects = {entry.number: entry for entry in read_nexthops(reader)}
        return parse_routes(messages, names, objects)

    return reader.read("routes", RTM_GETROUTE, _REQUEST, parse)


@decodes("a route")
def needs_objects(messages: Sequence[Message]) -> bool:
    """Whether a route names a nexthop object without its ways out. Raises NetlinkError on damaged bytes."""
    for kind, body in messages:
        if kind == RTM_NEWROUTE and _NH_ID_HEADER in body:
            found = attributes(body, 12)
            if _RTA_NH_ID in found and _RTA_OIF not in found and _RTA_MULTIPATH not in found:
                return True
    return False


@decodes("a route")
def parse_routes(
    messages: Sequence[Message], names: Mapping[int, str], objects: Mapping[int, NextHopObject] | None = None
) -> tuple[Route, ...]:
    """The IPv4 and IPv6 routes in RTM_NEWROUTE messages. Raises NetlinkError on damaged bytes."""
    known = {} if objects else _known(tuple(names.items()))
    rows = (_remembered(body, names, objects or {}, known) for kind, body in messages if kind == RTM_NEWROUTE)
    return tuple(row for row in rows if row is not None)


@lru_cache(maxsize=64)
def _known(_names: tuple[tuple[int, str], ...]) -> dict[bytes, Route | None]:
    """Routes parsed before, by their bytes, where devices have these names: containers repeat each other's."""
    return {}


def _remembered(
    body: bytes, names: Mapping[int, str], objects: Mapping[int, NextHopObject], known: dict[bytes, Route | None]
) -> Route | None:
    try:
        return known[body]
    except KeyError:
        if len(known) >= _REMEMBERED:
            known.clear()
        found = known[body] = _parse_route(body, names, objects)
        return found


def _parse_route(body: bytes, names: Mapping[int, str], objects: Mapping[int, NextHopObject]) -> Route | None:
    family, length, source_length, tos, table, protocol, scope, kind, flags = _rtmsg.unpack_from(body)
    if family not in (AF_INET, AF_INET6) or flags & _RTM_F_CLONED:
        return None
    found = attributes(body, 12)
    name = KINDS.get(kind, str(kind))
    metrics = attributes(found[_RTA_METRICS]) if _RTA_METRICS in found else {}
    route = Route(
        destination=network(found.get(_RTA_DST), length, family),
        table=u32(found[_RTA_TABLE]) if _RTA_TABLE in found else table,
        kind=name,
        metric=u32(found[_RTA_PRIORITY]) if _RTA_PRIORITY in found else 0,
        tos=tos,
        scope=SCOPES.get(scope, str(scope)),
        protocol=protocol_name(protocol),
        preferred_source=address(found[_RTA_PREFSRC]) if _RTA_PREFSRC in found else None,
        nexthops=() if name in DEAD_ENDS else _ways_out(found, flags, objects),
        mtu=u32(metrics[_RTAX_MTU]) if _RTAX_MTU in metrics else None,
        locked=_RTAX_LOCK in metrics and bool(u32(metrics[_RTAX_LOCK]) >> _RTAX_MTU & 1),
        source=network(found.get(_RTA_SRC), source_length, family) if source_length else None,
        preference=PREFERENCES.get(u8(found[_RTA_PREF]), "medium") if _RTA_PREF in found else "medium",
        nexthop=u32(found[_RTA_NH_ID]) if _RTA_NH_ID in found else None,
        advmss=u32(metrics[_RTAX_ADVMSS]) if _RTAX_ADVMSS in metrics else None,
    )
    # The value is not out of our hands yet, and `replace` would cost as much as the rest of the route.
    object.__setattr__(route, "text", route_text(route, found, names))
    return route


def _ways_out(found: Mapping[int, bytes], flags: int, objects: Mapping[int, NextHopObject]) -> tuple[NextHop, ...]:
    if _RTA_MULTIPATH in found:
        return _multipath(found[_RTA_MULTIPATH])
    if _RTA_OIF not in found and _RTA_NH_ID in found:
        return _resolve(u32(found[_RTA_NH_ID]), objects)
    hop = _hop(found, u32(found[_RTA_OIF]) if _RTA_OIF in found else None, 1, flags)
    return (hop,) if hop.link is not None or hop.gateway is not None else ()


def _multipath(raw: bytes) -> tuple[NextHop, ...]:
    """The ways out in RTA_MULTIPATH: a row of struct rtnexthop, each with attributes behind it."""
    hops = []
    offset = 0
    while offset + _rtnexthop.size <= len(raw):
        length, flags, weight, link = _rtnexthop.unpack_from(raw, offset)
        if length < _rtnexthop.size or offset + length > len(raw):
            raise ValueError(f"a nexthop claims {length} bytes")
        hops.append(_hop(attributes(raw[offset + _rtnexthop.size : offset + length]), link, weight + 1, flags))
        offset += (length + 3) & ~3
    return tuple(hops)


def _hop(found: Mapping[int, bytes], link: int | None, weight: int, flags: int) -> NextHop:
    gateway = found.get(_RTA_GATEWAY)
    if gateway is None and _RTA_VIA in found:
        gateway = found[_RTA_VIA][2:]
    way = address(gateway) if gateway is not None else None
    realm = u32(found[_RTA_FLOW]) if _RTA_FLOW in found else 0
    return NextHop(link, way, weight, flag_names(flags), encapsulation(found), realm)


def _resolve(number: int, objects: Mapping[int, NextHopObject]) -> tuple[NextHop, ...]:
    """The ways out of an object; groups hold single objects only, never groups."""
    entry = objects.get(number)
    if entry is None:
        return ()
    if entry.hop is not None:
        return (entry.hop,)
    members = ((objects.get(member), weight) for member, weight in entry.group)
    return tuple(
        replace(member.hop, weight=weight)
        for member, weight in members
        if member is not None and member.hop is not None
    )
