"""Which programs keep a port on behalf of a container, and where each passes a connection on to.

1. Pure: a program's name and its argument list in, a `RelayProgram` out. Who reads argument lists is
   `processes`, and it reads those of the programs in `PROGRAMS` only.
2. Of an argument list only addresses and ports are kept, because a command line may hold anything.
3. One program can keep many ports, so where a connection goes is a question about one listener:
   `RelayProgram.relay_for` answers it.
4. A target of None means "passes nothing on" for silent programs (`Relay.silent`), and "not known" for the others.

Sources: docker-proxy and the port allocator of moby (cmd/docker-proxy, daemon/libnetwork/portmappers);
passt(1); rootlesskit's pkg/port/builtin; Podman's libpod/oci_conmon_common.go, which leaves bound sockets to
conmon so that no other program takes the port.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.packet import Protocol
from engine.model.traffic import SILENT_RELAYS, Relay
from engine.records import dataclass


@dataclass(frozen=True, slots=True)
class RelayForward:
    """Ports `first` to `last` (inclusive) go to `target` (None: same address, inside), from port `port` on."""

    first: int
    last: int
    port: int
    protocol: Protocol | None = None
    target: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class RelayProgram:
    """A relay as its command line describes it; `forwards` is empty where the command line does not tell."""

    kind: str
    forwards: tuple[RelayForward, ...] = ()

    @property
    def holds_only_published(self) -> bool:
        """Whether the program relays published ports only, and may have listeners of its own beside them."""
        return self.kind in SILENT_RELAYS

    def relay_for(self, protocol: Protocol, port: int) -> Relay:
        """What this program does with a connection to `port`."""
        for forward in self.forwards:
            if forward.protocol in (None, protocol) and forward.first <= port <= forward.last:
                return Relay(self.kind, forward.target, forward.port + port - forward.first)
        return Relay(self.kind)


def program_of(name: str, argv: Sequence[str]) -> RelayProgram | None:
    """The relay that a process with this name (/proc/PID/comm) and argument list is, None if it is none."""
    known = _known(name)
    return RelayProgram(known, PROGRAMS[known](argv)) if known else None


def is_relay(name: str) -> bool:
    """Whether a process of this name is a relay, so that its command line is worth reading."""
    return _known(name) is not None


def _known(name: str) -> str | None:
    """The key of `PROGRAMS` for a process name: a CPU variant ("pasta.avx2") is the program itself."""
    plain = name.partition(".")[0]
    return plain if plain in PROGRAMS else None


def _docker_proxy(argv: Sequence[str]) -> tuple[RelayForward, ...]:
    """`-proto tcp -host-ip H -host-port P -container-ip A -container-port Q [-use-listen-fd]`."""
    options = _options(argv, {"proto", "host-port", "container-ip", "container-port"})
    try:
        port = int(options["host-port"])
        target = ip_address(options["container-ip"])
        protocol = Protocol(options.get("proto", "tcp"))
        return (RelayForward(port, port, int(options["container-port"]), protocol, target),)
    except (KeyError, ValueError):
        return ()


def _options(argv: Sequence[str], names: set[str]) -> dict[str, str]:
    """Values of the named options, written `-name value`, `--name value` or with `=` (Go's flag package)."""
    found: dict[str, str] = {}
    for position, word in enumerate(argv):
        name, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and name in names:
            found[name] = value if equals else next(iter(argv[position + 1 : position + 2]), "")
    return found


_PASTA_OPTIONS = {"-t": Protocol.TCP, "--tcp-ports": Protocol.TCP, "-u": Protocol.UDP, "--udp-ports": Protocol.UDP}


def _pasta(argv: Sequence[str]) -> tuple[RelayForward, ...]:
    """`-t` and `-u` of passt(1): `[ADDRESS[%IFACE]/]PORTS[:PORTS]` and lists of these, or none, all, auto."""
    forwards: list[RelayForward] = []
    for position, word in enumerate(argv):
        option, equals, value = word.partition("=")
        if option in _PASTA_OPTIONS:
            spec = value if equals else next(iter(argv[position + 1 : position + 2]), "")
            ports = spec.rpartition("/")[2]
            forwards += [found for part in ports.split(",") if (found := _pasta_ports(part, _PASTA_OPTIONS[option]))]
    return tuple(forwards)


def _pasta_ports(text: str, protocol: Protocol) -> RelayForward | None:
    """`22`, `22:23`, `22-25`, `22-25:32-35`; None for words, exclusions (`~22`) and nonsense."""
    outer, _, inner = text.partition(":")
    try:
        first, last = _port_range(outer)
        return RelayForward(first, last, _port_range(inner)[0] if inner else first, protocol)
    except ValueError:
        return None


def _port_range(text: str) -> tuple[int, int]:
    """`22` or `22-25` as two numbers; a ValueError for anything else."""
    low, dash, high = text.partition("-")
    return int(low), int(high if dash else low)


def _portscope_relay(argv: Sequence[str]) -> tuple[RelayForward, ...]:
    """A lab's stand-in for docker-proxy: after its name and namespace, `PROTOCOL ADDRESS PORT TARGET PORT …` each."""
    forwards = []
    for word in argv:
        parts = word.split()
        if len(parts) in (5, 6) and parts[0] in ("tcp", "udp"):
            try:
                port = int(parts[2])
                forwards.append(RelayForward(port, port, int(parts[4]), Protocol(parts[0]), ip_address(parts[3])))
            except ValueError:
                continue
    return tuple(forwards)


def _untold(_argv: Sequence[str]) -> tuple[RelayForward, ...]:
    """For programs that get their ports by a pipe or a socket, not by arguments."""
    return ()


#: By process name (15 characters, as the kernel cuts it): what its arguments say.
PROGRAMS: dict[str, Callable[[Sequence[str]], tuple[RelayForward, ...]]] = {
    "docker-proxy": _docker_proxy,
    "portscope-relay": _portscope_relay,
    "pasta": _pasta,
    "passt": _pasta,
    "rootlessport": _untold,
    "rootlesskit": _untold,
    "slirp4netns": _untold,
    "conmon": _untold,
    "dockerd": _untold,
}
