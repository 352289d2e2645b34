"""Changes to a host, as values: shown before they are made, made in order, undone in reverse.

A `Plan` is what a fix offers and what a lab is built from. Each change says what it does and to which
namespace; `engine.change.command` writes it as the command line that does the same.
"""

from __future__ import annotations

from engine.change.building import (
    Command,
    CreateBridge,
    CreateNetns,
    CreateVeth,
    DeleteLink,
    DeleteNetns,
    LoadRules,
    Relay,
    Serve,
    Shape,
    Start,
)
from engine.change.filtering import DeleteElement, DeleteRule, InsertRule, ReplaceRule, RulePlace
from engine.frozen import dataclass
from engine.model.address import IPAddress
from engine.model.link import Address
from engine.model.route import PolicyRule, Route
from engine.model.traffic import ConntrackEntry, Listener

__all__ = [
    "AddAddress",
    "AddForwarding",
    "AddRoute",
    "Change",
    "Command",
    "CreateBridge",
    "CreateNetns",
    "CreateVeth",
    "DeleteAddress",
    "DeleteElement",
    "DeleteFlow",
    "DeleteForwarding",
    "DeleteLink",
    "DeleteNeighbour",
    "DeleteNetns",
    "DeletePolicyRule",
    "DeleteRoute",
    "DeleteRule",
    "InsertRule",
    "Listen",
    "LoadRules",
    "Plan",
    "Relay",
    "ReplaceRule",
    "RulePlace",
    "Serve",
    "SetArp",
    "SetContainer",
    "SetLink",
    "SetPort",
    "SetSysctl",
    "Shape",
    "Start",
]


@dataclass(frozen=True, slots=True)
class SetSysctl:
    """Writes a sysctl in a namespace."""

    netns: str
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Adds a route; devices of its next hops are indexes in that namespace."""

    netns: str
    route: Route


@dataclass(frozen=True, slots=True)
class DeleteRoute:
    """Removes a route."""

    netns: str
    route: Route


@dataclass(frozen=True, slots=True)
class AddPolicyRule:
    """Adds a routing policy rule; its `text` says it as `ip rule` would list it."""

    netns: str
    rule: PolicyRule


@dataclass(frozen=True, slots=True)
class DeletePolicyRule:
    """Removes a routing policy rule."""

    netns: str
    rule: PolicyRule


@dataclass(frozen=True, slots=True)
class SetPort:
    """Sets an option of a bridge port by its name in bridge(8): hairpin, isolated, learning, flood, bcast_flood,
    mcast_flood, guard (0 or 1)."""

    netns: str
    link: str
    option: str
    value: int

    @property
    def field(self) -> str:
        """The option's name in `BridgePort`."""
        return {"bcast_flood": "broadcast_flood", "mcast_flood": "multicast_flood"}.get(self.option, self.option)


@dataclass(frozen=True, slots=True)
class SetContainer:
    """The engine's own client brings a container into a state: `words` after the client's name and options.

    `words` are for example ("unpause", "web"); `state` is the engine's word for what comes of it.
    """

    container: str
    client: tuple[str, ...]
    words: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Gives a link an address; `link` is the link's name."""

    netns: str
    link: str
    address: Address


@dataclass(frozen=True, slots=True)
class DeleteAddress:
    """Takes an address from a link; `link` is the link's name."""

    netns: str
    link: str
    address: Address


@dataclass(frozen=True, slots=True)
class DeleteNeighbour:
    """Forgets a neighbour entry."""

    netns: str
    link: str
    address: IPAddress


@dataclass(frozen=True, slots=True)
class AddForwarding:
    """A vxlan sends frames for a MAC address to a remote; for that of all zeros, those for whom it has no entry."""

    netns: str
    link: str
    mac: str
    remote: IPAddress


@dataclass(frozen=True, slots=True)
class DeleteForwarding:
    """A vxlan's forwarding entry goes."""

    netns: str
    link: str
    mac: str
    remote: IPAddress


@dataclass(frozen=True, slots=True)
class DeleteFlow:
    """Forgets a tracked flow: its next packet begins a new one."""

    netns: str
    entry: ConntrackEntry


@dataclass(frozen=True, slots=True)
class SetLink:
    """Sets a link up or down, or makes it a port of a bridge. None leaves a property as it is."""

    netns: str
    link: str
    up: bool | None = None
    master: str | None = None


@dataclass(frozen=True, slots=True)
class SetArp:
    """Has a link answer questions for addresses (ARP), or not."""

    netns: str
    link: str
    on: bool


@dataclass(frozen=True, slots=True)
class Listen:
    """A program must listen. No command of the host can make it: the owner of the program must."""

    netns: str
    listener: Listener
    instead_of: Listener | None = None


Change = (
    SetSysctl
    | InsertRule
    | ReplaceRule
    | DeleteRule
    | DeleteElement
    | AddRoute
    | DeleteRoute
    | AddPolicyRule
    | DeletePolicyRule
    | SetPort
    | SetContainer
    | AddAddress
    | DeleteAddress
    | DeleteNeighbour
    | AddForwarding
    | DeleteForwarding
    | DeleteFlow
    | SetLink
    | SetArp
    | Listen
    | CreateNetns
    | CreateBridge
    | CreateVeth
    | LoadRules
    | Serve
    | Relay
    | Start
    | DeleteNetns
    | DeleteLink
    | Command
    | Shape
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order in which they are made."""

    title: str
    changes: tuple[Change, ...]
