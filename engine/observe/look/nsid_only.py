"""Namespaces of which nothing is known but a number: the kernel's answer about their links and addresses.

A link tells of its far end by a number for the other namespace, and a socket, or another link, can keep that namespace
without any file that enters it. To root of the namespace that has the number, the kernel tells links and addresses of
the other one by it. Routes, rules, firewall and sockets stay unread, which is a gap.

Sources: include/uapi/linux/if_link.h (IFLA_TARGET_NETNSID), if_addr.h (IFA_TARGET_NETNSID), net/core/rtnetlink.c
(rtnl_get_net_ns_capable).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from engine.model.host import Gap
from engine.model.link import Link, Peer
from engine.observe.base.errors import NetlinkError
from engine.observe.base.namespaces import NetnsRef, enter
from engine.observe.netlink.addresses import RTM_GETADDR, parse_addresses
from engine.observe.netlink.client import Netlink
from engine.observe.netlink.links import RTM_GETLINK, SeenLink, parse_links
from engine.observe.netlink.peers import out_of_sight
from engine.observe.netlink.stack import NetworkStack
from engine.records import replace

_IFLA_TARGET_NETNSID, _IFA_TARGET_NETNSID = 46, 10


def read_numbered(place: NetnsRef, numbers: Iterable[int]) -> dict[int, NetworkStack]:
    """Links and addresses of the namespaces with these numbers at a place, as far as it may ask. Raises nothing.

    Only for a thread that `namespaces.apart` made.
    """
    found: dict[int, NetworkStack] = {}
    with suppress(NetlinkError, OSError):
        enter(place)
        with Netlink() as netlink:
            for number in numbers:
                with suppress(NetlinkError, OSError):
                    found[number] = _stack(netlink, number)
    return found


def _stack(netlink: Netlink, number: int) -> NetworkStack:
    links = netlink.dump(RTM_GETLINK, bytes(16) + struct.pack("=HHi", 8, _IFLA_TARGET_NETNSID, number))
    addresses = netlink.dump(RTM_GETADDR, bytes(8) + struct.pack("=HHi", 8, _IFA_TARGET_NETNSID, number))
    return NetworkStack(links=parse_links(links.messages), addresses=parse_addresses(addresses.messages))


def known_by_number(netns: str, viewer: str, number: int) -> Gap:
    """What is not known of such a namespace."""
    reason = f"no file enters this namespace, number {number} in {viewer}: only its links and addresses are shown"
    return Gap("namespace", netns, f"{reason}; a process or a name in it (ip netns attach) would show the rest")


def joined(viewer: str, seen: Iterable[SeenLink], far: Mapping[int, int]) -> tuple[Link, ...]:
    """The links of such a namespace; `far` has, by their index, the index of the link in `viewer` that leads there."""
    return tuple(
        replace(each.link, peer=Peer(viewer, far[each.link.index]) if each.link.index in far else None) for each in seen
    )


def led_to(
    viewer: str, seen: tuple[tuple[Link, ...], tuple[Gap, ...]], netns: str, ours: Collection[int]
) -> tuple[tuple[Link, ...], tuple[Gap, ...]]:
    """The links and gaps of a viewer, whose links with an index in `ours` now lead to `netns`."""
    links, gaps = seen
    answered = {out_of_sight(viewer, link.name) for link in links if link.index in ours}
    led = (
        replace(each, peer=Peer(netns, each.peer.index)) if each.index in ours and each.peer else each for each in links
    )
    return tuple(led), tuple(gap for gap in gaps if gap not in answered)
