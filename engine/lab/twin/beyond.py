"""Who is beyond a device that leads out of view: one node for each such device, with the addresses that are seen there.

It has those of gateways that routes name and that did not fail to answer, of neighbours that were resolved there, and
one for a client. Each is assumed to answer for itself, and to send what it sends to the device's own address; nothing
is assumed of programs or filters there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from engine.change.batch import Batch, line_of
from engine.change.sysctl import SetSysctls
from engine.lab.twin.link_words import MAC
from engine.lab.twin.links import FAR, Stub
from engine.model.address import IPAddress
from engine.model.host import Netns, Snapshot
from engine.model.link import Address, Link, Neighbour
from engine.model.plan import Change
from engine.records import dataclass

#: States of a neighbour that was asked and did not answer.
SILENT = frozenset(("failed", "incomplete"))
#: A node beyond takes what comes to it, and answers only for what it has (ip-sysctl.rst).
SETTINGS = (
    *((f"ipv4/conf/{device}/rp_filter", "0") for device in ("all", "default", FAR)),
    *((f"ipv4/conf/{device}/arp_ignore", "1") for device in ("all", FAR)),
    ("ipv4/icmp_ratelimit", "0"),
    (f"ipv6/conf/{FAR}/accept_dad", "0"),
)
#: How many addresses a node beyond has.
MOST = 256


@dataclass(frozen=True, slots=True)
class Beyond:
    """A node beyond a device, and what it has there."""

    stub: Stub
    mac: str
    addresses: tuple[IPAddress, ...]

    def down_late(self, netns: Netns) -> bool:
        """Whether its end goes down only when all is built, as a nexthop object of the other end needs a carrier."""
        used = {each.hop.link for each in netns.nexthops if each.hop is not None}
        return self.stub.link.up and not self.stub.link.carrier and self.stub.link.index in used

    def last(self, snapshot: Snapshot) -> Iterator[Change]:
        """What it is told when all is built."""
        if self.down_late(snapshot.by_id[self.stub.origin]):
            yield Batch(self.stub.node.netns, ("ip",), (line_of(["link", "set", "dev", FAR, "down"]),))

    def changes(self, snapshot: Snapshot) -> Iterator[Change]:
        """What it is told, once its device is there."""
        stub, netns = self.stub, snapshot.by_id[self.stub.origin]
        yield SetSysctls(stub.node.netns, SETTINGS)
        words = ["link", "set", "dev", FAR, *(["arp", "off"] if stub.link.noarp else [])]
        words += ["address", self.mac] if self.mac and not stub.link.noarp else []
        lines = [line_of([*words, *(["up"] if stub.link.carrier or self.down_late(netns) else [])])]
        if stub.link.carrier:
            lines += [line_of(["address", "add", str(each), "dev", FAR, *_flags(each)]) for each in self.addresses]
            lines += [line_of(words) for words in _ways(netns, _layer3(netns, stub.link))]
        yield Batch(stub.node.netns, ("ip",), tuple(lines))


def _flags(address: IPAddress) -> list[str]:
    return ["nodad"] if address.version == 6 else []


def _ways(netns: Netns, link: Link) -> Iterator[list[str]]:
    """How it reaches what it talks to: the device's own networks at once, all else by the device's first address."""
    for version, everything in ((4, "0.0.0.0/0"), (6, "::/0")):
        own = [each for each in netns.addresses if each.link == link.index and each.address.version == version]
        for network in dict.fromkeys(ip_network(str(each), strict=False) for each in own):
            yield ["route", "replace", str(network), "dev", FAR]
        gateway = next((each.address for each in own if not each.address.is_link_local), None)
        via = ["via", str(gateway), "dev", FAR, "onlink"] if gateway and not link.noarp else ["dev", FAR]
        yield ["route", "append", everything, *via] if version == 4 else ["route", "add", everything, *via]


def _layer3(netns: Netns, link: Link) -> Link:
    """The device that has a link's addresses: of a bridge's port, the bridge."""
    master = netns.links_by_index.get(link.master) if link.master is not None else None
    return master if master is not None else link


def beyond(
    snapshot: Snapshot, stubs: Iterable[Stub], clients: Iterable[tuple[str, str, IPAddress]]
) -> tuple[Beyond, ...]:
    """What each node beyond has. An address that a namespace of the snapshot has is nobody's beyond, unless a client
    is said to have it (namespace, device, address)."""
    asking: dict[tuple[str, str], list[IPAddress]] = {}
    for origin, device, address in clients:
        asking.setdefault((origin, device), []).append(address)
    owned = {each.address for netns in snapshot.namespaces for each in netns.addresses}
    taken: set[tuple[str, int, IPAddress]] = set()
    found = []
    for stub in stubs:
        netns = snapshot.by_id[stub.origin]
        link = _layer3(netns, stub.link)
        place = (netns.id, link.index)
        wanted = [each for each in _there(netns, stub.link, link) if each not in owned and (*place, each) not in taken]
        client = [each for each in _clients(netns, link) if each not in owned and each not in wanted][:2]
        told = [*asking.get((netns.id, stub.link.name), ()), *asking.get((netns.id, link.name), ())]
        addresses = tuple(dict.fromkeys((*told, *wanted, *client)))[:MOST]
        taken |= {(*place, each) for each in addresses}
        found.append(Beyond(stub, _mac(netns, link, addresses), addresses))
    return tuple(found)


def _there(netns: Netns, port: Link, link: Link) -> Iterator[IPAddress]:
    """Gateways and neighbours beyond a port of a device. A bridge knows by which port it heard of a neighbour."""
    known = {each.address: each for each in netns.neighbours if each.link == link.index and not each.proxy}
    ports = {entry.mac: entry.link for entry in netns.fdb if entry.master == link.index and not entry.local}

    def here(address: IPAddress) -> bool:
        entry = known.get(address)
        if entry is None:
            return True
        return entry.state not in SILENT and ports.get(entry.mac or "", port.index) == port.index

    hops = [hop for route in netns.routes for hop in route.nexthops]
    hops += [each.hop for each in netns.nexthops if each.hop is not None]
    gateways = [hop.gateway for hop in hops if hop.link == link.index and hop.gateway is not None]
    neighbours = [each.address for each in known.values() if _heard(each)]
    for address in dict.fromkeys((*gateways, *neighbours)):
        if here(address) and not address.is_multicast and not address.is_unspecified:
            yield address


def _heard(entry: Neighbour) -> bool:
    return entry.mac is not None and entry.state not in (*SILENT, "noarp", "permanent")


def _clients(netns: Netns, link: Link) -> Iterator[IPAddress]:
    """Addresses in the device's own networks that a client could have: the first ones that are free."""
    for own in netns.addresses:
        if own.link == link.index and own.scope == "global" and not own.address.is_link_local:
            yield from _free_of(netns, own)


def _free_of(netns: Netns, own: Address) -> Iterator[IPAddress]:
    bits = own.address.max_prefixlen - own.prefixlen
    base = int(own.address) >> bits << bits
    mine = {each.address for each in netns.addresses}
    offsets = range(1, min(1 << bits, 8))
    yield from [each for offset in offsets if (each := type(own.address)(base + offset)) not in mine][:1]


def _mac(netns: Netns, link: Link, addresses: Iterable[IPAddress]) -> str:
    """The link-layer address: that of the first of its addresses whose own is known, permanent entries first."""
    wanted = {*addresses}
    rows = [each for each in netns.neighbours if each.link == link.index and each.mac and MAC.fullmatch(each.mac)]
    rows.sort(key=lambda each: (each.state != "permanent", each.address not in wanted))
    return next((each.mac or "" for each in rows if each.address in wanted or each.state == "permanent"), "")
