"""Who tells that something changed: netlink in each namespace, folders of namespaces, and container engines.

1. A notification is not decoded: its group says which source of its namespace is stale, and the source is read again.
   A socket that lost notifications (ENOBUFS) makes its source stale as well, so that nothing is missed. Only of
   neighbours, which tell all the time that they are what they were, it is asked whether they tell something
   (`neighbour_news`).
2. A folder's file that comes or goes, an engine's event, and that Podman wrote something down mean that there may be
   another scene.
3. iptables-legacy tells nothing, but its tools let go of their lock when they have changed a table.
4. A namespace lives as long as a socket of it is open, so that its inode stays its own; `follow` closes those of
   namespaces that are not in the scene any more.

Sources: rtnetlink(7), include/uapi/linux/rtnetlink.h (RTNLGRP_*), nfnetlink.h (NFNLGRP_NFTABLES), iptables(8).
"""

from __future__ import annotations

import os
import resource
import selectors
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType

from engine.change.actor import Actor
from engine.observe.base.errors import NetlinkError
from engine.observe.base.namespaces import NAMED, NetnsRef, enter, side_by_side
from engine.observe.engines.events import EngineEvents
from engine.observe.look.look import Scene
from engine.observe.look.netns_reader import NetnsSource
from engine.observe.netlink.client import messages
from engine.observe.proc.socket_counts import SocketCounts
from engine.observe.watch.executions import Executions
from engine.observe.watch.inotify import Folders, Released, Written
from engine.observe.watch.makers import made
from engine.observe.watch.neighbour_events import NeighbourNews
from engine.records import dataclass, field

NETLINK_NETFILTER = 12
#: Groups of rtnetlink: links, neighbours, addresses, routes, rules, settings of devices and nexthop objects.
RTNLGRPS = (1, 3, 5, 7, 8, 9, 11, 19, 24, 25, 32)
NFNLGRP_NFTABLES = 7
#: By netlink protocol: the groups to join, and what a notification makes stale.
CHANNELS: Mapping[int, tuple[tuple[int, ...], tuple[NetnsSource, ...]]] = {
    socket.NETLINK_ROUTE: (RTNLGRPS, (NetnsSource.STACK, NetnsSource.SYSCTLS)),
    NETLINK_NETFILTER: ((NFNLGRP_NFTABLES,), (NetnsSource.FIREWALL,)),
}
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
#: Folders whose entries are namespaces.
FOLDERS = (NAMED, "/run/docker/netns")
#: What the tools of iptables-legacy hold while they change a table, as it is called where nobody named another.
LOCK = "/run/xtables.lock"
#: Descriptors for each namespace, and for all else.
_DESCRIPTORS, _OTHERS = 4, 512

Stale = dict[str, set[NetnsSource]]
#: Who made something of a kind (`makers.KINDS`) in a namespace.
By = dict[tuple[str, str], set[Actor]]


@dataclass(slots=True)
class Notification:
    """What was heard: stale sources by namespace id, and whether there may be another scene, or other legacy tables.

    Of containers only those that are `named` may be different; None where all may be. `by` is who did it.
    """

    stale: Stale = field(default_factory=dict)
    scene: bool = False
    named: set[str] | None = field(default_factory=set)
    legacy: bool = False
    by: By = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.stale) or self.scene or self.legacy

    def add(self, other: Notification) -> None:
        """Takes in what was heard as well."""
        for netns, sources in other.stale.items():
            self.stale.setdefault(netns, set()).update(sources)
        self.scene = self.scene or other.scene
        self.named = None if self.named is None or other.named is None else self.named | other.named
        self.legacy = self.legacy or other.legacy
        for place, actors in other.by.items():
            self.by.setdefault(place, set()).update(actors)


@dataclass(frozen=True, slots=True)
class _Post:
    """What is open in one namespace: sockets with what they make stale there, and the counts of its sockets."""

    channels: tuple[tuple[socket.socket, tuple[NetnsSource, ...]], ...]
    counts: SocketCounts

    def close(self) -> None:
        self.counts.close()
        for channel, _ in self.channels:
            channel.close()


