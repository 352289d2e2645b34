"""What a lab runs: commands of an administrator, queueing disciplines, servers, relays, a resolver, own programs.

Sources: tc-tbf(8), tc-netem(8).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.application import lab_resolver
from engine.model.application.lab_resolver import NameDoor
from engine.model.application.naming import Zone
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Change
from engine.model.where import Argv, Argvs, Where
from engine.records import dataclass, replace

ROOT_NETNS = "/proc/1/ns/net"


@dataclass(frozen=True, slots=True)
class Command(Change):
    """A command line as it stands, run in a namespace; `back` is the one that undoes it, () where none does."""

    netns: str
    words: Argv
    back: Argv = ()

    def argv(self, where: Where) -> Argvs:
        """The command line, in its namespace."""
        return ((*where.enter(self.netns), *self.words),)

    def inverse(self, before: Snapshot | None = None) -> Change | None:  # noqa: ARG002
        """The command that undoes it."""
        return Command(self.netns, self.back, self.words) if self.back else None


@dataclass(frozen=True, slots=True)
class Shape(Change):
    """Slows down what leaves by a link: `rate` in bit/s (None: unlimited), `delay` in ms, `loss` in percent.

    A rate alone is a token bucket (tc-tbf(8)); delay and loss need tc-netem(8).
    """

    netns: str
    link: str
    rate: int | None = None
    delay: float = 0.0
    loss: float = 0.0

    def argv(self, where: Where) -> Argvs:
        """`tc qdisc replace`."""
        return ((*where.enter(self.netns), "tc", "qdisc", "replace", "dev", self.link, "root", *self.qdisc),)

    @property
    def qdisc(self) -> Argv:
        """The queueing discipline in tc(8)'s words. A bucket holds 10 ms of its rate, and a packet at least."""
        if self.delay or self.loss:
            delay = ("delay", f"{self.delay:g}ms") if self.delay else ()
            loss = ("loss", f"{self.loss:g}%") if self.loss else ()
            rate = ("rate", f"{self.rate}bit") if self.rate else ()
            return ("netem", *delay, *loss, *rate)
        rate_bits = self.rate or 0
        return ("tbf", "rate", f"{rate_bits}bit", "burst", str(max(rate_bits // 800, 1600)), "latency", "50ms")

    def holds(self, snapshot: Snapshot) -> bool:  # noqa: ARG002
        """A snapshot does not show queueing disciplines: one is set when its link or its words are new."""
        return True


@dataclass(frozen=True, slots=True)
class SocketManner:
    """How a server's socket differs from the usual one.

    `v6only` takes no IPv4, `device` is what it is bound to, `backlog` is that of listen(2), None for the usual one.
    `queued` clients wait already. A `frozen` server never answers. `uid` owns the socket. `scope` is the index of the
    device that a link-local address is of. A `transparent` one takes what rules give it (IP_TRANSPARENT).
    """

    v6only: bool = False
    device: str = ""
    backlog: int | None = None
    queued: int = 0
    frozen: bool = False
    uid: int = 0
    scope: int = 0
    transparent: bool = False

    @property
    def words(self) -> str:
        """The differences in the words of `engine.apply.server`, "" for none."""
        return "".join(f" {name}={value:d}" for name, value in self._numbers if value) + (
            f" device={self.device}" if self.device else ""
        )

    @property
    def _numbers(self) -> tuple[tuple[str, int], ...]:
        """A backlog of 0 is one, too: it is written one higher."""
        backlog = 0 if self.backlog is None else self.backlog + 1
        flags = (("v6only", self.v6only), ("frozen", self.frozen), ("transparent", self.transparent))
        return (*flags, ("backlog", backlog), ("queued", self.queued), ("uid", self.uid), ("scope", self.scope))


@dataclass(frozen=True, slots=True)
class Serve(Change):
    """A small server in a namespace that answers each client with its name.

    One with a `manner` may be bound to an address that its namespace does not have.
    """

    netns: str
    protocol: Protocol
    address: IPAddress
    port: int
    name: str
    manner: SocketManner | None = None

    def argv(self, where: Where) -> Argvs:
        """The lab's server for this listener alone."""
        path = where.path(self.netns) or ROOT_NETNS
        return (("python3", "-P", "-m", "engine.apply.server", self.server_words(path)),)

    def server_words(self, path: str) -> str:
        """The listener in the words of `engine.apply.server`; `path` enters its namespace."""
        manner = " free=1" + self.manner.words if self.manner else ""
        return f"{path} {self.protocol} {self.address} {self.port} {self.name}{manner}"


@dataclass(frozen=True, slots=True)
class RelayPort(Change):
    """A published port is held on the host, and each connection passed on; a None target only holds it.

    `holder` is the name of the process that does so. A port of `both` at "::" takes IPv4 as well. One that is `free`
    may be held at an address that its namespace does not have.
    """

    netns: str
    protocol: Protocol
    address: IPAddress
    port: int
    target: IPAddress | None = None
    target_port: int = 0
    holder: str = "portscope-relay"
    both: bool = False
    free: bool = False

    def argv(self, where: Where) -> Argvs:
        """The lab's relay for this port alone."""
        path = where.path(self.netns) or ROOT_NETNS
        return (("python3", "-P", "-m", "engine.apply.relay", self.holder, path, self.relay_words),)

    @property
    def relay_words(self) -> str:
        """The port in the words of `engine.apply.relay`."""
        target = f" {self.target} {self.target_port}" if self.target else ""
        return f"{self.protocol} {'*' if self.both else self.address} {self.port}{target}{' free' * self.free}"


@dataclass(frozen=True, slots=True)
class Start(Change):
    """A program of the lab's own in a namespace, which ends with the lab."""

    netns: str
    words: Argv
    name: str

    def argv(self, where: Where) -> Argvs:
        """Its command line."""
        return ((*where.enter(self.netns), *self.words),)


@dataclass(frozen=True, slots=True)
class AnswerNames(Change):
    """DNS is answered at these doors, from these tables. A door's `netns` is the name of its namespace here."""

    netns: str
    tables: tuple[Zone, ...]
    doors: tuple[NameDoor, ...]

    def argv(self, where: Where) -> Argvs:
        """The lab's resolver."""
        return (("python3", "-P", "-m", "engine.apply.names", *self.resolver_words(where)),)

    def resolver_words(self, where: Where) -> Argv:
        """The tables and doors in the words of `engine.apply.names`."""
        doors = (replace(door, netns=where.path(door.netns) or ROOT_NETNS) for door in self.doors)
        return lab_resolver.words(self.tables, doors)


#: The changes that are programs.
PROGRAMS = (Serve, Start, RelayPort, AnswerNames)
