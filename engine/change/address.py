"""Addresses of links. Source: ip-address(8)."""

from __future__ import annotations

from ipaddress import ip_network

from engine.change.consequences.carriers import connected_route, connects, local_route
from engine.change.words import address_words, ip
from engine.model.host import Netns, Snapshot
from engine.model.link import Address
from engine.model.plan import Change
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class AddAddress(Change):
    """Assigns an address to a link, which is given by its name."""

    netns: str
    link: str
    address: Address

    def argv(self, where: Where) -> Argvs:
        """`ip addr add`."""
        return (ip(where, self.netns, "addr", "add", *address_words(self.address), "dev", self.link),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """Its local route comes with it, and on a link that works its connected one (fib_add_ifaddr)."""
        netns = snapshot.by_id[self.netns]
        link = netns.links_by_name[self.link]
        address = replace(self.address, link=link.index)
        routes = [*netns.routes, local_route(address)]
        if link.works and connects(address):
            routes.append(connected_route(address, self.link))
        return snapshot.with_netns(replace(netns, addresses=(*netns.addresses, address), routes=tuple(routes)))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Removes it."""
        return DeleteAddress(self.netns, self.link, self.address)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the link has it."""
        netns = snapshot.by_id.get(self.netns)
        return netns is not None and has_address(netns, self.link, str(self.address))


@dataclass(frozen=True, slots=True)
class DeleteAddress(Change):
    """Removes an address from a link, which is given by its name."""

    netns: str
    link: str
    address: Address

    def argv(self, where: Where) -> Argvs:
        """`ip addr del`."""
        return (ip(where, self.netns, "addr", "del", str(self.address), "dev", self.link),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """Its own local and connected routes are removed with it (fib_del_ifaddr)."""
        netns = snapshot.by_id[self.netns]
        lost = self.address
        addresses = tuple(each for each in netns.addresses if (each.link, each.address) != (lost.link, lost.address))
        own = ip_network(str(lost.address))
        kept = tuple(r for r in netns.routes if r.destination != own and r.preferred_source != lost.address)
        return snapshot.with_netns(replace(netns, addresses=addresses, routes=kept))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Assigns it again."""
        return AddAddress(self.netns, self.link, self.address)


def has_address(netns: Netns, link: str, address: str) -> bool:
    """Whether a link has an address, which is given with its prefix length."""
    found = netns.links_by_name.get(link)
    return found is not None and any(one.link == found.index and str(one) == address for one in netns.addresses)