class Subscriptions:
    """Everybody who tells of changes of a scene. To be closed. `makers`: who made them is wanted as well."""

    def __init__(self, makers: Executions | None = None) -> None:
        self._makers = makers
        self._selector = selectors.DefaultSelector()
        self._posts: dict[tuple[str, int], _Post] = {}
        self._folders, self._lock = Folders(FOLDERS), Released(LOCK)
        self._engines: dict[str, EngineEvents] = {}
        self._databases: dict[str, Written] = {}
        for each in (self._folders, self._lock):
            if each.descriptor >= 0:
                self._selector.register(each.descriptor, selectors.EVENT_READ, each)

    def __enter__(self) -> Subscriptions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for post in self._posts.values():
            post.close()
        for engine in self._engines.values():
            engine.close()
        for database in self._databases.values():
            database.close()
        self._folders.close()
        self._lock.close()
        self._selector.close()

    def follow(self, scene: Scene) -> list[str]:
        """Listens to the namespaces and engines of a scene, and to no others. Gives back the ids of new namespaces."""
        wanted = {(netns, place.inode): place for netns, place in scene.places.items() if place.ways}
        for key in self._posts.keys() - wanted.keys():
            left = self._posts.pop(key)
            for channel, _ in left.channels:
                self._selector.unregister(channel)
            left.close()
        _make_room(_DESCRIPTORS * len(wanted) + _OTHERS)
        fresh = [key for key in wanted if key not in self._posts]
        for key, post in zip(fresh, side_by_side(lambda key: _open(wanted[key]), fresh), strict=True):
            if post is not None:
                self._posts[key] = post
                for channel, sources in post.channels:
                    self._selector.register(channel, selectors.EVENT_READ, (key[0], sources, NeighbourNews()))
        self._follow_engines(scene.view.sockets)
        self._follow_databases(scene.view.databases)
        return [netns for netns, _ in fresh]

    def counted(self) -> list[str]:
        """The namespaces that have more or fewer sockets than at the last call."""
        return [netns for (netns, _), post in self._posts.items() if post.counts.changed()]

    def _follow_engines(self, sockets: Iterable[str]) -> None:
        for path in self._engines.keys() - set(sockets):
            self._forget(self._engines.pop(path))
        for path in sockets:
            if path not in self._engines or self._engines[path].ended:
                engine = self._engines[path] = EngineEvents(path)
                if engine.descriptor >= 0:
                    self._selector.register(engine.descriptor, selectors.EVENT_READ, engine)

    def _follow_databases(self, paths: Iterable[str]) -> None:
        for path in self._databases.keys() - set(paths):
            self._forget(self._databases.pop(path))
        for path in paths:
            if path not in self._databases:
                found = self._databases[path] = Written(path)
                if found.descriptor >= 0:
                    self._selector.register(found.descriptor, selectors.EVENT_READ, found)

    def _forget(self, engine: EngineEvents | Written) -> None:
        if engine.descriptor >= 0:
            self._selector.unregister(engine.descriptor)
        engine.close()

    def wait(self, seconds: float) -> Notification:
        """What changed, as soon as something does; nothing after `seconds`."""
        told = Notification()
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Folders):
                told.scene |= key.data.changed()
            elif isinstance(key.data, Released):
                told.legacy |= key.data.told()
            elif isinstance(key.data, Written):
                told.scene |= key.data.told()
            elif isinstance(key.data, EngineEvents):
                told.scene |= key.data.told()
                told.add(Notification(named=key.data.named()))
                if key.data.ended:
                    self._forget(key.data)
            else:
                netns, sources, news = key.data
                data, lost = _heard(key.fd)
                if self._makers is not None:
                    told.add(Notification(by=made(netns, data, self._makers)))
                if lost:
                    news.forget()
                if _tells(data, news) or lost:
                    told.stale.setdefault(netns, set()).update(sources)
        if told.scene and any(engine.ended for engine in self._engines.values()):
            told.named = None  # one that tells of no events may have other containers
        return told


def _open(place: NetnsRef) -> _Post | None:
    """What is to be open in one namespace; None where it may not be entered, or where there is no room."""
    found: list[tuple[socket.socket, tuple[NetnsSource, ...]]] = []
    try:
        enter(place)
        for protocol, (groups, sources) in CHANNELS.items():
            found += [(each, sources) for each in _joined(protocol, groups)]
        return _Post(tuple(found), SocketCounts())
    except OSError:
        for channel, _ in found:
            channel.close()
        return None


def _make_room(wanted: int) -> None:
    """Lets this process have so many open files, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted <= hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _joined(protocol: int, groups: Iterable[int]) -> list[socket.socket]:
    """A socket that gets the notifications of these groups, as far as the kernel has them."""
    try:
        channel = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol
        )
        channel.bind((0, 0))
    except OSError:
        return []
    for group in groups:
        with suppress(OSError):
            channel.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
    return [channel]


def _heard(descriptor: int) -> tuple[list[bytes], bool]:
    """All notifications that are there, and whether some were lost."""
    found: list[bytes] = []
    try:
        while data := os.read(descriptor, 65536):
            found.append(data)
    except BlockingIOError:
        return found, False
    except OSError:
        pass
    return found, True


def _tells(heard: Iterable[bytes], news: NeighbourNews) -> bool:
    """Whether one of the notifications has news."""
    told = False
    try:
        for data in heard:
            for kind, _, _, body in messages(data):
                told = news.tells(kind, body) or told
    except NetlinkError:
        news.forget()
        return True
    return told
