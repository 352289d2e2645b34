"""Devices that stand on others: which device is below, which are above, and who is at the other end of a vxlan.

A vlan, macvlan or ipvlan device sends by its lower device, which may be in another namespace, and hears what that one
hears for it. A bond or team sends by one of its ports. A vxlan sends inside of UDP to the addresses that its
forwarding entries name; its other ends are the vxlan devices with the same number behind those addresses.

Sources: net/8021q/vlan_core.c, drivers/net/macvlan.c, drivers/net/ipvlan/ipvlan_core.c, drivers/net/vxlan/.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Collection
from functools import cached_property

from engine.model.address import IPAddress
from engine.model.host import Netns, Snapshot
from engine.model.link import Link

MACVLANS = frozenset({"macvlan", "macvtap"})
IPVLANS = frozenset({"ipvlan", "ipvtap"})
STACKED = MACVLANS | IPVLANS | {"vlan"}
#: Kinds of devices whose packets come without a link header, so without MAC addresses.
FRAMELESS = frozenset({"loopback", "wireguard", "tun", "ipip", "sit", "gre", "ip6tnl", "ip6gre", "vti", "xfrm", "ppp"})
BONDS = frozenset({"bond", "team"})
#: The destination port that a vxlan has unless it is told another (the kernel's old default).
VXLAN_PORT = 8472
#: And a Geneve device (RFC 8926, 3.3).
GENEVE_PORT = 6081
#: The file of a namespace that Docker makes for an overlay network: `1-` and the beginning of the network's id.
_OVERLAY = re.compile(r"/netns/\d+-[0-9a-z]{10}$")
ZERO_MAC = "00:00:00:00:00:00"

Place = tuple[Netns, Link]


def addressed(link: Link) -> bool:
    """Whether a MAC address decides who takes what the device sends; an ipvlan device's packets go by their IP address
    where it asks for none (mode l3). Of the devices that programs serve, those of frames (tap) have a MAC address."""
    if link.kind == "tun":
        return bool(link.mac)
    return link.kind not in FRAMELESS | IPVLANS


class Wiring:
    """The stacked devices of a snapshot, and those of several hosts that share a segment."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def below(self, netns: Netns, link: Link) -> Place | None:
        """The device that a stacked one sends by; None where it is not in the picture."""
        if link.parent is not None:
            there, index = netns, link.parent
        elif link.peer is not None and link.peer.netns is not None:
            there, index = self.snapshot.by_id[link.peer.netns], link.peer.index
        else:
            return None
        found = there.links_by_index.get(index)
        return (there, found) if found is not None else None

    @cached_property
    def _above(self) -> dict[tuple[str, int], list[Place]]:
        found: dict[tuple[str, int], list[Place]] = {}
        for netns in self.snapshot.namespaces:
            for link in netns.links:
                lower = self.below(netns, link) if link.kind in STACKED else None
                if lower is not None:
                    found.setdefault((lower[0].id, lower[1].index), []).append((netns, link))
        return found

    def above(self, netns: Netns, link: Link) -> list[Place]:
        """The vlan, macvlan and ipvlan devices on a device, in whatever namespace they are."""
        return self._above.get((netns.id, link.index), [])

    def siblings(self, netns: Netns, link: Link) -> list[Place]:
        """The devices on the same lower device that this one may speak to without leaving it."""
        lower = self.below(netns, link)
        if lower is None or not _bridges(link):
            return []
        return [(there, each) for there, each in self.above(*lower) if each is not link and _bridges(each)]

    @cached_property
    def _segments(self) -> dict[tuple[str, int], list[Place]]:
        """The other devices on the segment of each that has joins: whoever is joined with one of them is on it."""
        beside: dict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
        for join in self.snapshot.joins:
            near, far = (join.near.netns, join.near.link), (join.far.netns, join.far.link)
            beside[near].add(far)
            beside[far].add(near)
        found: dict[tuple[str, int], list[Place]] = {}
        for start in beside:
            seen, ahead = {start}, deque([start])
            while ahead:
                more = sorted(beside[ahead.popleft()] - seen)
                seen.update(more)
                ahead += more
            found[start] = [place for each in sorted(seen - {start}) if (place := self._place(*each)) is not None]
        return found

    def _place(self, netns: str, index: int) -> Place | None:
        there = self.snapshot.by_id.get(netns)
        link = there.links_by_index.get(index) if there is not None else None
        return (there, link) if there is not None and link is not None else None

    def beside(self, netns: Netns, link: Link) -> list[Place]:
        """The devices of other hosts on a device's segment."""
        return self._segments.get((netns.id, link.index), []) if self.snapshot.joins else []

    def underlay(self, netns: Netns, vxlan: Link) -> Netns | None:
        """The namespace by which a vxlan sends the packets around its frames: its own, unless it was moved; None where
        that one is not in view."""
        if vxlan.peer is None:
            return netns
        return self.snapshot.by_id.get(vxlan.peer.netns or "")

    @cached_property
    def _vxlans(self) -> dict[str, list[Place]]:
        """The vxlan devices by the namespace in which their packets come in."""
        found: dict[str, list[Place]] = defaultdict(list)
        for netns in self.snapshot.namespaces:
            for link in netns.links:
                below = self.underlay(netns, link) if link.kind == "vxlan" else None
                if below is not None:
                    found[below.id].append((netns, link))
        return found

    @cached_property
    def _near(self) -> dict[str, set[str]]:
        return {}

    def _wired(self, netns: str) -> set[str]:
        if netns not in self._near:
            self._near[netns] = wired(self.snapshot, (netns,))
        return self._near[netns]

    def tunnel_at(self, netns: Netns, port: int) -> Link | None:
        """The device whose packets come in at a UDP port of a namespace: the kernel has the socket while the device is
        up (vxlan_open, geneve_open)."""
        ends = [link for _, link in self._vxlans.get(netns.id, ())]
        ends += [link for link in netns.links if link.kind == "geneve"]
        return next((link for link in ends if link.up and tunnel_port(link) == port), None)

    def vteps(self, netns: Netns, link: Link, remote: IPAddress) -> Place | None:
        """The vxlan device behind a remote address; None where nobody in view has the address. Of several hosts with
        that address it is one that hangs together with this one."""
        here = self.underlay(netns, link) or netns
        owners = [each for each in self.snapshot.namespaces if remote in each.addresses_by_value and each is not here]
        if len(owners) > 1 and self.snapshot.machines:
            owners = [each for each in owners if each.id in self._wired(here.id)]
        for there in owners[:1]:
            ends = self._vxlans.get(there.id, ()) if self._vxlans else ()
            return next((place for place in ends if same_vxlan(link, place[1])), None)
        return None


