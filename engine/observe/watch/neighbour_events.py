"""Which notifications of neighbours tell something: on a busy host most only say that an entry is still what it was.

An entry goes from reachable to stale and back while it is used, with the same address all the time. So the last that
was told of each is kept, and what tells the same again makes nothing stale. What was never told before counts as new.
"""

from __future__ import annotations

from collections.abc import Hashable

from engine.model.link import FdbEntry, Neighbour
from engine.observe.base.errors import NetlinkError
from engine.observe.netlink.neighbours import RTM_NEWNEIGH, parse_fdb, parse_neighbours
from engine.records import replace

_RTM_DELNEIGH = 29
#: States in which the address is known, as one.
_RESOLVED = frozenset({"reachable", "stale", "delay", "probe"})
#: Entries that are kept; more of them are told anew.
_MOST = 4096


class NeighbourNews:
    """What was told last of each entry of one namespace."""

    def __init__(self) -> None:
        self._last: dict[Hashable, Neighbour | FdbEntry] = {}

    def tells(self, kind: int, body: bytes) -> bool:
        """Whether a message of rtnetlink tells something new; one of another kind does."""
        if kind not in (RTM_NEWNEIGH, _RTM_DELNEIGH):
            return True
        message = [(RTM_NEWNEIGH, body)]
        found: tuple[Neighbour | FdbEntry, ...]
        try:
            found = parse_neighbours(message) + parse_fdb(message)
        except NetlinkError:
            return True
        return not found or self._is_new(found[0], gone=kind == _RTM_DELNEIGH)

    def forget(self) -> None:
        """Something was lost: all may be different."""
        self._last.clear()

    def _is_new(self, entry: Neighbour | FdbEntry, *, gone: bool) -> bool:
        key = _key(entry)
        if gone:
            self._last.pop(key, None)
            return True
        if isinstance(entry, Neighbour) and entry.state in _RESOLVED:
            entry = replace(entry, state="reachable")
        if self._last.get(key) == entry:
            return False
        if len(self._last) >= _MOST:
            self.forget()
        self._last[key] = entry
        return True


def _key(entry: Neighbour | FdbEntry) -> Hashable:
    if isinstance(entry, Neighbour):
        return entry.link, entry.address, entry.proxy
    return entry.link, entry.master, entry.mac, entry.vlan, entry.destination, entry.vni
