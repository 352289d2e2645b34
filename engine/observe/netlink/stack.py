"""A namespace's network stack as netlink tells it: links, addresses, routes, rules, neighbours, forwarding entries.

All of it comes over one socket, opened in the calling thread's namespace, source by source. A source that
fails leaves a gap, and the others are read. Forwarding entries are only asked for where some link keeps them, VLANs
where a bridge filters by them, and nexthop objects where a route or a forwarding entry names one.
"""

from __future__ import annotations

from engine.model.host import Gap
from engine.model.link import Address, FdbEntry, Neighbour
from engine.model.route import NextHopObject, PolicyRule, Route, RouteException
from engine.observe.base.errors import gap
from engine.observe.netlink.addresses import read_addresses
from engine.observe.netlink.bridge_links import read_vlans
from engine.observe.netlink.client import Netlink
from engine.observe.netlink.link_programs import read_programs
from engine.observe.netlink.links import SeenLink, read_links
from engine.observe.netlink.neighbours import read_fdb, read_neighbours
from engine.observe.netlink.nexthops import read_nexthops
from engine.observe.netlink.policy_rules import read_rules
from engine.observe.netlink.reader import Reader
from engine.observe.netlink.route_exceptions import read_exceptions
from engine.observe.netlink.routes import read_routes
from engine.observe.netlink.tcx_programs import read_attached
from engine.records import dataclass, replace

#: Kinds of link that keep forwarding entries.
_FORWARDING_KINDS = frozenset({"bridge", "vxlan"})


@dataclass(frozen=True, slots=True)
class NetworkStack:
    """What netlink tells of a namespace."""

    links: tuple[SeenLink, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    fdb: tuple[FdbEntry, ...] = ()
    exceptions: tuple[RouteException, ...] = ()
    nexthops: tuple[NextHopObject, ...] = ()
    gaps: tuple[Gap, ...] = ()


def read_stack(netns: str) -> NetworkStack:
    """Links, addresses, routes, rules, neighbours and forwarding entries of the calling thread's namespace."""
    try:
        netlink = Netlink()
    except OSError as error:
        return NetworkStack(gaps=(gap("netlink", netns, error),))
    with netlink:
        reader = Reader(netlink, netns)
        links = _completed(reader, read_links(reader))
        names = {each.link.index: each.link.name for each in links}
        forwards = any(each.link.kind in _FORWARDING_KINDS for each in links)
        routes = read_routes(reader, names)
        fdb = read_fdb(reader) if forwards else ()
        named = any(route.nexthop is not None for route in routes) or any(entry.nexthop is not None for entry in fdb)
        return NetworkStack(
            links=links,
            addresses=read_addresses(reader),
            routes=routes,
            rules=read_rules(reader),
            neighbours=read_neighbours(reader),
            fdb=fdb,
            exceptions=read_exceptions(reader, names),
            nexthops=read_nexthops(reader) if named else (),
            gaps=tuple(reader.gaps),  # last: the reads above fill it
        )


def _completed(reader: Reader, links: tuple[SeenLink, ...]) -> tuple[SeenLink, ...]:
    """The links with what is in other dumps than theirs: VLANs, and programs at ingress and egress."""
    filtering = any(each.link.bridge is not None and each.link.bridge.vlan_filtering for each in links)
    vlans = read_vlans(reader) if filtering else {}
    programs, attached = read_programs(reader), read_attached(each.link for each in links)
    if not vlans and not programs and not attached:
        return links

    def completed(each: SeenLink) -> SeenLink:
        index = each.link.index
        seen = (*each.link.programs, *attached.get(index, ()), *programs.get(index, ()))
        return replace(each, link=replace(each.link, vlans=vlans.get(each.link.index, ()), programs=seen))

    return tuple(completed(each) for each in links)