def wired(snapshot: Snapshot, ids: Collection[str]) -> set[str]:
    """The namespaces that some hang together with by devices of both: labs and hosts beside them are elsewhere."""
    beside: dict[str, set[str]] = defaultdict(set)
    for join in snapshot.joins:
        beside[join.near.netns].add(join.far.netns)
        beside[join.far.netns].add(join.near.netns)
    for netns in snapshot.namespaces:
        for link in netns.links:
            there = link.peer.netns if link.peer is not None else None
            if there is not None:
                beside[netns.id].add(there)
                if link.kind != "veth":  # a lower device does not know of those above
                    beside[there].add(netns.id)
    found, ahead = set(ids), list(ids)
    while ahead:
        more = beside[ahead.pop()] - found
        found |= more
        ahead += more
    return found


def _bridges(link: Link) -> bool:
    """Whether a device speaks to its siblings: mode bridge of macvlan; ipvlan but for its flags."""
    if link.kind in MACVLANS:
        return link.detail.get("mode", "bridge") == "bridge"
    return link.kind in IPVLANS and link.detail.get("flags", "bridge") == "bridge"


def listens_to(link: Link, mac: str | None) -> bool:
    """Whether a device takes frames from a MAC address: a macvlan in mode source those of its list alone."""
    if link.kind not in MACVLANS or link.detail.get("mode") != "source":
        return True
    return mac in link.detail.get("sources", "").split()


def same_vxlan(one: Link, other: Link) -> bool:
    """Whether two vxlan devices can be ends of one: their number and port are the same."""
    return (
        other.kind == "vxlan"
        and other.detail.get("id") == one.detail.get("id")
        and other.detail.get("dstport") == one.detail.get("dstport")
    )


def active_port(netns: Netns, bond: Link) -> Link | None:
    """The port that a bond or team sends by: the active one where it is told, else the first that works."""
    ports = netns.ports_by_master.get(bond.index, ())
    chosen = bond.detail.get("active_slave", "")
    active = next((port for port in ports if chosen in (str(port.index), port.name)), None)
    return active or next((port for port in ports if port.works), None)


def bond_of(netns: Netns, link: Link) -> Link | None:
    """The bond or team that a link is a port of."""
    master = netns.links_by_index.get(link.master or 0)
    return master if master is not None and master.kind in BONDS else None


def remotes(netns: Netns, vxlan: Link, mac: str | None) -> tuple[IPAddress, ...]:
    """Where a vxlan sends a frame: to the entry's remote, else to all that unknown frames go to."""
    own = [entry for entry in netns.fdb if entry.link == vxlan.index and entry.destination is not None]
    exact = tuple(entry.destination for entry in own if entry.mac == mac and entry.destination)
    return exact or tuple(entry.destination for entry in own if entry.mac == ZERO_MAC and entry.destination)


def told_elsewhere(netns: Netns, vxlan: Link, *flags: str) -> bool:
    """Whether what a vxlan has no entry for may have a way: routes or programs tell it, which hear of each miss.

    Any other drops it (vxlan_xmit). Docker asks to hear of misses for its overlays and does nothing about them: it
    writes the entries of all that is there by itself (libnetwork, drivers/overlay).
    """
    heard = netns.path is None or _OVERLAY.search(netns.path) is None
    own = flags or ("l2miss", "l3miss")
    return any(_is_set(vxlan, flag) for flag in (*(own if heard else ()), "external"))


def answers_itself(vxlan: Link) -> bool:
    """Whether a vxlan answers questions for addresses by its own neighbour entries, and passes none on (arp_reduce)."""
    return _is_set(vxlan, "proxy")


def _is_set(vxlan: Link, flag: str) -> bool:
    return vxlan.detail.get(flag, "0") not in ("", "0")


def tunnel_port(link: Link) -> int:
    """The UDP port that a vxlan or Geneve device sends to, and takes packets at."""
    text = link.detail.get("dstport", "")
    return int(text) if text.isdecimal() else GENEVE_PORT if link.kind == "geneve" else VXLAN_PORT
