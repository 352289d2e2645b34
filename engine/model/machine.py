"""Several machines in one snapshot: which they are, and by which of their devices a frame gets from one to another."""

from __future__ import annotations

from enum import StrEnum

from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """One of several hosts in a snapshot. `name` is what questions call it, `hostname` what it calls itself.

    `home` is the id of the namespace that counts as the host. `source` is where its snapshot came from (a file,
    `ssh://db1`), `taken_at` when it was taken. The ids of its other namespaces begin with its name and a slash. A
    `described` one was not read: a person wrote in an edge file what it is.
    """

    name: str
    home: str
    hostname: str = ""
    kernel: str = ""
    taken_at: str = ""
    source: str = ""
    described: bool = False

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise ValueError(f"{self.name!r} is no name for a host")

    def qualified(self, netns: str) -> str:
        """The id, among several hosts, of a namespace of this one."""
        return f"{self.name}/{netns}"


class JoinedBy(StrEnum):
    """How it is known that two devices are on one segment, the surest first."""

    #: One host's neighbour entry has the MAC address of the other's device.
    MAC = "mac"
    #: Each is the other's end of a tunnel.
    TUNNEL = "tunnel"
    #: An edge file says so.
    EDGE = "edge"
    #: Their addresses are different ones of the same subnet, and nothing says otherwise.
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Plug:
    """A device by which a host is on a segment: the namespace's id and the interface index."""

    netns: str
    link: int


@dataclass(frozen=True, slots=True)
class Join:
    """Two devices of different hosts on one segment, and the evidence for it. `segment` is its subnet, or the
    tunnel's name."""

    near: Plug
    far: Plug
    segment: str
    by: JoinedBy
    text: str
