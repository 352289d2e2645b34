"""The devices of a twin: pairs, bridges, and what stands on others, with the indexes that they have in the snapshot.

A device that leads out of view (a network card, a VPN, an end whose peer was not read) and one that is not built here
becomes a veth whose other end is in a node of its own, which stands for whoever is there (`beyond`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from engine.apply.kinds import VLAN_FILTERING
from engine.change.batch import Batch, line_of
from engine.lab.twin.left_out import Omissions
from engine.lab.twin.link_words import LINK_NAME, MAC, MADE, OWN_MAC, STACKED, TUNNELS, kind_words, port_words
from engine.lab.twin.namespaces import TwinNode, fitting, free
from engine.model.host import Netns, Snapshot
from engine.model.link import Link
from engine.records import dataclass

FAR = "far0"
#: Both ends of what stands in for a device without addresses of its own: it sends to whoever is at the other end.
ONE_MAC = "02:7e:00:00:00:01"
#: A device by its namespace's id and its index.
DeviceKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Stub:
    """A node that stands for whoever is beyond a device. `instead` says that another kind of device stands here."""

    node: TwinNode
    origin: str
    link: Link
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of a twin: the batches that make them, those that are there, and the nodes beyond."""

    batches: tuple[Batch, ...]
    made: frozenset[DeviceKey]
    stubs: tuple[Stub, ...]
    order: tuple[str, ...]


