"""What a lab is built from: the changes that make namespaces, links, rules and programs of one's own, as values.

They are kinds of `engine.change.plan.Change`, and stand apart because no fix of a host consists of them.
"""

from __future__ import annotations

from engine.frozen import dataclass
from engine.model.address import IPAddress
from engine.model.firewall import Backend
from engine.model.packet import Protocol

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreateNetns:
    """A new named namespace, with its loopback up."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateBridge:
    """A new bridge in a namespace, up unless told otherwise. An `mtu` of None is the kernel's default."""

    netns: str
    name: str
    mtu: int | None = None
    up: bool = True


@dataclass(frozen=True, slots=True)
class CreateVeth:
    """A new veth pair with an end in each of two namespaces; `master` is for the first end, which is up.

    `up` says whether the second one is, too.
    """

    netns: str
    name: str
    peer_netns: str
    peer_name: str
    master: str | None = None
    mtu: int | None = None
    up: bool = True


@dataclass(frozen=True, slots=True)
class DeleteNetns:
    """Removes a named namespace that carries the lab's mark, with all that is in it."""

    name: str


@dataclass(frozen=True, slots=True)
class DeleteLink:
    """Removes a link that carries the lab's mark; a veth pair goes with either of its ends."""

    netns: str
    name: str


@dataclass(frozen=True, slots=True)
class LoadRules:
    """Adds rules in a backend's own restore format, in one transaction (`nft -f`, `iptables-restore -n`).

    `family` chooses iptables (ip) or ip6tables (ip6); nft's text names its families itself. With `replace` the
    tables that the text names are what it says afterwards, and nothing else.
    """

    netns: str
    backend: Backend
    text: str
    family: str = "ip"
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command line as it stands, run in a namespace; `back` is the one that undoes it, () where none does."""

    netns: str
    argv: Argv
    back: Argv = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What leaves by a link is slowed down: `rate` in bit/s (None: unlimited), `delay` in ms, `loss` in percent.

    A rate alone is a token bucket (tc-tbf(8)); delay and loss need tc-netem(8).
    """

    netns: str
    link: str
    rate: int | None = None
    delay: float = 0.0
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Serve:
    """A small server in a namespace that answers each client with its name."""

    netns: str
    protocol: Protocol
    address: IPAddress
    port: int
    name: str


@dataclass(frozen=True, slots=True)
class Relay:
    """A published port is held on the host, and each connection passed on; a None target only holds it.

    `holder` is the name of the process that does so.
    """

    netns: str
    protocol: Protocol
    address: IPAddress
    port: int
    target: IPAddress | None = None
    target_port: int = 0
    holder: str = "portscope-relay"


@dataclass(frozen=True, slots=True)
class Start:
    """A program of the lab's own in a namespace, which ends with the lab."""

    netns: str
    argv: Argv
    name: str
