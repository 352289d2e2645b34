"""Segments as they grow: outlets that were joined, whoever with whom, and the addresses on each segment."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.address import IPAddress
from engine.records import dataclass
from engine.several.outlets import Outlet


@dataclass(slots=True)
class _Segment:
    outlets: list[int]
    addresses: set[IPAddress]


class Segments:
    """Which outlets are on one segment so far; each is on its own at first."""

    def __init__(self, outlets: Sequence[Outlet]) -> None:
        self._of = {id(each): _Segment([id(each)], _addresses(each)) for each in outlets}

    def together(self, one: Outlet, other: Outlet) -> bool:
        """Whether both are on one segment."""
        return self._of[id(one)] is self._of[id(other)]

    def distinct(self, one: Outlet, other: Outlet) -> bool:
        """Whether no address would be twice on the segment of both."""
        return not self._of[id(one)].addresses & self._of[id(other)].addresses

    def unite(self, one: Outlet, other: Outlet) -> None:
        """Makes one segment of those of both."""
        kept, gone = self._of[id(one)], self._of[id(other)]
        kept.outlets += gone.outlets
        kept.addresses |= gone.addresses
        for each in gone.outlets:
            self._of[each] = kept


def _addresses(outlet: Outlet) -> set[IPAddress]:
    return {each.address for one in outlet.inside for each in one.addresses if each.scope == "global"}
