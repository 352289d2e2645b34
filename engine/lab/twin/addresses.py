"""Addresses, nexthop objects, neighbours and forwarding entries of a twin, in the words of ip(8) and bridge(8)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.change.words import address_words
from engine.lab.twin.left_out import Omissions
from engine.lab.twin.routes import UNUSABLE, hop_words
from engine.model.host import Netns
from engine.model.link import Address, FdbEntry, Link, Neighbour
from engine.records import replace

#: Link-layer addresses that no device has.
NOWHERE = frozenset(("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"))
#: What a loopback device has as soon as it is up.
AUTOMATIC = {(ip_address("127.0.0.1"), 8), (ip_address("::1"), 128)}


def addresses(netns: Netns, made: dict[int, Link], out: Omissions) -> Iterator[list[str]]:
    """Addresses in the snapshot's order, which decides which one is the first of its network."""
    for each in netns.addresses:
        link = made.get(each.link)
        if link is None or (link.kind == "loopback" and _by_itself(each, link)):
            continue
        if each.flags & UNUSABLE:
            if "dadfailed" in each.flags:
                why = "another host has it, so that the kernel does not use it"
                out.leave(netns.id, f"address {each} of {link.name}", why)
            continue
        yield ["address", "add", *_address_words(each), "dev", link.name]
    for link in made.values():  # what came up by itself, and is not in the snapshot
        here = {(each.address, each.prefixlen) for each in netns.addresses if each.link == link.index}
        if link.kind == "loopback" and link.up:
            yield from (
                ["address", "del", f"{address}/{length}", "dev", link.name]
                for address, length in sorted(AUTOMATIC - here, key=str)
            )


def _by_itself(each: Address, link: Link) -> bool:
    """Whether a loopback device gets an address by itself; that of IPv4 stays when it goes down."""
    return (each.address, each.prefixlen) in AUTOMATIC and (link.up or each.address.version == 4)


def _address_words(each: Address) -> list[str]:
    """An address's own words. Nobody is asked whether it is free; a deprecated one stays."""
    flags = each.flags | {"nodad"} if each.address.version == 6 else each.flags
    words = [*address_words(replace(each, flags=flags))]
    return [*words, "preferred_lft", "0"] if "deprecated" in each.flags else words


def nexthop_objects(netns: Netns, made: dict[int, Link], out: Omissions) -> Iterator[tuple[bool, list[str]]]:
    """Nexthop objects, single ones before the groups that have them, and whether one is made by `ip -6`."""
    used = {route.nexthop for route in netns.routes if route.destination.version == 6}
    groups = [each.group for each in netns.nexthops if each.number in used]
    used |= {number for group in groups for number, _ in group}
    for each in sorted(netns.nexthops, key=lambda one: (bool(one.group), one.number in used)):
        words = ["nexthop", "add", "id", str(each.number)]
        if each.blackhole:
            words += ["blackhole"]
        elif each.group:
            words += ["group", "/".join(f"{number},{weight}" for number, weight in each.group)]
        elif each.hop is not None:
            found = hop_words(each.hop, made)
            if found is None:
                out.leave(netns.id, f"nexthop {each.number}", "its device is not built", "routes by it are missing")
                continue
            words += found
        yield each.number in used and not each.group, [*words, *(["fdb"] if each.fdb else [])]


def neighbours(netns: Netns, made: dict[int, Link]) -> Iterator[list[str]]:
    """Entries that somebody set for good, and addresses that are answered for. Others are found out again."""
    for each in netns.neighbours:
        link = made.get(each.link)
        if link is None:
            continue
        if each.proxy:
            yield ["neigh", "add", "proxy", str(each.address), "dev", link.name]
        elif by_hand(each, link):
            yield ["neigh", "replace", str(each.address), "lladdr", each.mac or "", "dev", link.name, "nud", each.state]


def by_hand(each: Neighbour, link: Link) -> bool:
    """Whether somebody set an entry: for good, or as one that is never asked for. The kernel itself has such for groups
    and on devices that ask nobody (net/ipv4/arp.c, arp_constructor)."""
    if not each.mac or each.proxy:
        return False
    asked = link.kind != "loopback" and not link.noarp and not each.address.is_multicast
    return each.state == "permanent" or (each.state == "noarp" and asked and each.mac not in NOWHERE)


def forwarding(netns: Netns, made: dict[int, Link]) -> Iterator[list[str]]:
    """Entries of bridges and vxlans that somebody set. What a bridge learned it learns again."""
    for each in netns.fdb:
        link = made.get(each.link)
        if link is None or each.local:
            continue
        if link.kind == "vxlan" and each.master is None:
            yield from _remote(each, link, made)
        elif "static" in each.flags and each.master is not None:
            vlan = ["vlan", str(each.vlan)] if each.vlan else []
            sticky = ["sticky"] if "sticky" in each.flags else []
            yield ["fdb", "replace", each.mac, "dev", link.name, "master", "static", *vlan, *sticky]


def _remote(each: FdbEntry, link: Link, made: dict[int, Link]) -> Iterator[list[str]]:
    words = ["fdb", "append", each.mac, "dev", link.name]
    if each.nexthop is not None:
        yield [*words, "nhid", str(each.nexthop)]
    elif each.destination is not None:
        words += ["dst", str(each.destination)]
        words += ["port", str(each.port)] if each.port else []
        words += ["vni", str(each.vni)] if each.vni is not None else []
        via = made.get(each.via) if each.via else None
        yield [*words, *(["via", via.name] if via else [])]
