"""Questions about addresses that routing, rules and NAT all ask: what type, and which one a device offers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from engine.model.address import Family, IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.route import PolicyRule
from engine.path.lookup.fib import Fib, FlowKey, Found
from engine.path.lookup.route_decision import REFUSALS

#: Scopes by width: a smaller number reaches farther (rtnetlink(7), enum rt_scope_t).
SCOPES: dict[str, int] = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}

_LOCAL_TABLE = {
    Family.INET: PolicyRule(Family.INET, 0, table=255),
    Family.INET6: PolicyRule(Family.INET6, 0, table=255),
}


def address_type(
    netns: Netns,
    fib: Fib,
    address: IPAddress,
    device: Link | None = None,
    way: FlowKey | None = None,
) -> str:
    """`local`, `unicast`, `broadcast`, `multicast`, … as `addrtype` and `fib … type` see it.

    IPv4 asks the local table only (net/ipv4/fib_frontend.c, __inet_dev_addr_type), and what it does not know is
    unicast. IPv6 looks for the way there, too, by the key `way` (nft_fib_ipv6.c, nft_fib6_eval_type). With `device`, a
    local address counts only on that device; IPv6 asks the device, as another may have the same link-local one.
    """
    if address.is_multicast:
        return "multicast"
    if isinstance(address, IPv4Address) and (int(address) >> 24 == 0 or int(address) == 0xFFFFFFFF):
        return "broadcast"
    if isinstance(address, IPv6Address) and address.is_unspecified:
        return "unspec"
    family = Family.INET if address.version == 4 else Family.INET6
    found = fib.table_lookup(_LOCAL_TABLE[family], FlowKey(address))
    if address.version == 6 and device is not None and _has(netns, device, address):
        return "local"
    elsewhere = device is not None and found is not None and all(hop.link != device.index for hop in found.nexthops)
    if found is not None and not elsewhere:
        return found.route.kind
    return "unicast" if address.version == 4 else _type_of_way(fib.lookup(way or FlowKey(address)))


def _has(netns: Netns, device: Link, address: IPAddress) -> bool:
    """Whether an address is one of the device's own (net/ipv6/addrconf.c, ipv6_chk_addr)."""
    return any(each.link == device.index and each.address == address for each in netns.addresses)


def _type_of_way(found: Found | PolicyRule | None) -> str:
    """Unicast where there is a way; how it is refused, and unreachable where there is none."""
    if found is None:
        return "unreachable"
    refused = found.action if isinstance(found, PolicyRule) else found.route.kind
    return refused if refused in REFUSALS else "unicast"


def is_local(netns: Netns, fib: Fib, address: IPAddress) -> bool:
    """Whether packets to the address are taken in by this namespace."""
    if not fib.may_be_local(address):
        return False
    return address in netns.addresses_by_value or address_type(netns, fib, address) == "local"


def source_for(
    netns: Netns, link: Link | None, towards: IPAddress | None, version: int, scope: str = "global"
) -> IPAddress | None:
    """The address that a device offers as a source (net/ipv4/devinet.c, inet_select_addr).

    The first primary address of wide enough scope; where `towards` is given, the one whose subnet holds
    it comes first. Without any, another device's address is taken. None where there is none at all.
    """
    width = SCOPES.get(scope, 0)
    candidates = [
        address
        for address in netns.addresses
        if address.address.version == version
        and SCOPES.get(address.scope, 0) <= width
        and not address.flags & {"secondary", "tentative", "dadfailed", "deprecated"}
    ]
    own = [address for address in candidates if link is not None and address.link == link.index]
    if towards is not None:
        for address in own:
            if address.covers(towards):
                return address.address
    if own:
        return own[0].address
    elsewhere = [address for address in candidates if address.scope != "link"]
    return elsewhere[0].address if elsewhere else None


def only_device(address: IPAddress, device: Link) -> int | None:
    """The one device that an IPv6 destination can be behind: a link-local one's, and ::1's (rt6_need_strict)."""
    return device.index if address.version == 6 and (address.is_link_local or address.is_loopback) else None
