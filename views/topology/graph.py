"""The nouns of the topology picture: nodes, branches, bridges with their ports, and the scene that holds them.

Frozen values. A scene is a tree of four levels (uplink, host, bridge, port), not a general graph: that is what makes
its layout stable. Ids are made of namespace and interface index, so a thing has the same id in every look.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

from engine.model.ref import Ref
from engine.records import dataclass

#: A device as a whole snapshot knows it: its namespace's id and its index.
Device = tuple[str, int]


class Kind(StrEnum):
    """What a node stands for."""

    OUTSIDE = "outside"
    UPLINK = "uplink"
    HOST = "host"
    BRIDGE = "bridge"
    PORT = "port"
    END = "end"
    MORE = "more"


class State(StrEnum):
    """Whether traffic can pass a node, with the mark that says so."""

    UP = "●"
    DOWN = "○"
    UNKNOWN = "◌"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a node tells. `program` goes first where room is scarce; `amiss` is what is to be seen."""

    words: str
    program: str = ""
    amiss: bool = False

    def __str__(self) -> str:
        return f"{self.words} {self.program}".rstrip()


FORWARDING, FORWARD_OFF = Fact("forwarding"), Fact("forward off", amiss=True)


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the picture. `id` is stable between looks; `detail` is an address, `facts` what it serves.

    `whole` is the name that the label is short for, `group` the Compose project that it is of; empty where there is
    none.
    """

    id: str
    kind: Kind
    label: str
    ref: Ref | None
    detail: str = ""
    facts: tuple[Fact, ...] = ()
    state: State = State.UP
    whole: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.whole or self.label


@dataclass(frozen=True, slots=True)
class Branch:
    """A device of the host (`near`) and what is at the other end of it (`far`)."""

    near: Node
    far: Node


@dataclass(frozen=True, slots=True)
class Switch:
    """A bridge and its ports. Without a bridge: the devices that hang at the host itself. `folded` are not drawn."""

    bridge: Node | None
    ports: tuple[Branch, ...]
    folded: tuple[Branch, ...] = ()

    @property
    def hidden(self) -> int:
        """How many are folded."""
        return len(self.folded)


@dataclass(frozen=True)
class Scene:
    """Everything that the canvas lays out. `devices` finds the node of a device, from either of its ends.

    `alone` are namespaces without a link to another one, `unread` those that could not be entered.
    """

    host: Node
    uplinks: tuple[Branch, ...]
    switches: tuple[Switch, ...]
    elsewhere: tuple[Branch, ...]
    alone: tuple[str, ...]
    devices: dict[Device, str]
    inhabitants: str = "CONTAINER"
    hidden_elsewhere: int = 0
    unread: tuple[str, ...] = ()

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """All nodes by id, those of folded ports left out."""
        found = {self.host.id: self.host}
        for switch in self.switches:
            found |= {switch.bridge.id: switch.bridge} if switch.bridge else {}
        for branch in self.branches:
            found |= {branch.near.id: branch.near, branch.far.id: branch.far}
        return found

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """All branches, from the outside in."""
        ports = [branch for switch in self.switches for branch in switch.ports]
        return (*self.uplinks, *ports, *self.elsewhere)

    def of_netns(self, netns: str) -> str | None:
        """The id of the (first) node that stands for a namespace."""
        if self.host.ref and netns == self.host.ref.netns:
            return self.host.id
        for branch in self.branches:
            for node in (branch.far, branch.near):
                if node.kind is not Kind.UPLINK and node.ref and node.ref.netns == netns:
                    return node.id
        return None


def device_id(netns: str, index: int) -> str:
    """The id of the node that stands for a device."""
    return f"{netns}/{index}"
