"""Which address IPv6 sends from: the rules of RFC 6724, section 5, as the kernel has them.

Every address of the namespace is a candidate; towards a link-local destination only those of the device. The first
rule that tells two apart decides, and of equals the one that the kernel lists first stays.
Public addresses come before temporary ones, as long as use_tempaddr is not 2.

Source: net/ipv6/addrconf.c (ipv6_dev_get_saddr, ipv6_get_saddr_eval), addrlabel.c (ip6addrlbl_init_table).
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from engine.model.address import IPAddress
from engine.model.host import Netns
from engine.model.link import Address, Link

#: Labels by prefix, the longest first: a source with the destination's label is better.
LABELS: tuple[tuple[IPv6Network, int], ...] = tuple(
    (IPv6Network(prefix), label)
    for prefix, label in (
        ("::1/128", 0),
        ("::/96", 3),
        ("::ffff:0:0/96", 4),
        ("2001::/32", 6),
        ("2001:10::/28", 7),
        ("2002::/16", 2),
        ("fc00::/7", 5),
        ("::/0", 1),
    )
)
#: Scopes of addresses (RFC 4291, 2.7): what is loopback's, a link's, a site's, everybody's.
LOOPBACK, LINK, SITE, GLOBAL = 1, 2, 5, 14
#: Added to the distance of a scope that is too narrow for the destination.
TOO_NARROW = 128


def source_address6(netns: Netns, link: Link | None, towards: IPAddress) -> IPAddress | None:
    """The address that a packet to `towards` is sent from where it leaves by `link`; None where there is none."""
    assert isinstance(towards, IPv6Address)
    local = link is not None and _scope(towards) <= LINK and not towards.is_loopback
    usable = [
        address
        for address in netns.addresses
        if address.address.version == 6
        and (not local or (link is not None and address.link == link.index))
        and ready(address)
        and not address.address.is_multicast
    ]
    usable.sort(key=lambda address: link is None or address.link != link.index)
    return max(usable, key=lambda address: _merit(address, link, towards)).address if usable else None


def error_source6(netns: Netns, device: str, towards: IPAddress) -> IPAddress | None:
    """The address that an ICMPv6 error is sent from where the bad packet was not for this namespace: one of the device
    that it came in by, chosen before there is a route (icmp6_send). None where the route chooses, as in IPv4."""
    link = netns.links_by_name.get(device)
    return source_address6(netns, link, towards) if link is not None and towards.version == 6 else None


def ready(address: Address) -> bool:
    """Whether an address has passed duplicate address detection, or is used before it has (optimistic)."""
    return "dadfailed" not in address.flags and ("tentative" not in address.flags or "optimistic" in address.flags)


def _merit(address: Address, link: Link | None, towards: IPv6Address) -> tuple[int, ...]:
    """What the rules compare, in their order; larger is better."""
    own = address.address
    assert isinstance(own, IPv6Address)
    scope, wanted = _scope(own), _scope(towards)
    return (
        own == towards,
        -scope if scope >= wanted else scope - TOO_NARROW,
        "deprecated" not in address.flags,
        link is not None and address.link == link.index,
        _label(own) == _label(towards),
        "temporary" not in address.flags,
        min(_common(own, towards), address.prefixlen),
        "optimistic" not in address.flags,
    )


def _scope(address: IPv6Address) -> int:
    if address.is_multicast:
        return int(address) >> 112 & 0xF
    if address.is_loopback:
        return LOOPBACK
    if address.is_link_local:
        return LINK
    return SITE if address.is_site_local else GLOBAL


def _label(address: IPv6Address) -> int:
    return next(label for prefix, label in LABELS if address in prefix)


def _common(one: IPv6Address, other: IPv6Address) -> int:
    """How many leading bits two addresses share."""
    return 128 - (int(one) ^ int(other)).bit_length()
