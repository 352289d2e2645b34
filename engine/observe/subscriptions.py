"""Who tells that something changed: netlink in each namespace, folders of namespaces, and container engines.

1. A notification is not decoded: its group says which source of its namespace is stale, and the source is read again.
   A socket that lost notifications (ENOBUFS) makes its source stale as well, so that nothing is missed.
2. A folder's file that comes or goes, and an engine's event, mean that there may be another scene.
3. A namespace lives as long as a socket of it is open, so that its inode stays its own; `follow` closes those of
   namespaces that are not in the scene any more.

Sources: rtnetlink(7), include/uapi/linux/rtnetlink.h (RTNLGRP_*), nfnetlink.h (NFNLGRP_NFTABLES).
"""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from engine.observe.engine_events import EngineEvents
from engine.observe.folders import Folders
from engine.observe.look import Scene
from engine.observe.namespaces import NAMED, Place, enter, side_by_side
from engine.observe.visit import Source

NETLINK_NETFILTER = 12
#: Groups of rtnetlink: links, neighbours, addresses, routes, rules, settings of devices and nexthop objects.
RTNLGRPS = (1, 3, 5, 7, 8, 9, 11, 19, 24, 25, 32)
NFNLGRP_NFTABLES = 7
#: By netlink protocol: the groups to join, and what a notification makes stale.
CHANNELS: Mapping[int, tuple[tuple[int, ...], tuple[Source, ...]]] = {
    socket.NETLINK_ROUTE: (RTNLGRPS, (Source.STACK, Source.SYSCTLS)),
    NETLINK_NETFILTER: ((NFNLGRP_NFTABLES,), (Source.FIREWALL,)),
}
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
#: Folders whose entries are namespaces.
FOLDERS = (NAMED, "/run/docker/netns")

Stale = dict[str, set[Source]]
#: A socket of a namespace, and what it makes stale there.
Channel = tuple[socket.socket, tuple[Source, ...]]


@dataclass(slots=True)
class Told:
    """What was heard: stale sources by namespace id, and whether there may be another scene."""

    stale: Stale = field(default_factory=dict)
    scene: bool = False

    def __bool__(self) -> bool:
        return bool(self.stale) or self.scene

    def add(self, other: Told) -> None:
        """Takes in what was heard as well."""
        for netns, sources in other.stale.items():
            self.stale.setdefault(netns, set()).update(sources)
        self.scene = self.scene or other.scene


class Subscriptions:
    """Everybody who tells of changes of a scene. To be closed."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._channels: dict[tuple[str, int], list[Channel]] = {}
        self._folders = Folders(FOLDERS)
        self._engines: dict[str, EngineEvents] = {}
        if self._folders.descriptor >= 0:
            self._selector.register(self._folders.descriptor, selectors.EVENT_READ, self._folders)

    def __enter__(self) -> Subscriptions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for channel, _ in (each for channels in self._channels.values() for each in channels):
            channel.close()
        for engine in self._engines.values():
            engine.close()
        self._folders.close()
        self._selector.close()

    def follow(self, scene: Scene) -> list[str]:
        """Listens to the namespaces and engines of a scene, and to no others. Gives back the ids of new namespaces."""
        wanted = {(netns, place.inode): place for netns, place in scene.places.items() if place.ways}
        for key in self._channels.keys() - wanted.keys():
            for channel, _ in self._channels.pop(key):
                self._selector.unregister(channel)
                channel.close()
        fresh = [key for key in wanted if key not in self._channels]
        for key, channels in zip(fresh, side_by_side(lambda key: _open(wanted[key]), fresh), strict=True):
            self._channels[key] = channels
            for channel, sources in channels:
                self._selector.register(channel, selectors.EVENT_READ, (key[0], sources))
        self._follow_engines(scene.view.sockets)
        return [netns for netns, _ in fresh]

    def _follow_engines(self, sockets: Iterable[str]) -> None:
        for path in self._engines.keys() - set(sockets):
            self._forget(self._engines.pop(path))
        for path in sockets:
            if path not in self._engines or self._engines[path].ended:
                engine = self._engines[path] = EngineEvents(path)
                if engine.descriptor >= 0:
                    self._selector.register(engine.descriptor, selectors.EVENT_READ, engine)

    def _forget(self, engine: EngineEvents) -> None:
        if engine.descriptor >= 0:
            self._selector.unregister(engine.descriptor)
        engine.close()

    def wait(self, seconds: float) -> Told:
        """What changed, as soon as something does; nothing after `seconds`."""
        told = Told()
        for key, _ in self._selector.select(seconds):
            if isinstance(key.data, Folders):
                told.scene |= key.data.changed()
            elif isinstance(key.data, EngineEvents):
                told.scene |= key.data.told()
                if key.data.ended:
                    self._forget(key.data)
            else:
                netns, sources = key.data
                told.stale.setdefault(netns, set()).update(sources)
                _drain(key.fd)
        return told


def _open(place: Place) -> list[Channel]:
    """The sockets of one namespace; none where it may not be entered."""
    found: list[Channel] = []
    with suppress(OSError):
        enter(place)
        for protocol, (groups, sources) in CHANNELS.items():
            found += [(each, sources) for each in _joined(protocol, groups)]
    return found


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


def _drain(descriptor: int) -> None:
    """Throws away what is there. Losses end it too: the source is read again in any case."""
    with suppress(OSError):
        while os.read(descriptor, 65536):
            pass
