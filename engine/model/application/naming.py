"""What decides a look-up of a name, and one look-up as it goes.

A `NameConfig` is what the C library of a place reads before it asks anybody: resolv.conf(5), hosts(5) and
nsswitch.conf(5). A `Resolver` is a program that answers DNS by a socket, with what it knows by itself and whom it asks.
A `NameLookup` is the walk of one name through them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from engine.model.address import IPAddress
from engine.model.ref import Ref
from engine.records import dataclass

if TYPE_CHECKING:
    from engine.model.trace import Conversation

#: The port that DNS is asked on (RFC 1035, 4.2).
DNS_PORT = 53


class Libc(StrEnum):
    """The C libraries that look names up in ways of their own."""

    GLIBC = "glibc"
    MUSL = "musl"


@dataclass(frozen=True, slots=True)
class HostsLine:
    """A line of a hosts(5) file: an address and its names. `number` counts from 1."""

    address: IPAddress
    names: tuple[str, ...]
    number: int = 0


@dataclass(frozen=True, slots=True)
class NameConfig:
    """How processes of one place look names up: those of a container, or those of a namespace that are in none.

    `container` is its id, "" for the namespace's own. `sources` are the words of nsswitch.conf's line for hosts.
    `servers`, `search`, `ndots`, `timeout` (seconds) and `attempts` are those of resolv.conf. `beyond` are the servers
    that an engine's own resolver, which is the one server then, asks in turn; those in `from_host` it asks from its own
    namespace.
    """

    netns: str
    container: str = ""
    hosts: tuple[HostsLine, ...] = ()
    sources: tuple[str, ...] = ("files", "dns")
    servers: tuple[IPAddress, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: int = 5
    attempts: int = 2
    libc: Libc = Libc.GLIBC
    beyond: tuple[IPAddress, ...] = ()
    from_host: tuple[IPAddress, ...] = ()
    hostname: str = ""
    hosts_file: str = "/etc/hosts"
    resolv_file: str = "/etc/resolv.conf"
    unread: str = ""


@dataclass(frozen=True, slots=True)
class NameRecord:
    """A name that a resolver answers by itself; one that begins with a dot is of the domain and all names in it, a dot
    alone of all names, an empty one of all names without a dot. No address: it says that there is none of that name, or
    asks the `servers` of that domain."""

    name: str
    addresses: tuple[IPAddress, ...] = ()
    servers: tuple[IPAddress, ...] = ()

    def covers(self, name: str) -> bool:
        """Whether it is about that name."""
        if not self.name:
            return "." not in name
        return self.name in (name, ".") or (self.name.startswith(".") and f".{name}".endswith(self.name))


@dataclass(frozen=True, slots=True)
class Zone:
    """Records that a resolver has for some clients: those of a network of an engine, or all (`clients` is empty).

    `servers` are asked for other names on behalf of these clients, where they are not the resolver's own; `closed` says
    that none are, since the network leads nowhere else.
    """

    network: str = ""
    clients: tuple[IPAddress, ...] = ()
    records: tuple[NameRecord, ...] = ()
    servers: tuple[IPAddress, ...] = ()
    closed: bool = False

    def has(self, name: str) -> bool:
        """Whether a record is of exactly this name."""
        return any(record.name == name for record in self.records)


@dataclass(frozen=True, slots=True)
class Resolver:
    """A program that answers DNS in a namespace: what it knows, and the `servers` that it asks for everything else.

    `known` says that its configuration was read and understood as a whole.
    """

    netns: str
    pid: int
    program: str
    zones: tuple[Zone, ...] = ()
    servers: tuple[IPAddress, ...] = ()
    known: bool = True


class NameSymptom(StrEnum):
    """What one step of a look-up comes to."""

    FOUND = "found"
    #: There is no such name (NXDOMAIN).
    NO_NAME = "no-such-name"
    #: There is such a name, without an address of the kind that was asked for.
    NO_ADDRESS = "no-address"
    #: The server says that it cannot tell (SERVFAIL).
    SERVER_FAILURE = "server-failure"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    #: What the server would say is not in the snapshot.
    UNKNOWN = "unknown"


class NamedBy(StrEnum):
    """Who answers a step of a look-up."""

    HOSTS = "hosts"
    DOCKER = "docker"
    AARDVARK = "aardvark"
    LOCAL = "local"
    DNS = "dns"


@dataclass(frozen=True, slots=True)
class NameStep:
    """One question of a look-up: who was asked for which name, and what came of it.

    `at` is the object that decided: a line of a hosts file, a resolver's socket, a container. `query` is the packet's
    conversation where one was sent. `seconds` is what the client waits for it.
    """

    by: NamedBy
    name: str
    symptom: NameSymptom
    server: IPAddress | None = None
    answer: tuple[IPAddress, ...] = ()
    at: Ref | None = None
    query: Conversation | None = None
    network: str = ""
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class NameAnswer:
    """What a server outside the snapshot was heard to say about a name: the symptom, and all of its addresses."""

    server: IPAddress
    name: str
    symptom: NameSymptom
    addresses: tuple[IPAddress, ...] = ()


@dataclass(frozen=True, slots=True)
class NameLookup:
    """How a source looks up a name. `addresses` are in the order in which a client tries them (RFC 6724), `used` is
    that which the conversation is about; both are empty where the name has none, or where that is not known.

    `meant` is the address of the container that has this name, where the source itself does not find it.
    """

    asked: str
    source: str
    order: tuple[NameStep, ...] = ()
    addresses: tuple[IPAddress, ...] = ()
    used: IPAddress | None = None
    meant: IPAddress | None = None

    @property
    def found(self) -> bool:
        """Whether the source gets an address."""
        return bool(self.addresses)

    @property
    def last(self) -> NameStep | None:
        """The step that decided: the one that found it, else the one that says most about why nothing did."""
        if not self.order:
            return None
        return next((step for step in self.order if step.symptom is NameSymptom.FOUND), _telling(self.order))

    @property
    def unknown(self) -> bool:
        """Whether an answer that the snapshot does not show decides."""
        return not self.found and any(step.symptom is NameSymptom.UNKNOWN for step in self.order)

    @property
    def seconds(self) -> int:
        """What the client waits before it knows."""
        return sum(step.seconds for step in self.order)


def _telling(order: tuple[NameStep, ...]) -> NameStep:
    """Of steps that found nothing, the first that has a reason of its own; else the last that was asked."""
    plain = (NameSymptom.NO_NAME, NameSymptom.NO_ADDRESS)
    return next((step for step in order if step.symptom not in plain), order[-1])
