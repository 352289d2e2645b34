"""Endpoints and flows: processes, listening sockets, connection tracking entries."""

from __future__ import annotations

from engine.model.address import Family, IPAddress
from engine.model.packet import Protocol
from engine.records import dataclass

#: Programs that hold a published port and pass nothing on: their engine's rules are meant to take the packets.
SILENT_RELAYS = frozenset({"dockerd", "conmon"})


@dataclass(frozen=True, slots=True)
class Relay:
    """A process that holds a published port and opens a second connection for each one it gets.

    `kind` is the program ("docker-proxy", "rootlessport", "pasta", "conmon", "dockerd"); the target
    is None where the program keeps the port but passes nothing on (`silent`), or where it is not known.
    """

    kind: str
    target: IPAddress | None = None
    port: int | None = None

    @property
    def silent(self) -> bool:
        """Whether the program never accepts what it holds (dockerd without userland proxy, conmon)."""
        return self.kind in SILENT_RELAYS


@dataclass(frozen=True, slots=True)
class Process:
    """Who holds a socket. `state` is the letter of /proc/PID/stat (T: stopped, D: frozen).

    `container` is the id of the container whose cgroup the process is in, "" for a process of the host.
    """

    pid: int
    name: str
    state: str = "S"
    uid: int = 0
    relay: Relay | None = None
    container: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that takes packets from anyone: TCP and SCTP in LISTEN, UDP bound and unconnected.

    `address` is None for a wildcard. A wildcard IPv6 socket without `v6only` takes IPv4 too. `device` is
    the index of SO_BINDTODEVICE. `queued` and `backlog` are ss's Recv-Q and Send-Q of a TCP listener.
    An SCTP socket that is bound to several addresses is a listener for each.
    `uid` owns the socket (what owner matches look at), None where it was not read. A `transparent` one (IP_TRANSPARENT)
    may be given packets for other addresses by rules; None where that was not read.
    """

    protocol: Protocol
    family: Family
    address: IPAddress | None
    port: int
    v6only: bool = False
    device: int | None = None
    queued: int = 0
    backlog: int = 0
    inode: int = 0
    process: Process | None = None
    uid: int | None = None
    transparent: bool | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"no socket has port {self.port}")

    def __str__(self) -> str:
        host = str(self.address) if self.address else ("0.0.0.0" if self.family is Family.INET else "::")
        return f"[{host}]:{self.port}/{self.protocol}" if ":" in host else f"{host}:{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Tuple4:
    """Addresses and ports of one direction of a flow."""

    src: IPAddress
    dst: IPAddress
    sport: int | None
    dport: int | None


@dataclass(frozen=True, slots=True)
class ConntrackEntry:
    """A tracked flow: its first packet's tuple, the tuple that its replies carry, and its state."""

    protocol: Protocol
    original: Tuple4
    reply: Tuple4
    status: frozenset[str] = frozenset()
    state: str = ""
    mark: int = 0
    zone: int = 0
    timeout: int = 0
    labels: int = 0

    def __post_init__(self) -> None:
        for way in (self.original, self.reply):
            if not 0 <= (way.sport or 0) <= 65535 or not 0 <= (way.dport or 0) <= 65535:
                raise ValueError(f"a flow cannot have the ports {way.sport} and {way.dport}")
