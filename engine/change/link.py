"""Links: up or down, ports of bridges, ARP. Source: ip-link(8)."""

from __future__ import annotations

from ipaddress import ip_address

from engine.change.consequences.carriers import with_carriers
from engine.change.words import ip
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, BridgePort, Link
from engine.model.plan import Change
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace

LOOPBACK6 = ip_address("::1")


@dataclass(frozen=True, slots=True)
class SetLink(Change):
    """Sets a link up or down, or makes it a port of a bridge ("" for none). None leaves a property as it is."""

    netns: str
    link: str
    up: bool | None = None
    master: str | None = None

    def argv(self, where: Where) -> Argvs:
        """`ip link set`."""
        words: list[str] = []
        if self.master is not None:
            words += ["master", self.master] if self.master else ["nomaster"]
        if self.up is not None:
            words.append("up" if self.up else "down")
        return (ip(where, self.netns, "link", "set", self.link, *words),) if words else ()

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """Carriers and the routes that hang on them follow."""
        netns = snapshot.by_id[self.netns]
        link = netns.links_by_name[self.link]
        if self.master is not None:
            master = netns.links_by_name[self.master].index if self.master else None
            link = replace(link, master=master, port=link.port or BridgePort())
        if self.up is not None:
            port = replace(link.port, state="forwarding") if link.port and self.up else link.port
            link = replace(link, up=self.up, port=port)
        changed = netns.with_link(link)
        return with_carriers(snapshot.with_netns(_with_loopback6(changed, link) if self.up else changed))

    def inverse(self, before: Snapshot | None = None) -> Change | None:
        """Sets what was set, of the properties that this change sets."""
        if before is None:
            return None
        netns = before.by_id[self.netns]
        link = netns.links_by_name[self.link]
        bridge = netns.links_by_index.get(link.master) if link.master is not None else None
        master = bridge.name if bridge else ""
        up, owner = (None if self.up is None else link.up), (None if self.master is None else master)
        return SetLink(self.netns, self.link, up, owner)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the link is up, or down, as asked."""
        netns = snapshot.by_id.get(self.netns)
        link = netns.links_by_name.get(self.link) if netns else None
        return link is not None and link.up == self.up


@dataclass(frozen=True, slots=True)
class SetArp(Change):
    """Has a link answer ARP and neighbour solicitations, or not."""

    netns: str
    link: str
    on: bool

    def argv(self, where: Where) -> Argvs:
        """`ip link set … arp on|off`."""
        return (ip(where, self.netns, "link", "set", self.link, "arp", "on" if self.on else "off"),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The device loses all its neighbours, permanent ones as well (arp_netdev_event, ndisc_netdev_event)."""
        netns = snapshot.by_id[self.netns]
        link = netns.links_by_name[self.link]
        rest = tuple(each for each in netns.neighbours if each.link != link.index)
        return snapshot.with_netns(replace(netns.with_link(replace(link, noarp=not self.on)), neighbours=rest))

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """Switches it back."""
        return SetArp(self.netns, self.link, not self.on)


@dataclass(frozen=True, slots=True)
class DeleteLink(Change):
    """Removes a link that carries the lab's mark; a veth pair is removed with either of its ends."""

    netns: str
    name: str

    def argv(self, where: Where) -> Argvs:
        """`ip link del`."""
        return (ip(where, self.netns, "link", "del", self.name),)


def _with_loopback6(netns: Netns, link: Link) -> Netns:
    """IPv6 gives a loopback device its address when it comes up (addrconf.c, init_loopback)."""
    here = link.kind == "loopback" and netns.sysctls.get(f"net.ipv6.conf.{link.name}.disable_ipv6") == 0
    if not here or LOOPBACK6 in netns.addresses_by_value:
        return netns
    own = Address(link.index, LOOPBACK6, LOOPBACK6.max_prefixlen, "host")
    return replace(netns, addresses=(*netns.addresses, own))


@dataclass(frozen=True, slots=True)
class DeleteBridge(Change):
    """Removes a bridge, with its addresses and the routes by it. Nothing brings it back as it was."""

    netns: str
    link: str

    def argv(self, where: Where) -> Argvs:
        """`ip link del`."""
        return (ip(where, self.netns, "link", "del", self.link),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The namespace without the bridge, and without what hangs on it."""
        netns = snapshot.by_id[self.netns]
        index = netns.links_by_name[self.link].index
        return with_carriers(
            snapshot.with_netns(
                replace(
                    netns,
                    links=tuple(link for link in netns.links if link.index != index),
                    addresses=tuple(each for each in netns.addresses if each.link != index),
                    routes=tuple(each for each in netns.routes if all(hop.link != index for hop in each.nexthops)),
                )
            )
        )

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the bridge is gone."""
        netns = snapshot.by_id.get(self.netns)
        return netns is not None and self.link not in netns.links_by_name