class LinkPlanner:
    """Plans all devices of a snapshot. `lacks` are kinds that the kernel here does not have."""

    def __init__(
        self, snapshot: Snapshot, nodes: Collection[TwinNode], lacks: Mapping[str, str], out: Omissions
    ) -> None:
        self.snapshot, self.lacks, self.out = snapshot, lacks, out
        self.netns = {node.origin: node.netns for node in nodes}
        self._lab = next(iter(nodes)).netns.removesuffix(next(iter(nodes)).name)
        self._names = [node.name for node in nodes]
        self._made: set[DeviceKey] = set()
        self._stubs: list[Stub] = []
        self._levels: dict[DeviceKey, int] = {}

    def plan(self) -> Devices:
        """Everything: first what stands by itself, in one batch, then what stands on that, level by level."""
        lines: dict[tuple[int, str], list[str]] = {}
        rows = [
            (netns, link)
            for netns in self.snapshot.namespaces
            for link in netns.links
            if link.kind != "loopback" and self._named(netns, link)
        ]
        rows.sort(key=lambda row: (self.level(row[0].id, row[1]), row[1].index))
        for netns, link in rows:
            if (netns.id, link.index) in self._made:
                continue
            level, maker, words = self._words(netns, link)
            try:
                lines.setdefault((level, maker), []).append(line_of(words))
            except ValueError as error:
                self.out.leave(netns.id, f"device {link.name}", str(error), "what goes by it ends there")
                continue
            self._made.add((netns.id, link.index))
        batches = tuple(Batch(self.netns[maker], ("ip",), tuple(found)) for (_, maker), found in sorted(lines.items()))
        return Devices(batches, frozenset(self._made), tuple(self._stubs), self._order())

    def _named(self, netns: Netns, link: Link) -> bool:
        if LINK_NAME.fullmatch(link.name) and 1 < link.index < 1 << 31:
            return True
        why = "no device here can have this name and number"
        self.out.leave(netns.id, f"device {link.name} (number {link.index})", why, "what goes by it ends there")
        return False

    def _words(self, netns: Netns, link: Link) -> tuple[int, str, list[str]]:
        """On which level a device is made, in which namespace, and by which words."""
        if link.kind == "veth" and (far := self._peer(netns, link)) is not None:
            there, peer = far
            self._made.add((there.id, peer.index))
            end = ["peer", *self._end(there, peer)]
            return 0, self.snapshot.host, ["link", "add", *self._end(netns, link), "type", "veth", *end]
        why = self._unbuildable(netns, link)
        if why is not None:
            return 0, self.snapshot.host, self._to_stub(netns, link, why)
        lower = self.lower(netns.id, link)
        words = ["link", "add"]
        if lower is not None and link.kind in STACKED:
            words += ["link", lower[1].name]
        words += [*self._end(netns, link), "type", link.kind, *kind_words(link)]
        if lower is not None and link.kind in TUNNELS:
            words += ["dev", lower[1].name]
        if link.kind == "bridge" and link.bridge and link.bridge.vlan_filtering and VLAN_FILTERING in self.lacks:
            effect = "ports of all its VLANs reach each other"
            self.out.leave(netns.id, f"VLAN filtering of {link.name}", self.lacks[VLAN_FILTERING], effect)
        if link.kind == "bridge" and link.bridge and link.bridge.stp:
            self.out.leave(netns.id, f"spanning tree of {link.name}", "it is off: ports have the states of the file")
        # What stands by itself is made from the host; a tunnel keeps to the namespace that it was made in.
        alone = link.kind in ("bridge", "dummy", "bond", "vrf")
        maker = self.snapshot.host if alone else lower[0].id if lower else netns.id
        return self.level(netns.id, link), maker, words

    def _end(self, netns: Netns, link: Link, *, mac: str = "") -> list[str]:
        """An end in the words of `link add`."""
        words = ["name", link.name, "index", str(link.index), "netns", self.netns[netns.id]]
        mac = mac or ("" if never_changed(netns, link) else link.mac)
        if MAC.fullmatch(mac) and link.kind not in OWN_MAC:
            words += ["address", mac]
        return [*words, "mtu", str(link.mtu)] if 68 <= link.mtu <= 65535 else words

    def _peer(self, netns: Netns, link: Link) -> tuple[Netns, Link] | None:
        """The other end of a pair, where it was read and points back."""
        there = self.snapshot.by_id.get(link.peer.netns or "") if link.peer else None
        peer = there.links_by_index.get(link.peer.index) if there and link.peer else None
        if there is None or peer is None or peer.kind != "veth" or peer is link or not self._named(there, peer):
            return None
        back = peer.peer
        pointing = back is None or (back.netns in (None, netns.id) and back.index == link.index)
        return (there, peer) if pointing and (there.id, peer.index) not in self._made else None

    def _unbuildable(self, netns: Netns, link: Link) -> str | None:
        """Why a device is built as a pair with a node beyond it, "" where it leads out of view; None: it is built."""
        if link.kind in ("veth", ""):
            return ""
        if link.kind in self.lacks:
            return self.lacks[link.kind]
        if link.kind not in MADE:
            return "no such device is built"
        if link.kind in STACKED and self.lower(netns.id, link) is None:
            return "the device that it stands on is not in the snapshot"
        return None

    def lower(self, netns: str, link: Link) -> tuple[Netns, Link] | None:
        """The device that another stands on, with its namespace."""
        if link.kind not in STACKED | TUNNELS:
            return None
        place = link.peer.netns if link.peer else netns
        index = link.peer.index if link.peer else link.parent
        there = self.snapshot.by_id.get(place or "")
        found = there.links_by_index.get(index) if there and index is not None else None
        return (there, found) if there and found and LINK_NAME.fullmatch(found.name) else None

    def level(self, netns: str, link: Link, seen: frozenset[DeviceKey] = frozenset()) -> int:
        """How many devices stand below one."""
        key = (netns, link.index)
        if key not in self._levels:
            lower = self.lower(netns, link)
            above = 0 if link.kind in ("", "veth", "bridge", "dummy", "bond", "vrf") else 1
            if lower is None or key in seen:
                self._levels[key] = above
            else:
                self._levels[key] = 1 + self.level(lower[0].id, lower[1], seen | {key})
        return self._levels[key]

    def _to_stub(self, netns: Netns, link: Link, why: str) -> list[str]:
        """A pair between a device and a node that stands for whoever is beyond it."""
        where = "" if netns.id == self.snapshot.host else f"{fitting(netns.id)}-"
        name = free(f"beyond-{where}{fitting(link.name)}", self._names)
        self._names.append(name)
        stub = Stub(TwinNode(name, f"{self._lab}{name}"), netns.id, link, bool(why))
        self._stubs.append(stub)
        if why:
            effect = f"a veth to {name} stands in: what goes by it ends there"
            self.out.leave(netns.id, f"{link.kind} {link.name}", why, effect)
        end = self._end(netns, link, mac=ONE_MAC if link.noarp else "")
        far = ["peer", "name", FAR, "netns", stub.node.netns, *(["address", ONE_MAC] if link.noarp else [])]
        mtu = ["mtu", str(link.mtu)] if 68 <= link.mtu <= 65535 else []
        return ["link", "add", *end, "type", "veth", *far, *mtu]

    def _order(self) -> tuple[str, ...]:
        """Namespaces in the order in which their devices can come up: what stands on others last."""
        levels = {
            netns.id: max((self.level(netns.id, link) for link in netns.links), default=0)
            for netns in self.snapshot.namespaces
        }
        return tuple(sorted(levels, key=lambda each: levels[each]))


