"""A route as one line, in the words and the order of `ip route` (with `table`, except for main).

The words serve two readers: the user, who knows them from ip-route(8), and the commands of a fix, which
delete or restore a route by the same words. A multipath route, which `ip route` prints over several
lines, is one line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from engine.model.route import NextHop, Route, table_name
from engine.observe.netlink.decode import u8, u32

RT_TABLE_MAIN = 254
_RTA_OIF, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_PREF, _RTA_NH_ID = 4, 6, 9, 20, 30

PROTOCOLS = {
    0: "unspec",
    1: "redirect",
    2: "kernel",
    3: "boot",
    4: "static",
    8: "gated",
    9: "ra",
    10: "mrt",
    11: "zebra",
    12: "bird",
    13: "dnrouted",
    14: "xorp",
    15: "ntk",
    16: "dhcp",
    18: "keepalived",
    42: "babel",
    84: "ovn",
    99: "openr",
    186: "bgp",
    187: "isis",
    188: "ospf",
    189: "rip",
    192: "eigrp",
}
PREFERENCES = {0: "medium", 1: "high", 3: "low"}
#: The flags that `ip route` prints, in its order.
_FLAGS = ("dead", "onlink", "pervasive", "offload", "trap", "linkdown")


def protocol_name(number: int) -> str:
    """A route's origin by its name in /usr/share/iproute2/rt_protos."""
    return PROTOCOLS.get(number, str(number))


def route_text(route: Route, found: Mapping[int, bytes], names: Mapping[int, str]) -> str:
    """`route` as `ip route` prints it; `found` are the attributes it was parsed from, `names` devices by index."""
    return " ".join(_words(route, found, names))


def _words(route: Route, found: Mapping[int, bytes], names: Mapping[int, str]) -> Iterator[str]:
    single = route.nexthops[0] if len(route.nexthops) == 1 and _RTA_MULTIPATH not in found else None
    yield from _where_to(route, found)
    if single:
        yield from _way(single, route, names)
    elif not route.nexthops and _RTA_OIF in found:
        yield _device(u32(found[_RTA_OIF]), names)
    yield from _origin(route, found)
    if single:
        yield from _flags(single)
        if single.realm:
            yield realm_text(single.realm)
    if route.mtu is not None:
        yield f"mtu {'lock ' if route.locked else ''}{route.mtu}"
    if _RTA_PREF in found:
        yield f"pref {PREFERENCES.get(u8(found[_RTA_PREF]), u8(found[_RTA_PREF]))}"
    if not single:
        for hop in route.nexthops:
            yield " ".join(("nexthop", *_way(hop, route, names), f"weight {hop.weight}", *_flags(hop)))


def _where_to(route: Route, found: Mapping[int, bytes]) -> Iterator[str]:
    if route.kind != "unicast":
        yield route.kind
    yield destination_text(route)
    if route.source is not None:
        yield f"from {_text(route.source)}"
    if route.tos:
        yield f"tos {route.tos:#04x}"
    if _RTA_NH_ID in found:
        yield f"nhid {u32(found[_RTA_NH_ID])}"


def _origin(route: Route, found: Mapping[int, bytes]) -> Iterator[str]:
    if route.table != RT_TABLE_MAIN:
        yield f"table {table_name(route.table)}"
    if route.protocol != "boot":
        yield f"proto {route.protocol}"
    if route.scope != "global":
        yield f"scope {route.scope}"
    if route.preferred_source is not None:
        yield f"src {_text(route.preferred_source)}"
    if _RTA_PRIORITY in found:
        yield f"metric {route.metric}"


#: Addresses and networks as text; writing IPv6 is slow, and the same few come again in every namespace.
_text = lru_cache(maxsize=65536)(str)


def destination_text(route: Route) -> str:
    """The destination: `default`, a bare address for one host, else a prefix."""
    network = route.destination
    if network.prefixlen == 0:
        return "default"
    return _text(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _way(hop: NextHop, route: Route, names: Mapping[int, str]) -> Iterator[str]:
    if hop.gateway is not None:
        foreign = hop.gateway.version != route.destination.version
        yield f"via {'inet6 ' if foreign else ''}{_text(hop.gateway)}"
    if hop.realm and len(route.nexthops) > 1:
        yield realm_text(hop.realm)
    if hop.link is not None:
        yield _device(hop.link, names)


def realm_text(realm: int) -> str:
    """`realm TO`, or `realms FROM/TO`."""
    source, to = realm >> 16, realm & 0xFFFF
    return f"realms {source}/{to}" if source else f"realm {to}"


def _device(index: int, names: Mapping[int, str]) -> str:
    return f"dev {names.get(index, f'if{index}')}"


def _flags(hop: NextHop) -> Iterator[str]:
    return (name for name in _FLAGS if name in hop.flags)
