"""A namespace's network stack as netlink tells it: links, addresses, routes, rules, neighbours, forwarding entries.

All of it comes over one socket, opened in the calling thread's namespace, source by source. A source that
fails leaves a gap, and the others are read. Forwarding entries are only asked for where some link keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.host import Gap
from engine.model.link import Address, FdbEntry, Neighbour
from engine.model.route import PolicyRule, Route
from engine.observe.addresses import read_addresses
from engine.observe.errors import gap
from engine.observe.links import SeenLink, read_links
from engine.observe.neighbours import read_fdb, read_neighbours
from engine.observe.netlink import Netlink
from engine.observe.reader import Reader
from engine.observe.routes import read_routes
from engine.observe.rules import read_rules

#: Kinds of link that keep forwarding entries.
_FORWARDING_KINDS = frozenset({"bridge", "vxlan"})


@dataclass(frozen=True, slots=True)
class Stack:
    """What netlink tells of a namespace."""

    links: tuple[SeenLink, ...] = ()
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    fdb: tuple[FdbEntry, ...] = ()
    gaps: tuple[Gap, ...] = ()


def read_stack(netns: str) -> Stack:
    """Links, addresses, routes, rules, neighbours and forwarding entries of the calling thread's namespace."""
    try:
        netlink = Netlink()
    except OSError as error:
        return Stack(gaps=(gap("netlink", netns, error),))
    with netlink:
        reader = Reader(netlink, netns)
        links = read_links(reader)
        names = {each.link.index: each.link.name for each in links}
        forwards = any(each.link.kind in _FORWARDING_KINDS for each in links)
        return Stack(
            links=links,
            addresses=read_addresses(reader),
            routes=read_routes(reader, names),
            rules=read_rules(reader),
            neighbours=read_neighbours(reader),
            fdb=read_fdb(reader) if forwards else (),
            gaps=tuple(reader.gaps),  # last: the reads above fill it
        )