def never_changed(netns: Netns, link: Link) -> bool:
    """Whether a bridge has the carrier of one that never had a port, which an address of its own takes away
    (br_stp_change_bridge_id)."""
    return link.kind == "bridge" and link.carrier and link.index not in netns.ports_by_master


def settings_of(
    netns: Netns, made: Collection[DeviceKey], planner: LinkPlanner, *, all_up: bool = False
) -> Iterator[list[str]]:
    """What devices are told once they are there, in ip's words, lower ones first: masters, flags, up or down."""
    links = [link for link in netns.links if (netns.id, link.index) in made or link.kind == "loopback"]
    for link in sorted(links, key=lambda each: (planner.level(netns.id, each), each.index)):
        words: list[str] = []
        master = netns.links_by_index.get(link.master) if link.master is not None else None
        if master is not None and (netns.id, master.index) in made:
            words += ["master", master.name]
        words += ["arp", "off"] if link.noarp and link.kind != "loopback" else []
        words += ["promisc", "on"] if link.promiscuous and link.master is None else []
        words += ["group", str(link.group)] if link.group else []
        if link.kind == "loopback":
            words += ["mtu", str(link.mtu)] if link.mtu not in (0, 65536) else []
            words += [] if link.up else ["down"]
        else:
            words += ["up"] if link.up or all_up else []
        if words:
            yield ["link", "set", "dev", link.name, *words]


def bridge_settings(netns: Netns, made: Collection[DeviceKey]) -> Iterator[list[str]]:
    """What ports of bridges are told, and the VLANs of bridges that tell them apart, in bridge(8)'s words."""
    links = [link for link in netns.links if (netns.id, link.index) in made]

    def device(index: int) -> str:
        return netns.links_by_index[index].name

    for link in links:
        if link.port is not None and link.master is not None:
            yield from (["link", "set", "dev", link.name, *words] for words in port_words(link.port, device))
    for link in links:
        owner = link if link.kind == "bridge" else netns.links_by_index.get(link.master or 0)
        if owner is None or owner.bridge is None or not owner.bridge.vlan_filtering:
            continue
        self_words = ["self"] if link.kind == "bridge" else []
        usual = owner.bridge.default_pvid
        if usual and all(each.vlan != usual for each in link.vlans):
            yield ["vlan", "del", "dev", link.name, "vid", str(usual), *self_words]
        for each in link.vlans:
            flags = [*(["pvid"] if each.pvid else []), *(["untagged"] if each.untagged else [])]
            yield ["vlan", "add", "dev", link.name, "vid", str(each.vlan), *flags, *self_words]
