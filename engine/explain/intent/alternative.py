"""An alternative of a question: a service that may have been meant, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum

from engine.explain.intent.asked import Asked
from engine.model.address import IPAddress
from engine.model.packet import Protocol
from engine.records import dataclass


class Trust(IntEnum):
    """How sure an alternative is."""

    #: One of several.
    POSSIBLE = 0
    #: Hardly anything else is there.
    LIKELY = 1
    #: The engine says so, or the address does.
    SURE = 2


@dataclass(frozen=True, slots=True)
class Alternative:
    """A service that may have been meant, at an address and port of its own."""

    address: IPAddress
    port: int
    #: The namespace of the service; the alternative only counts where the connection ends there.
    netns: str
    #: The container or program, as people call it.
    name: str
    #: Why the question missed it, a clause; empty where the cause says so already.
    because: str = ""
    #: How sure it is that this was meant.
    trust: Trust = Trust.LIKELY
    #: The port that the connection has to end at, where only that tells the service.
    inner: int | None = None
    #: Set where it is asked for by another protocol than the question's.
    protocol: Protocol | None = None


Finder = Callable[[Asked], Iterator[Alternative]]
