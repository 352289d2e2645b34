"""Requests to change links, addresses and routes, as the bytes of netlink messages. Pure.

pyroute2's message classes write the bytes; its sockets are not used, since each would bring an event loop along. The
same request has the same bytes (`engine.apply.hands.wire` numbers them when it sends them), so that what many
namespaces of a lab have in common is written once.
Source: rtnetlink(7), linux/if_link.h, linux/veth.h.
"""

from __future__ import annotations

from functools import lru_cache
from socket import AF_INET, AF_INET6
from typing import Any

from engine.model.address import IPAddress
from engine.model.link import Address
from engine.model.route import NextHop, Route

Attributes = list[tuple[str, Any]]

#: Requests by their numbers, and flags of requests (linux/rtnetlink.h, linux/netlink.h).
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_DELROUTE, RTM_DELNEIGH = (
    16,
    17,
    18,
    20,
    24,
    25,
    29,
)
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
IFF_UP = 1
#: Scopes by name (rtnetlink(7), rtm_scope).
SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
RTNH_F_ONLINK = 4
#: Flags of an address that a caller may set (linux/if_addr.h).
ADDRESS_FLAGS = {"nodad": 0x02, "home": 0x10, "mngtmpaddr": 0x100, "noprefixroute": 0x200}
FAMILIES = {4: AF_INET, 6: AF_INET6}
REQUEST = NLM_F_REQUEST | NLM_F_ACK
CREATE = REQUEST | NLM_F_CREATE | NLM_F_EXCL
#: Numbers of route tables that a header has room for; others stand in RTA_TABLE alone.
MOST_TABLES = 255
#: How many requests are remembered.
REMEMBERED = 256


def _encoded(form: str, kind: int, flags: int, fields: dict[str, int], attributes: Attributes) -> bytes:
    message = _message(form)
    message["header"]["type"], message["header"]["flags"] = kind, flags
    message["header"]["sequence_number"] = 0
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = [(name, value) for name, value in attributes if value is not None]
    message.encode()
    return bytes(message.data)


def _message(form: str) -> Any:
    """A message of a form that has nothing in it yet."""
    # pyroute2 is loaded with the first message: whoever only looks at labs does without.
    from pyroute2.netlink.rtnl import ifaddrmsg, ifinfmsg, ndmsg, rtmsg  # noqa: PLC0415

    forms = {
        "ifinfmsg": ifinfmsg.ifinfmsg,
        "ifaddrmsg": ifaddrmsg.ifaddrmsg,
        "rtmsg": rtmsg.rtmsg,
        "ndmsg": ndmsg.ndmsg,
    }
    return forms[form]()


def new_bridge(name: str) -> bytes:
    """A bridge."""
    info = {"attrs": [("IFLA_INFO_KIND", "bridge")]}
    return _encoded("ifinfmsg", RTM_NEWLINK, CREATE, {}, [("IFLA_IFNAME", name), ("IFLA_LINKINFO", info)])


