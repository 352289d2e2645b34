"""Reads one source after the other in one namespace, and turns what fails into gaps.

A `Reader` holds the namespace's netlink socket and the list of its gaps. `read` asks for one dump and
hands the messages to a pure parser; a refusal, damaged bytes, or a table that kept changing while it was
read becomes a `Gap`, and the other sources are read all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from engine.model.host import Gap
from engine.observe.base.errors import NetlinkError, gap
from engine.observe.netlink.client import Message, Netlink

Row = TypeVar("Row")
Parser = Callable[[Sequence[Message]], tuple[Row, ...]]


class Reader:
    """The netlink side of one namespace; `gaps` collects what could not be read."""

    def __init__(self, netlink: Netlink, netns: str) -> None:
        self.netlink = netlink
        self.netns = netns
        self.gaps: list[Gap] = []

    def read(self, source: str, kind: int, body: bytes, parse: Parser[Row]) -> tuple[Row, ...]:
        """The rows that `parse` makes of the dump `kind`; empty, with a gap, where it could not be read."""
        try:
            dump = self.netlink.dump(kind, body)
            rows = parse(dump.messages)
        except (NetlinkError, OSError) as error:
            self.gaps.append(gap(source, self.netns, error))
            return ()
        if not dump.consistent:
            self.gaps.append(Gap(source, self.netns, "kept changing while it was read; rows may be missing or twice"))
        return rows
