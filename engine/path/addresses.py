"""Questions about addresses that routing, rules and NAT all ask: what type, and which one a device offers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from engine.model.address import Family, IPAddress
from engine.model.host import Netns
from engine.model.link import Link
from engine.model.route import PolicyRule
from engine.path.fib import Fib, FlowKey

#: Scopes by width: a smaller number reaches farther (rtnetlink(7), enum rt_scope_t).
SCOPES: dict[str, int] = {"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}

_LOCAL_TABLE = {
    Family.INET: PolicyRule(Family.INET, 0, table=255),
    Family.INET6: PolicyRule(Family.INET6, 0, table=255),
}


def address_type(fib: Fib, address: IPAddress, device: Link | None = None) -> str:
    """`local`, `unicast`, `broadcast`, `multicast`, … as `addrtype` and `fib … type` see it.

    Only the local table is asked (net/ipv4/fib_frontend.c, __inet_dev_addr_type); what it does not know is
    unicast. With `device`, a local address counts only on that device.
    """
    if address.is_multicast:
        return "multicast"
    if isinstance(address, IPv4Address) and (int(address) >> 24 == 0 or int(address) == 0xFFFFFFFF):
        return "broadcast"
    if isinstance(address, IPv6Address) and address.is_unspecified:
        return "unspec"
    family = Family.INET if address.version == 4 else Family.INET6
    found = fib.table_lookup(_LOCAL_TABLE[family], FlowKey(address))
    if found is None:
        return "unicast"
    if device is not None and all(hop.link != device.index for hop in found.nexthops):
        return "unicast"
    return found.route.kind


def is_local(netns: Netns, fib: Fib, address: IPAddress) -> bool:
    """Whether packets to the address are taken in by this namespace."""
    if not fib.may_be_local(address):
        return False
    return address in netns.addresses_by_value or address_type(fib, address) == "local"


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
