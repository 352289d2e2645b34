"""Why two outlets are on one segment, and what says that they are not.

1. A neighbour entry of one host that has the address and the MAC address of a device of the other is proof.
2. So are entries of both for the same router, with the same MAC address, in the same subnet.
3. An edge file may say so. Devices that it puts on different segments are joined by no less than proof.
4. Else their addresses may fit: different ones of the same subnet. That is taken for a segment only where no entry says
   otherwise (the other's address at another MAC address, or the router at two), and where no address would be there
   twice. Homes and clouds that number alike would be joined by fitting addresses alone, but their routers differ.

A MAC address that an address was made into (an engine's, a cloud's), one of VRRP, or one that two devices have proves
nothing; nor does that of a described device, which is taken from those who know it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from engine.model.address import IPAddress, IPNetwork
from engine.model.host import Snapshot
from engine.model.link import Neighbour
from engine.model.machine import Join, JoinedBy, Plug
from engine.path.link.neighbours import VALID
from engine.records import dataclass
from engine.several.edge.named_ends import outlets_of
from engine.several.edge.nouns import EdgeFile
from engine.several.naming import HostsError
from engine.several.outlets import Inside, Outlet
from engine.several.segments import Segments

#: How the MAC addresses of VRRP begin (RFC 5798, 7.3): every network has them.
_VRRP = "00:00:5e:00:0"
#: The bit of a MAC address's first byte that says that it was made up locally (IEEE 802).
_LOCAL_BIT = 0x02


@dataclass(frozen=True, slots=True)
class Pair:
    """A device of one host, and one of another, that may be on one segment."""

    near: Inside
    far: Inside

    def turned(self) -> Pair:
        """The same from the other side."""
        return Pair(self.far, self.near)


class Matching:
    """What is known of pairs of outlets of different hosts."""

    def __init__(self, outlets: Sequence[Outlet], whole: Snapshot, edge: EdgeFile) -> None:
        self.outlets = outlets
        self._described = {each.name for each in whole.machines if each.described}
        self._on_segments = _on_segments(outlets, whole, edge)
        devices = {(one.netns, one.link.index): one.link.mac for each in self.outlets for one in each.inside}
        self._owners = Counter(mac for mac in devices.values() if mac)

    def joins(self) -> Iterator[Join]:
        """A join for each pair of outlets that is on one segment: those that are proved first."""
        pairs = [
            (near, far)
            for near, far in combinations(self.outlets, 2)
            if near.machine != far.machine and near.vlan == far.vlan
        ]
        segments = Segments(self.outlets)
        yield from self._said(segments)
        for shown_by in (self._proved, self._fitting):
            for near, far in pairs:
                join = shown_by(near, far) if not segments.together(near, far) else None
                if join is not None and (join.by is not JoinedBy.PREFIX or segments.distinct(near, far)):
                    segments.unite(near, far)
                    yield join

    def _said(self, segments: Segments) -> Iterator[Join]:
        """The joins that the edge file says, from the first device of a segment to each other one."""
        for each in self._on_segments:
            first, *others = each.outlets
            for other in others:
                if not segments.together(first, other):
                    segments.unite(first, other)
                    text = f"{each.place} puts {_end(first)} and {_end(other)} on it"
                    yield Join(*_plugs(first, other), each.name, JoinedBy.EDGE, text)

    def _proved(self, near: Outlet, far: Outlet) -> Join | None:
        if not self._described.isdisjoint((near.machine, far.machine)):
            return None
        pairs = [Pair(one, other) for one in near.inside for other in far.inside]
        for pair in pairs:
            shown = self._seen(pair) or self._seen(pair.turned()) or self._same_router(pair)
            if shown:
                return Join(*_plugs(near, far), _segment(pair), JoinedBy.MAC, shown)
        return None

    def _fitting(self, near: Outlet, far: Outlet) -> Join | None:
        pairs = [Pair(one, other) for one in near.inside for other in far.inside]
        pair = next((pair for pair in pairs if _fits(pair) is not None), None)
        if pair is None or any(_contradicted(pair) for pair in pairs) or self._apart(near, far):
            return None
        both = f"{_place(pair.near)} and {_place(pair.far)}"
        text = f"{both} have different addresses of {_fits(pair)}; no neighbour entry shows more"
        return Join(*_plugs(near, far), _segment(pair), JoinedBy.PREFIX, text)

    def _apart(self, near: Outlet, far: Outlet) -> bool:
        """Whether the edge file has both, and on no segment together."""
        mine, others = ([each for each in self._on_segments if outlet in each.outlets] for outlet in (near, far))
        return bool(mine) and bool(others) and not any(each in others for each in mine)

    def _seen(self, pair: Pair) -> str:
        """A neighbour entry for an address of the far device, with its MAC address, which is that of no other."""
        if self._owners[pair.far.link.mac] != 1:
            return ""
        own = {each.address for each in pair.far.addresses}
        for entry in _valid(pair.near):
            if entry.mac == pair.far.link.mac and entry.address in own:
                return f"{_place(pair.near)} knows {entry.address} at {entry.mac}, which is {_place(pair.far)}"
        return ""

    def _same_router(self, pair: Pair) -> str:
        """A third one that both know at the same MAC address, in a subnet of both."""
        subnet = _fits(pair)
        if subnet is None:
            return ""
        known = {entry.address: entry.mac for entry in _valid(pair.far)}
        for entry in _valid(pair.near):
            mac = entry.mac or ""
            if entry.address in subnet and known.get(entry.address) == mac and _proves(mac) and not self._owners[mac]:
                return f"{_place(pair.near)} and {_place(pair.far)} both know {entry.address} at {mac}"
        return ""


@dataclass(frozen=True, slots=True)
class _OnSegment:
    """A segment of the edge file, with the outlets that are on it."""

    name: str
    place: str
    outlets: tuple[Outlet, ...]


def _on_segments(outlets: Sequence[Outlet], whole: Snapshot, edge: EdgeFile) -> list[_OnSegment]:
    """The segments of the edge file that two of the hosts are on. Raises `HostsError` for an end that is not clear."""
    found = []
    for segment in edge.segments:
        ends = []
        for end in segment.ends:
            meant = outlets_of(end, outlets, whole)
            if len(meant) > 1 or (not meant and end.host in whole.machines_by_name):
                names = sorted({f"{end.host}/{inside.link.name}" for each in meant for inside in each.inside})
                right = f"write one of {', '.join(names)}" if names else "frames leave the host by none of that name"
                raise HostsError(f"{edge.name}:{end.line}: it is not clear which device {end} is: {right}")
            ends += meant
        if len(ends) > 1:
            found.append(_OnSegment(segment.name, f"{edge.name}:{segment.ends[0].line}", tuple(ends)))
    return found


def _plugs(near: Outlet, far: Outlet) -> tuple[Plug, Plug]:
    """The device of each that leads to the other."""
    ways = near.way_to({each.link.mac for each in far.inside}), far.way_to({each.link.mac for each in near.inside})
    here, there = (Plug(way.netns, way.link.index) for way in ways)
    return here, there


def _end(outlet: Outlet) -> str:
    return _place(outlet.inside[0])


def _valid(inside: Inside) -> list[Neighbour]:
    return [entry for entry in inside.neighbours if entry.mac and entry.state in VALID]


def _proves(mac: str) -> bool:
    """Whether a MAC address is one device's alone, as those that makers give are."""
    return not mac.startswith(_VRRP) and not int(mac[:2], 16) & _LOCAL_BIT


