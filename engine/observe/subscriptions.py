"""Who tells that something changed: one socket for rtnetlink and one for nftables in each namespace.

A notification is not decoded: its group says which source of its namespace is stale, and the source is read again. A
socket that lost notifications (ENOBUFS) makes its source stale as well, so that nothing is missed.

Sources: rtnetlink(7), include/uapi/linux/rtnetlink.h (RTNLGRP_*), nfnetlink.h (NFNLGRP_NFTABLES).
"""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType

from engine.observe.namespaces import Place, enter, side_by_side
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

Stale = dict[str, set[Source]]


class Subscriptions:
    """The sockets of all namespaces that can be entered. To be closed."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._selector = selectors.DefaultSelector()
        opened = side_by_side(lambda item: _open(item[1]), tuple(places.items()))
        for netns, sockets in zip(places, opened, strict=True):
            for each, sources in sockets:
                self._selector.register(each, selectors.EVENT_READ, (netns, sources))

    def __enter__(self) -> Subscriptions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for key in tuple(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]  # each is a socket that was registered here
        self._selector.close()

    def wait(self, seconds: float) -> Stale:
        """What became stale, as soon as something does; nothing after `seconds`."""
        stale: Stale = {}
        for key, _ in self._selector.select(seconds):
            netns, sources = key.data
            stale.setdefault(netns, set()).update(sources)
            _drain(key.fd)
        return stale


def _open(place: Place) -> list[tuple[socket.socket, tuple[Source, ...]]]:
    """The sockets of one namespace; none where it may not be entered."""
    found: list[tuple[socket.socket, tuple[Source, ...]]] = []
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
