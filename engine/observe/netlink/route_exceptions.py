"""What the kernel learned about single destinations: path MTUs, and gateways that a router told by a redirect.

They live beside the routes and override them. A dump with RTM_F_CLONED set has these alone, of both families. A kernel
older than 5.3, which has no such dump, may answer with ordinary routes; those are passed over.

Sources: ip-route(8) (`ip route show cache`), net/ipv4/fib_frontend.c (ip_valid_fib_dump_req), net/ipv4/route.c
(rt_fill_info), net/ipv6/route.c (rt6_nh_dump_exceptions).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from engine.model.address import IPAddress
from engine.model.route import RouteException
from engine.observe.netlink.client import Message, attributes
from engine.observe.netlink.decode import AF_INET, AF_INET6, address, decodes, u32
from engine.observe.netlink.reader import Reader

RTM_NEWROUTE, RTM_GETROUTE = 24, 26
_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_GATEWAY, _RTA_METRICS, _RTA_TABLE, _RTA_VIA = 1, 2, 4, 5, 8, 15, 18
_RTAX_LOCK, _RTAX_MTU = 1, 2
_RTM_F_CLONED = 0x200
_RTN_UNICAST = 1

_rtmsg = struct.Struct("=BBBBBBBBI")
_REQUEST = _rtmsg.pack(0, 0, 0, 0, 0, 0, 0, 0, _RTM_F_CLONED)


def read_exceptions(reader: Reader, names: Mapping[int, str]) -> tuple[RouteException, ...]:
    """What was learned in the reader's namespace; `names` has its devices' names by index, for the text."""
    return reader.read("learned routes", RTM_GETROUTE, _REQUEST, lambda messages: parse_exceptions(messages, names))


@decodes("a learned route")
def parse_exceptions(messages: Sequence[Message], names: Mapping[int, str]) -> tuple[RouteException, ...]:
    """The cached unicast routes in RTM_NEWROUTE messages, each once. Raises NetlinkError on damaged bytes."""
    rows = (_parse(body, names) for kind, body in messages if kind == RTM_NEWROUTE)
    return tuple(dict.fromkeys(row for row in rows if row is not None))


def _parse(body: bytes, names: Mapping[int, str]) -> RouteException | None:
    family, _to, _from, _tos, table, _protocol, _scope, kind, flags = _rtmsg.unpack_from(body)
    found = attributes(body, _rtmsg.size)
    if family not in (AF_INET, AF_INET6) or not flags & _RTM_F_CLONED or kind != _RTN_UNICAST or _RTA_DST not in found:
        return None
    metrics = attributes(found.get(_RTA_METRICS, b""))
    mtu = u32(metrics[_RTAX_MTU]) if _RTAX_MTU in metrics else None
    link = u32(found[_RTA_OIF]) if _RTA_OIF in found else None
    gateway = _gateway(found)
    locked = _RTAX_LOCK in metrics and bool(u32(metrics[_RTAX_LOCK]) >> _RTAX_MTU & 1)
    words = [str(address(found[_RTA_DST]))]
    words += ["via", str(gateway)] if gateway is not None else []
    words += ["dev", names.get(link, f"if{link}")] if link is not None else []
    words += ["mtu", *(["lock"] if locked else []), str(mtu)] if mtu is not None else []
    return RouteException(
        destination=address(found[_RTA_DST]),
        source=address(found[_RTA_SRC]) if _RTA_SRC in found else None,
        link=link,
        gateway=gateway,
        mtu=mtu,
        locked=locked,
        table=u32(found[_RTA_TABLE]) if _RTA_TABLE in found else table,
        text=" ".join(words),
    )


def _gateway(found: Mapping[int, bytes]) -> IPAddress | None:
    if _RTA_GATEWAY in found:
        return address(found[_RTA_GATEWAY])
    return address(found[_RTA_VIA][2:]) if _RTA_VIA in found else None
