"""The far ends of veth pairs and of devices whose lower device is in another namespace.

A link names its far end by an index and by a number for the other namespace that means something only in
its own. `PeerFinder` asks the kernel, in the link's namespace, which number each known namespace has
there (RTM_GETNSID), and asks about likely ones first: two ends of a pair name each other's index, so that
one question a pair is enough even with hundreds of containers. A far end in a namespace that was not seen
stays a `Peer` without one, and leaves a gap.

Sources: include/uapi/linux/net_namespace.h, net/core/net_namespace.c (rtnl_net_getid).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from engine.model.host import Gap
from engine.model.link import Link, Peer
from engine.observe.base.errors import NetlinkError, gap
from engine.observe.base.namespaces import NetnsRef, enter, open_place
from engine.observe.netlink.client import Message, Netlink, attributes
from engine.observe.netlink.decode import decodes, i32
from engine.observe.netlink.links import PAIRED, FarEnd, SeenLink
from engine.records import replace

RTM_NEWNSID, RTM_GETNSID = 88, 90
_NETNSA_NSID, _NETNSA_FD = 1, 3
#: struct rtgenmsg, padded to the alignment of the attributes that follow.
_RTGENMSG = bytes(4)


#: Links as they were seen and as they were resolved, by index, of each namespace.
Resolved = Mapping[str, Mapping[int, tuple[SeenLink, Link]]]
NOTHING_BEFORE: Resolved = MappingProxyType({})


class PeerFinder:
    """Resolves far ends over all namespaces that were read. Runs in the thread that enters them.

    A link that is as it was `before`, and whose far end there still points back, is not asked about again: one end of
    a pair cannot go without the other.
    """

    def __init__(
        self,
        places: Mapping[str, NetnsRef],
        seen: Mapping[str, Sequence[SeenLink]],
        before: Resolved = NOTHING_BEFORE,
    ) -> None:
        self._places = places
        self._seen = seen
        self._before = before
        self._pairs: dict[tuple[int, int], list[str]] = {}
        self._indexes: dict[int, list[str]] = {}
        #: Ends of pairs whose other end was found before: namespace and index of that end, by their own.
        self._mirrored: dict[tuple[str, int], Peer] = {}
        for netns, links in seen.items():
            for each in links:
                self._indexes.setdefault(each.link.index, []).append(netns)
                if each.far is not None and each.far.nsid is not None:
                    self._pairs.setdefault((each.link.index, each.far.index), []).append(netns)

    def resolve(self, netns: str) -> tuple[tuple[Link, ...], tuple[Gap, ...]]:
        """The links of one namespace with their peers, and a gap for each that leads out of sight."""
        known = [
            self._here(netns, each) or self._mirror(netns, each) or self._as_before(netns, each)
            for each in self._seen[netns]
        ]
        if None not in known:
            return tuple(link for link in known if link is not None), ()
        try:
            enter(self._places[netns])
            with Netlink() as netlink:
                return self._ask(netns, netlink, known)
        except (NetlinkError, OSError) as error:
            links = (link or self._untold(each) for link, each in zip(known, self._seen[netns], strict=True))
            return tuple(links), (gap("link peers", netns, error),)

    def _ask(
        self, netns: str, netlink: Netlink, known: Sequence[Link | None]
    ) -> tuple[tuple[Link, ...], tuple[Gap, ...]]:
        numbers = Numbers(netlink, self._places)
        links: list[Link] = []
        gaps: list[Gap] = []
        for link, each in zip(known, self._seen[netns], strict=True):
            if link is not None or each.far is None or each.far.nsid is None:
                links.append(link or each.link)
                continue
            other = numbers.find(each.far.nsid, self._likely(each.link.index, each.far))
            links.append(replace(each.link, peer=Peer(other, each.far.index)))
            if other is not None and each.link.kind in PAIRED:
                self._mirrored[other, each.far.index] = Peer(netns, each.link.index)
            if other is None:
                gaps.append(out_of_sight(netns, each.link.name))
        return tuple(links), tuple(gaps)

    def _mirror(self, netns: str, each: SeenLink) -> Link | None:
        """The link as the other end of its pair, where that is known."""
        peer = self._mirrored.get((netns, each.link.index))
        if peer is None or each.far is None or each.far.index != peer.index or each.link.kind not in PAIRED:
            return None
        return replace(each.link, peer=peer)

    def _as_before(self, netns: str, each: SeenLink) -> Link | None:
        """The link as it was resolved before, where that still holds."""
        seen, link = self._before.get(netns, {}).get(each.link.index, (None, None))
        if link is None or link.peer is None or each.far is None or seen != each:
            return None
        return link if link.peer.netns in self._pairs.get((each.far.index, each.link.index), ()) else None

    def _likely(self, index: int, far: FarEnd) -> Iterator[str]:
        """Namespaces that may hold a far end: those whose link points back, then those with such an index."""
        yield from self._pairs.get((far.index, index), ())
        yield from self._indexes.get(far.index, ())
        if not far.index:  # the namespace of a vxlan's own packets, without a device there
            yield from self._seen

    @staticmethod
    def _here(netns: str, each: SeenLink) -> Link | None:
        """A link whose far end, if it has one, is in the same namespace; None for any other."""
        if each.far is None:
            return each.link
        return replace(each.link, peer=Peer(netns, each.far.index)) if each.far.nsid is None else None

    @staticmethod
    def _untold(each: SeenLink) -> Link:
        """A link whose far end is in a namespace that cannot be told."""
        return replace(each.link, peer=Peer(None, each.far.index)) if each.far is not None else each.link


def out_of_sight(netns: str, name: str) -> Gap:
    """The gap of a link whose far end is in a namespace that was not found."""
    where = "without a name and a process" if os.geteuid() == 0 else "that only root can find: run as root"
    return Gap("link peers", netns, f"the peer of {name} is in a namespace {where}")


class Numbers:
    """The numbers that one namespace, that of `netlink`, has for others; each is asked for at most once."""

    def __init__(self, netlink: Netlink, places: Mapping[str, NetnsRef]) -> None:
        self._netlink = netlink
        self._places = places
        self._asked: set[str] = set()
        self._found: dict[int, str] = {}

    def find(self, nsid: int, likely: Iterator[str]) -> str | None:
        """The namespace that has the number `nsid` here, tried among `likely`; None when it is none of them."""
        for netns in likely:
            if nsid in self._found:
                break
            if netns not in self._asked:
                self._asked.add(netns)
                number = self._number(self._places[netns])
                if number is not None:
                    self._found[number] = netns
        return self._found.get(nsid)

    def _number(self, place: NetnsRef) -> int | None:
        try:
            descriptor = open_place(place)
        except OSError:
            return None
        try:
            request = _RTGENMSG + struct.pack("=HHI", 8, _NETNSA_FD, descriptor)
            return parse_nsid(self._netlink.ask(RTM_GETNSID, request))
        finally:
            os.close(descriptor)


@decodes("a namespace number")
def parse_nsid(message: Message) -> int | None:
    """The number in an RTM_NEWNSID message, None where none is assigned. Raises NetlinkError on damaged bytes."""
    kind, body = message
    found = attributes(body, len(_RTGENMSG))
    if kind != RTM_NEWNSID or _NETNSA_NSID not in found:
        return None
    number = i32(found[_NETNSA_NSID])
    return number if number >= 0 else None
