"""The host of a target: which address a word means, and which name the source looks up.

1. An address is itself. `localhost` is the source's own machine.
2. A word that names a container means that container. In another container the same word is also a name that its own
   resolver knows or not, so it is looked up there; in a URL that look-up alone counts.
3. Any other word is a name, looked up as the source does. One without a dot is more likely a mistake, unless it is said
   in a container, in a namespace that has files of its own for names, or in a URL.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, ip_address

from engine.model.address import IPAddress
from engine.model.container import Container
from engine.model.host import Netns, Snapshot
from engine.model.verdict import Url
from engine.records import dataclass

#: The port of a URL that names none, by its scheme (IANA's service names).
URL_PORTS = {
    "http": 80,
    "https": 443,
    "ws": 80,
    "wss": 443,
    "ftp": 21,
    "ssh": 22,
    "sftp": 22,
    "smtp": 25,
    "imap": 143,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "mongodb": 27017,
    "mssql": 1433,
    "redis": 6379,
    "rediss": 6379,
    "memcached": 11211,
    "amqp": 5672,
    "amqps": 5671,
    "mqtt": 1883,
    "mqtts": 8883,
    "nats": 4222,
    "kafka": 9092,
    "ldap": 389,
    "ldaps": 636,
    "clickhouse": 9000,
    "cassandra": 9042,
    "etcd": 2379,
    "grpc": 443,
    "rtsp": 554,
    "sip": 5060,
    "git": 9418,
    "rsync": 873,
    "telnet": 23,
    "vnc": 5900,
    "rdp": 3389,
}
#: Schemes whose clients speak HTTP.
WEB = frozenset({"http", "https", "ws", "wss"})
#: A URL's scheme may have what it speaks over behind a plus sign: `postgresql+asyncpg://` (SQLAlchemy).
_DRIVER = "+"
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
#: A host's name has no more characters (RFC 1035, 2.3.4).
_LONGEST = 253
UNSPECIFIED = IPv4Address(0)


class QuestionError(ValueError):
    """The question can't be asked as it was typed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Near:
    """Who asks: from which namespace (None: a client outside), and whether a URL says what for."""

    snapshot: Snapshot
    netns: Netns | None
    url: bool = False

    @property
    def in_container(self) -> bool:
        """Whether the source is a container with a namespace of its own."""
        return self.netns is not None and self.netns.id != self.snapshot.host and bool(self._inside)

    @property
    def _inside(self) -> tuple[Container, ...]:
        return self.snapshot.containers_in(self.netns.id) if self.netns is not None else ()

    @property
    def has_names(self) -> bool:
        """Whether any word may be a name there: it is in a container, or in a namespace with files of its own."""
        if self.in_container:
            return True
        apart = self.netns is not None and self.netns.id != self.snapshot.host
        return apart and any(each.netns == self.netns.id for each in self.snapshot.name_configs if self.netns)

    @property
    def looks_up(self) -> bool:
        """Whether it is known how the source looks names up, and it does: any word may be a name there, or it was given
        a URL."""
        return bool(self.snapshot.name_configs) and (self.url or self.has_names) and self.netns is not None


@dataclass(frozen=True, slots=True)
class Host:
    """An address, and the name that the source looks up before. The address is then what is meant where the look-up
    finds none: unspecified where nothing else is."""

    address: IPAddress
    name: str = ""


def end_of_url(target: str) -> str:
    """`HOST:PORT` of a URL; any other target as it is. Raises `QuestionError`."""
    scheme, separator, rest = target.partition("://")
    port = URL_PORTS.get(scheme.lower().partition(_DRIVER)[0])
    if not separator:
        return target
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0].rpartition("@")[2]
    if not host or host.startswith(":"):
        raise QuestionError(f"target {target!r}: no host in the URL; write {scheme}://HOST[:PORT]/…")
    if host.rpartition("]")[2].count(":"):
        return host
    if port is None:
        raise QuestionError(f"target {target!r}: the port of {scheme} is not known; write {scheme}://HOST:PORT/…")
    return f"{host}:{port}"


def web_url(target: str) -> Url | None:
    """What an HTTP client asks for; None for a target that is no URL of HTTP."""
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in WEB:
        return None
    host, _, port = end_of_url(target).rpartition(":")
    path = rest[len(rest.partition("/")[0].partition("?")[0].partition("#")[0]) :].partition("#")[0]
    path = path if path.startswith("/") else f"/{path}"
    return Url(scheme.lower(), host.strip("[]").lower(), int(port), path) if port.isdecimal() else None


