"""hosts(5), resolv.conf(5) and nsswitch.conf(5) as nouns: pure, and never surprised by what is in them.

A line that is not understood is left out, as the C library does. Docker writes the servers that its own resolver asks
into a comment of resolv.conf; those in `host(…)` it asks from its own namespace (moby, libnetwork/internal/resolvconf).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.model.address import IPAddress
from engine.model.application.naming import HostsLine
from engine.records import dataclass, field

#: More lines of a hosts file are not looked at.
MOST_LINES = 20_000
#: glibc takes as many servers (resolv.h, MAXNS) and caps these (RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY).
MOST_SERVERS, MOST_NDOTS, MOST_TIMEOUT, MOST_ATTEMPTS = 3, 15, 30, 5
_EXTERNAL = "# ExtServers:"
#: Where the C library asks when no server is named: its own machine (resolv.conf(5)).
_OWN = ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """What a resolv.conf says. `beyond` and `from_host` are those of `NameConfig`."""

    servers: tuple[IPAddress, ...] = (_OWN,)
    search: tuple[str, ...] = ()
    options: dict[str, int] = field(default_factory=dict)
    beyond: tuple[IPAddress, ...] = ()
    from_host: tuple[IPAddress, ...] = ()


def parse_hosts(text: str) -> tuple[HostsLine, ...]:
    """The lines of a hosts file that name an address."""
    found = []
    for number, line in enumerate(text.split("\n", MOST_LINES)[:MOST_LINES], 1):
        words = line.partition("#")[0].split()
        address = _address(words[0]) if len(words) > 1 else None
        if address is not None:
            found.append(HostsLine(address, tuple(word.lower().rstrip(".") for word in words[1:]), number))
    return tuple(found)


def parse_resolv_conf(text: str) -> ResolvConf:
    """The last `search` or `domain` counts, and the first three servers. An address that is none is left out."""
    servers: list[IPAddress] = []
    search: tuple[str, ...] = ()
    options: dict[str, int] = {}
    beyond: list[IPAddress] = []
    from_host: list[IPAddress] = []
    for line in text.splitlines():
        if line.startswith(_EXTERNAL):
            for word in line.removeprefix(_EXTERNAL).strip(" []").split():
                found = _address(word.removeprefix("host(").rstrip(")"))
                if found is not None:
                    beyond.append(found)
                    from_host += [found] if word.startswith("host(") else []
        if line.startswith(("#", ";")):
            continue
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and (found := _address(words[1])) is not None:
            servers.append(found)
        elif len(words) > 1 and words[0] in ("search", "domain"):
            names = words[1:] if words[0] == "search" else words[1:2]
            search = tuple(name.rstrip(".").lower() for name in names if name.rstrip("."))
        elif words[:1] == ["options"]:
            options.update(_options(words[1:]))
    return ResolvConf(tuple(servers[:MOST_SERVERS]) or (_OWN,), search, options, tuple(beyond), tuple(from_host))


def _options(words: list[str]) -> Iterator[tuple[str, int]]:
    most = {"ndots": MOST_NDOTS, "timeout": MOST_TIMEOUT, "attempts": MOST_ATTEMPTS}
    for word in words:
        name, _, value = word.partition(":")
        if name in most and value.isascii() and value.isdecimal():
            yield name, min(int(value[:4]), most[name])


def parse_nsswitch(text: str) -> tuple[str, ...]:
    """The words of the line for hosts, an action in brackets as one; glibc's own order where there is none."""
    for line in text.splitlines():
        database, colon, rest = line.partition("#")[0].partition(":")
        if colon and database.strip() == "hosts":
            return tuple(_sources(rest.lower()))
    return ("files", "dns")


def _sources(rest: str) -> Iterator[str]:
    while rest := rest.strip():
        if rest.startswith("["):
            action, _, rest = rest[1:].partition("]")
            yield f"[{action.replace(' ', '')}]"
        else:
            word = rest.split()[0].partition("[")[0]
            yield word
            rest = rest[len(word) :]


def _address(text: str) -> IPAddress | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
