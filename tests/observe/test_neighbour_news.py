"""A neighbour that tells what is known tells nothing; another address, another port, or its end does."""

from __future__ import annotations

import struct

from engine.observe.watch.neighbour_events import NeighbourNews
from tests.observe.wire import attr, ip, u32

NEW, GONE, LINK = 28, 29, 16
INET, BRIDGE = 2, 7
REACHABLE, STALE, FAILED, PERMANENT = 0x02, 0x04, 0x20, 0x80
MAC, OTHER = bytes(range(6)), bytes(range(1, 7))


def neighbour(state: int, mac: bytes = MAC, age: int = 0, address: str = "10.0.0.2") -> bytes:
    body = struct.pack("=BxxxiHBB", INET, 2, state, 0, 1)
    return body + attr(1, ip(address)) + attr(2, mac) + attr(3, u32(age) * 4)


def learned(link: int) -> bytes:
    return struct.pack("=BxxxiHBB", BRIDGE, link, REACHABLE, 0, 0) + attr(2, MAC) + attr(9, u32(1))


def test_states_that_come_and_go_are_no_news() -> None:
    news = NeighbourNews()
    assert news.tells(NEW, neighbour(REACHABLE))
    assert not news.tells(NEW, neighbour(STALE, age=9))
    assert not news.tells(NEW, neighbour(REACHABLE))
    assert news.tells(NEW, neighbour(REACHABLE, address="10.0.0.3"))
    assert not news.tells(NEW, neighbour(STALE))


def test_what_decides_is_news_each_time_that_it_changes() -> None:
    news = NeighbourNews()
    news.tells(NEW, neighbour(REACHABLE))
    assert [news.tells(NEW, body) for body in (
        neighbour(REACHABLE, OTHER), neighbour(REACHABLE), neighbour(FAILED), neighbour(FAILED), neighbour(PERMANENT)
    )] == [True, True, True, False, True]  # fmt: skip
    assert news.tells(GONE, neighbour(PERMANENT))
    assert news.tells(NEW, neighbour(PERMANENT))


def test_a_forwarding_entry_is_news_once_and_what_was_lost_is_told_anew() -> None:
    news = NeighbourNews()
    assert [news.tells(NEW, learned(link)) for link in (5, 5, 6)] == [True, False, True]
    news.forget()
    assert news.tells(NEW, learned(5))


def test_other_messages_and_damaged_ones_always_tell() -> None:
    news = NeighbourNews()
    for kind, body in ((LINK, b""), (NEW, b""), (NEW, neighbour(REACHABLE)[:-3]), (NEW, neighbour(0))):
        assert news.tells(kind, body)
        assert news.tells(kind, body)