def host_of(near: Near, word: str, target: str) -> Host:
    """What a word of a target means. Raises `QuestionError` with one line for what can't be understood or is not
    there."""
    try:
        address: IPAddress | None = ip_address(word)
    except ValueError:
        address = None
    if address is not None:
        return Host(_one_host(address, target))
    if word == "localhost":
        return Host(ip_address("127.0.0.1"), word if near.looks_up else "")
    found = containers_named(near.snapshot, word)
    if found:
        container = find_container(near.snapshot, word)
        strict = near.url and near.in_container
        stopped = container.state not in ("running", "paused")
        if near.looks_up and near.in_container and (strict or stopped):
            return Host(UNSPECIFIED, word)
        return Host(container_address(near, container), word if near.in_container and near.looks_up else "")
    if near.snapshot.name_configs and ("." in word.rstrip(".") or near.url or near.has_names):
        return Host(UNSPECIFIED, _name(near.snapshot, word, target))
    raise QuestionError(_no_container(near.snapshot, word))


def _name(snapshot: Snapshot, word: str, target: str) -> str:
    """A word that can be a host's name."""
    if set(word) <= set("0123456789."):
        raise QuestionError(_no_container(snapshot, word))
    if len(word) > _LONGEST or not _NAME.fullmatch(word):
        raise QuestionError(f"target {target!r}: {word[:80]!r} is neither an address nor a host's name")
    return word


def _one_host(address: IPAddress, target: str) -> IPAddress:
    if address.is_unspecified or address.is_multicast:
        own = "127.0.0.1" if address.version == 4 else "[::1]"
        what = "the unspecified" if address.is_unspecified else "a multicast"
        raise QuestionError(f"target {target!r}: {address} is {what} address; write a host's, for example {own}")
    return address


def container_address(near: Near, container: Container) -> IPAddress:
    """A container's address: in a network that the client is in as well, else the first that its engine gave it.
    Raises `QuestionError` where it has none."""
    netns = netns_of(near.snapshot, container)
    own = [a.address for a in netns.addresses if a.scope == "global" and not a.address.is_loopback]
    given = [each.address for each in container.attachments if each.address is not None and each.address in own]
    beside = [
        each for each in given if near.netns is not None and any(mine.covers(each) for mine in near.netns.addresses)
    ]
    if given:
        return (beside or given)[0]
    intended = [a.address for a in container.attachments if a.address is not None]
    if own or intended:
        return (own or intended)[0]
    raise QuestionError(
        f"container {container.name} has no address of its own (network mode {container.network_mode}): "
        "write ADDRESS:PORT instead"
    )


def containers_named(snapshot: Snapshot, name: str) -> list[Container]:
    """The containers of that name, or whose id begins so, or of that Compose service."""
    named = [c for c in snapshot.containers if c.name == name]
    found = named or [c for c in snapshot.containers if len(name) >= 4 and c.id.startswith(name)]
    found = found or [c for c in snapshot.containers if c.service and c.service == name]
    return [c for c in found if c.of_host] or found


def find_container(snapshot: Snapshot, name: str) -> Container:
    """The container of that name, or whose id begins so. Raises `QuestionError` for none or several."""
    found = containers_named(snapshot, name)
    if len(found) > 1:
        which = ", ".join(f"{c.name} ({c.id[:12]}, {c.engine})" for c in found)
        raise QuestionError(f"{name!r} matches {len(found)} containers: {which}; write an id")
    if not found:
        raise QuestionError(_no_container(snapshot, name))
    return found[0]


def _no_container(snapshot: Snapshot, name: str) -> str:
    """Why there is no such container: an address that is none, an engine that could not be read, or a wrong name."""
    if set(name) <= set("0123456789."):
        return f"{name!r} is not an address, and no container has that name"
    unread = [gap for gap in snapshot.gaps if gap.source.split(" ")[0] in ("docker", "podman")]
    if unread and not snapshot.containers:
        return f"cannot look up container {name!r}: {unread[0].source}: {unread[0].reason}"
    if name in snapshot.by_id:
        return f"no container {name!r}; there is a namespace of that name: as a client it is ns:{name}"
    names = [c.name for c in snapshot.containers]
    unseen = "; how names are looked up is not in the snapshot: write the address" if "." in name else ""
    return f"no container {name!r}{did_you_mean(name, names)}{unseen}"


def netns_of(snapshot: Snapshot, container: Container) -> Netns:
    """The namespace of a running container. Raises `QuestionError`."""
    if container.state not in ("running", "paused"):
        raise QuestionError(
            f"container {container.name} is not running ({container.state}): start it with "
            f"`{' '.join(container.command or (container.engine,))} start {container.name}`, then ask again"
        )
    if container.netns is None or container.netns not in snapshot.by_id:
        raise QuestionError(f"cannot see the network namespace of container {container.name}: run as root")
    return snapshot.by_id[container.netns]


def did_you_mean(name: str, names: list[str]) -> str:
    """What was probably meant, else what there is, as the end of a message."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    near = get_close_matches(name, names, 1)
    if near:
        return f" (did you mean {near[0]}?)"
    return f"; there are: {', '.join(sorted(names)[:8])}" if names else "; none was found"
