"""Addresses and routes in pyroute2's words: dictionaries that its `addr` and `route` calls take. Pure.

Names that iproute2 reads from /etc/iproute2 (route types, protocols) go as they are: pyroute2 knows them.
Source: rtnetlink(7).
"""

from __future__ import annotations

from typing import Any

from engine.model.link import Address
from engine.model.route import NextHop, Route

#: Scopes by name (rtnetlink(7), rtm_scope).
SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
RTNH_F_ONLINK = 4
#: Flags of an address that a caller may set (linux/if_addr.h).
ADDRESS_FLAGS = {"nodad": 0x02, "home": 0x10, "mngtmpaddr": 0x100, "noprefixroute": 0x200}


def address_words(address: Address) -> dict[str, Any]:
    """An address, without its link."""
    words: dict[str, Any] = {
        "address": str(address.address),
        "prefixlen": address.prefixlen,
        "scope": SCOPES[address.scope],
    }
    if address.peer is not None:
        words |= {"local": str(address.address), "address": str(address.peer)}
    flags = sum(bit for name, bit in ADDRESS_FLAGS.items() if name in address.flags)
    if flags:
        words["flags"] = flags
    if address.broadcast is not None:
        words["broadcast"] = str(address.broadcast)
    return words


def route_words(route: Route, verb: str) -> dict[str, Any]:
    """A route to "add" or "del"; links of its next hops by index."""
    default = "default" if route.destination.version == 4 else "::/0"
    words: dict[str, Any] = {
        "dst": default if route.destination.prefixlen == 0 else str(route.destination),
        "table": route.table,
        "type": route.kind,
        "priority": route.metric or None,
        "tos": route.tos or None,
        "scope": _scope(route, verb),
        "proto": route.protocol or ("boot" if verb == "add" else None),
        "prefsrc": str(route.preferred_source) if route.preferred_source else None,
        "metrics": {"mtu": route.mtu} if route.mtu is not None else None,
    }
    if len(route.nexthops) == 1:
        words |= _nexthop_words(route.nexthops[0])
    elif route.nexthops:
        words["multipath"] = [{**_nexthop_words(hop), "hops": hop.weight - 1} for hop in route.nexthops]
    return {key: value for key, value in words.items() if value is not None}


def _scope(route: Route, verb: str) -> int:
    """The scope to send, chosen as ip(8) does where the route names none; "nowhere" deletes whatever the scope."""
    if route.destination.version == 6:
        return SCOPES["global"]
    if route.scope != "global":
        return SCOPES[route.scope]
    if verb == "del":
        return SCOPES["nowhere"]
    if route.kind in ("local", "nat"):
        return SCOPES["host"]
    direct = route.kind == "unicast" and not any(hop.gateway for hop in route.nexthops)
    return SCOPES["link" if direct or route.kind in ("broadcast", "multicast", "anycast") else "global"]


def _nexthop_words(hop: NextHop) -> dict[str, Any]:
    words = {
        "gateway": str(hop.gateway) if hop.gateway else None,
        "oif": hop.link,
        "flags": RTNH_F_ONLINK if "onlink" in hop.flags else None,
    }
    return {key: value for key, value in words.items() if value is not None}
