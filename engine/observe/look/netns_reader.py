"""One visit to a namespace: a thread enters it and brings back what the kernel knows of it, source by source.

`READERS` is the table of sources; a visit reads all of them, or those that are stale into an earlier visit, whose
other sources stay as they were. Each source fails on its own: what is missing is a gap of that source, the rest is
there. A namespace that may not be entered is a visit that brings back nothing but one gap; one that has ended since it
was found was never there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from engine.model.firewall import Firewall
from engine.model.host import Gap
from engine.model.traffic import ConntrackEntry, Listener
from engine.observe.base.errors import gap
from engine.observe.base.namespaces import NetnsRef, enter
from engine.observe.firewall.bridge_tables import unread_tables
from engine.observe.firewall.ipvs import read_balancer
from engine.observe.firewall.read import read_firewall
from engine.observe.netlink.conntrack import read_conntrack
from engine.observe.netlink.sockets import read_listeners
from engine.observe.netlink.stack import NetworkStack, read_stack
from engine.observe.proc.processes import NOBODY, Holder, Running, held_within
from engine.observe.proc.sysctls import COUNT, read_sysctls
from engine.records import dataclass, field, replace


class NetnsSource(StrEnum):
    """What is read of a namespace, each by itself; the values are the fields of a `Visit`."""

    STACK = "stack"
    SYSCTLS = "sysctls"
    FIREWALL = "firewall"
    LISTENERS = "listeners"
    HOLDERS = "holders"
    CONNTRACK = "conntrack"


@dataclass(frozen=True, slots=True)
class Visit:
    """All that a visit brought back. Listeners have no process yet, links no peer.

    `holders` has who holds their sockets, by inode, where it is a process of the same namespace. `sysctls` are those of
    the whole namespace; devices have theirs with their links. `unread` has the gaps by source, and that of a namespace
    that could not be entered under None.
    """

    stack: NetworkStack = field(default_factory=NetworkStack)
    sysctls: Mapping[str, int] = field(default_factory=dict)
    firewall: Firewall = field(default_factory=Firewall)
    listeners: tuple[Listener, ...] = ()
    holders: Mapping[int, Holder] = field(default_factory=dict)
    conntrack: tuple[ConntrackEntry, ...] = ()
    unread: Mapping[NetnsSource | None, tuple[Gap, ...]] = field(default_factory=dict)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read, source by source."""
        if not self.unread:
            return ()
        return tuple(each for source in (None, *NetnsSource) for each in self.unread.get(source, ()))

    @property
    def settings(self) -> dict[str, int]:
        """The sysctls of the namespace and of its devices."""
        found = dict(self.sysctls)
        for each in self.stack.links:
            found.update(each.sysctls)
        return found


#: What a reader gives: the value of its field, and what could not be read.
Read = tuple[Any, tuple[Gap, ...]]


def _stack(netns: str, _so_far: Visit) -> Read:
    stack = read_stack(netns)
    return stack, stack.gaps


def _firewall(netns: str, so_far: Visit) -> Read:
    firewall, gaps = read_firewall(netns)
    bridges = any(each.link.kind == "bridge" for each in so_far.stack.links)
    return firewall, (*gaps, *unread_tables(netns, bridges=bridges), *read_balancer(netns))


def _conntrack(netns: str, so_far: Visit) -> Read:
    return read_conntrack(netns, so_far.sysctls.get(COUNT, 0))


#: How each source of the calling thread's namespace is read, in this order. A reader gets the namespace's id, for the
#: gaps, and what has been read before it; it raises nothing.
READERS: Mapping[NetnsSource, Callable[[str, Visit], Read]] = {
    NetnsSource.STACK: _stack,
    NetnsSource.SYSCTLS: lambda netns, _so_far: read_sysctls(netns),
    NetnsSource.FIREWALL: _firewall,
    NetnsSource.LISTENERS: lambda netns, _so_far: read_listeners(netns),
    NetnsSource.CONNTRACK: _conntrack,
}


def visit(
    place: NetnsRef,
    netns: str,
    processes: Sequence[Running] = (),
    stale: Collection[NetnsSource] = tuple(NetnsSource),
    before: Visit | None = None,
) -> Visit | None:
    """Enters a namespace and reads the `stale` sources into what `before` has; None when it is gone by now.

    `processes` are those in it, by pid. Holders are looked for of new listeners, and of all where they are stale. A
    namespace that could not be entered before has all of its sources stale. Raises nothing.
    """
    if before is None or None in before.unread:
        before, stale = Visit(), tuple(NetnsSource)
    try:
        enter(place)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Visit(unread={None: (gap("namespace", netns, error),)})
    for source, read in READERS.items():
        if source in stale:
            value, gaps = read(netns, before)
            before = _with(before, {str(source): value}, {source: gaps})
    if NetnsSource.LISTENERS in stale or NetnsSource.HOLDERS in stale:
        known = NOBODY if NetnsSource.HOLDERS in stale else before.holders
        held = held_within(processes, [listener.inode for listener in before.listeners], known)
        before = _with(before, {"holders": held})
    return before


def _with(
    before: Visit,
    values: Mapping[str, object],
    gaps: Mapping[NetnsSource | None, tuple[Gap, ...]] = MappingProxyType({}),
) -> Visit:
    """The visit with these values, or the very same one where they are what it has: who compares sees it at once."""
    unread = {source: found for source, found in {**before.unread, **gaps}.items() if found}
    if unread == before.unread and all(getattr(before, name) == value for name, value in values.items()):
        return before
    return replace(before, unread=unread, **values)  # type: ignore[arg-type]  # each is of its field's type
