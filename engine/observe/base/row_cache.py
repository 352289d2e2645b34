"""Rows that were parsed before, by the bytes of their messages: at the next look most are as they were.

1. Some bytes differ from dump to dump while nothing happens: statistics, ages, timers. The places of these are found
   once for a message, and other messages of its length are compared without them.
2. That is sound: all headers of attributes are among the bytes that are compared, so that a message which is the same
   there has its moving parts at the same places.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from engine.observe.base.errors import NetlinkError

Row = TypeVar("Row")
#: Where something begins and ends in a message.
Span = tuple[int, int]
_header = struct.Struct("=HH").unpack_from
_TYPE = 0x3FFF


def places(body: bytes, start: int, end: int) -> Iterator[tuple[int, Span]]:
    """The attributes between two offsets: the type of each, and where its value is. Raises NetlinkError."""
    while start + 4 <= end:
        length, kind = _header(body, start)
        if length < 4 or start + length > end:
            raise NetlinkError(f"a netlink attribute claims {length} bytes where {end - start} are left")
        yield kind & _TYPE, (start + 4, start + length)
        start += (length + 3) & ~3


class Remembered(Generic[Row]):
    """A parser of one message that remembers. `moving` gives the spans that differ by themselves, in their order."""

    def __init__(
        self, parse: Callable[[bytes], Row], moving: Callable[[bytes], Iterator[Span]], limit: int = 8192
    ) -> None:
        self._parse, self._moving = parse, moving
        self._left = self._limit = limit
        #: By length of the message: the spans that are compared, and the rows by these bytes.
        self._known: dict[int, list[tuple[tuple[slice, ...], dict[bytes, Row]]]] = {}

    def __call__(self, body: bytes) -> Row:
        """The row; the very same value for a message that tells the same. Raises what the parser raises."""
        for steady, rows in self._known.get(len(body), ()):
            if (key := b"".join([body[each] for each in steady])) in rows:
                return rows[key]
        found = self._parse(body)
        self._remember(body, found)
        return found

    def _remember(self, body: bytes, found: Row) -> None:
        if self._left == 0:
            self._known.clear()
            self._left = self._limit
        self._left -= 1
        begins, ends = [0], []
        for start, end in self._moving(body):
            ends.append(start)
            begins.append(end)
        steady = tuple(slice(*span) for span in zip(begins, [*ends, len(body)], strict=True))
        layouts = self._known.setdefault(len(body), [])
        rows = next((rows for known, rows in layouts if known == steady), None)
        if rows is None:
            rows = {}
            layouts.append((steady, rows))
        rows[b"".join([body[each] for each in steady])] = found
