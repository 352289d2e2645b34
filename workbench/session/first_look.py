"""How far the first look at a host is."""

from __future__ import annotations

from engine.model.host import Snapshot
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class FirstLook:
    """How far the first look is: so many of so many namespaces; with the host's own, once that is read."""

    done: int
    whole: int
    host: Snapshot | None = None