def _place(inside: Inside) -> str:
    return f"{inside.link.name} of {inside.netns}"


def _subnets(inside: Inside) -> dict[IPNetwork, set[IPAddress]]:
    from ipaddress import ip_network  # noqa: PLC0415 - single hosts are not joined

    found: dict[IPNetwork, set[IPAddress]] = {}
    for each in inside.addresses:
        if each.scope == "global" and each.prefixlen < each.address.max_prefixlen and each.peer is None:
            subnet = ip_network(f"{each.address}/{each.prefixlen}", strict=False)
            found.setdefault(subnet, set()).add(each.address)
    return found


def _fits(pair: Pair) -> IPNetwork | None:
    """A subnet in which both have addresses, and none the same."""
    near, far = _subnets(pair.near), _subnets(pair.far)
    return next((each for each, own in near.items() if each in far and not own & far[each]), None)


def _contradicted(pair: Pair) -> bool:
    """Whether an entry of one says that the other is not where it is: its address, or a third one, at another MAC."""
    subnet = _fits(pair)
    if subnet is None:
        return False
    near = {entry.address: entry.mac for entry in _valid(pair.near) if entry.address in subnet}
    far = {entry.address: entry.mac for entry in _valid(pair.far) if entry.address in subnet}
    if any(near[each] != far[each] for each in near.keys() & far.keys()):
        return True
    return _elsewhere(near, pair.far) or _elsewhere(far, pair.near)


def _elsewhere(known: dict[IPAddress, str | None], other: Inside) -> bool:
    return any(known.get(each.address, other.link.mac) != other.link.mac for each in other.addresses)


def _segment(pair: Pair) -> str:
    subnet = _fits(pair)
    return str(subnet) if subnet is not None else f"{_place(pair.near)} – {_place(pair.far)}"