def new_veth(name: str, peer_name: str, peer_fd: int, master: int | None, mtu: int | None) -> bytes:
    """A veth pair: this end up and a port of the bridge of that index, the other one in the namespace of a file."""
    size = ("IFLA_MTU", mtu)
    peer = {"attrs": [("IFLA_IFNAME", peer_name), ("IFLA_NET_NS_FD", peer_fd), *([size] if mtu else [])]}
    data = {"attrs": [("VETH_INFO_PEER", peer)]}
    info = {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", data)]}
    attributes: Attributes = [("IFLA_IFNAME", name), ("IFLA_MASTER", master), size, ("IFLA_LINKINFO", info)]
    return _encoded("ifinfmsg", RTM_NEWLINK, CREATE, {"flags": IFF_UP, "change": IFF_UP}, attributes)


@lru_cache(REMEMBERED)
def set_link(
    index: int, *, up: bool | None = None, mark: str | None = None, master: int | None = None, mtu: int | None = None
) -> bytes:
    """Properties of a link; None leaves one as it is, a `master` of 0 takes it out of its bridge."""
    fields = {"index": index, "change": 0 if up is None else IFF_UP, "flags": IFF_UP if up else 0}
    attributes: Attributes = [("IFLA_IFALIAS", mark), ("IFLA_MTU", mtu), ("IFLA_MASTER", master)]
    return _encoded("ifinfmsg", RTM_NEWLINK, REQUEST, fields, attributes)


def delete_link(index: int) -> bytes:
    """A link goes."""
    return _encoded("ifinfmsg", RTM_DELLINK, REQUEST, {"index": index}, [])


@lru_cache(REMEMBERED)
def get_link(index: int) -> bytes:
    """What a link is: answered by an RTM_NEWLINK message."""
    return _encoded("ifinfmsg", RTM_GETLINK, REQUEST, {"index": index}, [])


def new_address(index: int, address: Address) -> bytes:
    """An address of a link."""
    local = str(address.address)
    flags = sum(bit for name, bit in ADDRESS_FLAGS.items() if name in address.flags)
    fields = {
        "family": FAMILIES[address.address.version],
        "prefixlen": address.prefixlen,
        "scope": SCOPES[address.scope],
        "index": index,
        "flags": flags & 0xFF,
    }
    attributes: Attributes = [
        ("IFA_LOCAL", local),
        ("IFA_ADDRESS", local if address.peer is None else str(address.peer)),
        ("IFA_BROADCAST", None if address.broadcast is None else str(address.broadcast)),
        ("IFA_FLAGS", flags or None),
    ]
    return _encoded("ifaddrmsg", RTM_NEWADDR, CREATE, fields, attributes)


@lru_cache(REMEMBERED)
def route_request(verb: str, route: Route) -> bytes:
    """A route to "add" or "del"; its next hops name links by index."""
    adding = verb == "add"
    kind, flags = (RTM_NEWROUTE, CREATE) if adding else (RTM_DELROUTE, REQUEST)
    fields = {
        "family": FAMILIES[route.destination.version],
        "dst_len": route.destination.prefixlen,
        "tos": route.tos,
        "table": route.table if route.table <= MOST_TABLES else 0,
        "type": _kind(route.kind),
        "scope": _scope(route, verb),
        "proto": _protocol(route.protocol or ("boot" if adding else "unspec")),
    }
    attributes: Attributes = [
        ("RTA_DST", str(route.destination.network_address) if route.destination.prefixlen else None),
        ("RTA_TABLE", route.table),
        ("RTA_PRIORITY", route.metric or None),
        ("RTA_PREFSRC", str(route.preferred_source) if route.preferred_source else None),
        ("RTA_METRICS", {"attrs": [("RTAX_MTU", route.mtu)]} if route.mtu is not None else None),
    ]
    if len(route.nexthops) == 1:
        (hop,) = route.nexthops
        fields["flags"] = _onlink(hop)
        attributes += [_gateway(hop, route), ("RTA_OIF", hop.link)]
    elif route.nexthops:
        attributes.append(("RTA_MULTIPATH", [_next_hop(hop, route) for hop in route.nexthops]))
    return _encoded("rtmsg", kind, flags, fields, attributes)


def delete_neighbour(index: int, address: IPAddress) -> bytes:
    """A neighbour entry goes."""
    fields = {"family": FAMILIES[address.version], "ifindex": index}
    return _encoded("ndmsg", RTM_DELNEIGH, REQUEST, fields, [("NDA_DST", str(address))])


def _next_hop(hop: NextHop, route: Route) -> dict[str, Any]:
    name, gateway = _gateway(hop, route)
    attributes = [(name, gateway)] if gateway is not None else []
    return {"oif": hop.link or 0, "hops": hop.weight - 1, "flags": _onlink(hop), "attrs": attributes}


def _gateway(hop: NextHop, route: Route) -> tuple[str, Any]:
    """A gateway of the route's own family, or of the other one (RTA_VIA)."""
    if hop.gateway is None or hop.gateway.version == route.destination.version:
        return "RTA_GATEWAY", None if hop.gateway is None else str(hop.gateway)
    return "RTA_VIA", {"family": FAMILIES[hop.gateway.version], "addr": str(hop.gateway)}


def _onlink(hop: NextHop) -> int:
    return RTNH_F_ONLINK if "onlink" in hop.flags else 0


def _kind(name: str) -> int:
    """The number of a route's type."""
    from pyroute2.netlink.rtnl import rt_type  # noqa: PLC0415

    return int(rt_type[name])


def _protocol(name: str) -> int:
    """The number of a protocol's name: the kernel's own, or one of /etc/iproute2/rt_protos."""
    if name.isdecimal():
        return int(name)
    from pyroute2.netlink.rt_files import RtProtosFile  # noqa: PLC0415
    from pyroute2.netlink.rtnl import rt_proto  # noqa: PLC0415

    return int(rt_proto[name] if name in rt_proto else RtProtosFile().get_rt_id(name, 0))


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
