"""Names: which node of the twin, and which namespace of this machine, stands for a namespace of the snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.model.host import Snapshot
from engine.records import dataclass

#: What a node may be called, so that its namespace's name is a plain word everywhere; and the longest one.
UNFIT = re.compile(r"[^A-Za-z0-9_.-]+")
LONGEST = 60
HOST = "host"


@dataclass(frozen=True, slots=True)
class TwinNode:
    """A node of a twin: its namespace here, and the id of the one that it stands for ("" for what is out of view)."""

    name: str
    netns: str
    origin: str = ""

    @property
    def renamed(self) -> bool:
        """Whether it is called otherwise than what it stands for."""
        return bool(self.origin) and self.name != self.origin


def nodes_of(snapshot: Snapshot, lab: str) -> tuple[TwinNode, ...]:
    """A node for each namespace, the host first. Names that differ only in what a node cannot be called get numbers."""
    names = {snapshot.host: HOST}
    for netns in snapshot.namespaces:
        if netns.id != snapshot.host:
            names[netns.id] = free(fitting(netns.id), names.values())
    return tuple(TwinNode(name, f"{lab}-{name}", origin) for origin, name in names.items())


def fitting(text: str) -> str:
    """A text as the name of a node."""
    return UNFIT.sub("-", text).strip("-.")[:LONGEST] or "node"


def free(name: str, taken: Iterable[str]) -> str:
    """The name, with a number where it is taken."""
    known = {*taken}
    number = 2
    found = name
    while found in known:
        found, number = f"{name}-{number}", number + 1
    return found
