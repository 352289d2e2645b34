"""Far ends of veth pairs and of devices whose lower device is in another namespace, from what each namespace says.

A link names its far end by an index and by a number for the other namespace. `ip netns list-id` tells what number each
namespace with a name has; of the others, the two ends of a pair name each other's index. Where that fits several
namespaces, those that are known already decide; what stays ambiguous is a `Peer` without a namespace, and a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.model.host import Gap
from engine.model.link import Link, Peer
from engine.observe.collected.reading import rows
from engine.observe.netlink.links import SeenLink
from engine.records import replace


def parse_numbers(text: str) -> dict[int, str]:
    """Names of namespaces by their number here."""
    return {int(row["nsid"]): str(row["name"]) for row in rows(text) if "name" in row}


class Pairs:
    """Joins the links of all namespaces. `numbers` has, by namespace, which other one each number means."""

    def __init__(self, seen: Mapping[str, Sequence[SeenLink]], numbers: Mapping[str, Mapping[int, str]]) -> None:
        self._seen = seen
        self._known = {netns: dict(numbers.get(netns, {})) for netns in seen}
        self._by_index: dict[int, list[tuple[str, SeenLink]]] = {}
        for netns, links in seen.items():
            for each in links:
                self._by_index.setdefault(each.link.index, []).append((netns, each))
        while sum(self._learn(netns, each) for netns, links in seen.items() for each in links):
            pass  # what was learned may decide what was ambiguous

    def _learn(self, netns: str, each: SeenLink) -> bool:
        """Whether the number in this link was unknown and can be told now."""
        if each.far is None or each.far.nsid is None or each.far.nsid in self._known[netns]:
            return False
        fitting = [
            other for other, end in self._by_index.get(each.far.index, ()) if self._fits(netns, each, other, end)
        ]
        if len(fitting) != 1:
            return False
        self._known[netns][each.far.nsid] = fitting[0]
        return True

    def _fits(self, netns: str, each: SeenLink, other: str, end: SeenLink) -> bool:
        """Whether a link of another namespace can be the far end: it points back, as far as is known."""
        if other == netns or other in self._known[netns].values():
            return False
        if each.link.kind != "veth":
            return end.far is None
        if end.far is None or end.far.nsid is None or end.far.index != each.link.index:
            return False
        return self._known[other].get(end.far.nsid, netns) == netns

    def resolve(self, netns: str) -> tuple[tuple[Link, ...], tuple[Gap, ...]]:
        """The links of one namespace with their peers, and a gap for each that leads out of sight."""
        links: list[Link] = []
        gaps: list[Gap] = []
        for each in self._seen[netns]:
            if each.far is None:
                links.append(each.link)
                continue
            other = netns if each.far.nsid is None else self._known[netns].get(each.far.nsid)
            links.append(replace(each.link, peer=Peer(other if other in self._seen else None, each.far.index)))
            if other not in self._seen:
                reason = f"the file does not say in which namespace the peer of {each.link.name} is"
                gaps.append(Gap("link peers", netns, reason))
        return tuple(links), tuple(gaps)
