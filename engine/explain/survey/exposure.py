"""Ports that are reached from where their owner probably did not intend: the warning list of a matrix.

Pure. Each kind of warning is a test of a row and the places that reach it. A place is outside when its client is not on
this host, or is a namespace that no container lives in; only what is reached is warned of, never what might be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.model.address import end_of
from engine.model.host import Snapshot
from engine.model.matrix import Cell, Exposure, MatrixPort, MatrixRow, PortOwner
from engine.model.verdict import Reach, Source

#: Services that have no business outside of their own network: their protocols trust whoever connects.
PRIVATE: dict[int, str] = {
    2375: "the Docker API without TLS",
    2379: "etcd",
    3306: "MySQL",
    5432: "PostgreSQL",
    5984: "CouchDB",
    6379: "Redis",
    8086: "InfluxDB",
    9200: "Elasticsearch",
    11211: "memcached",
    27017: "MongoDB",
}

Test = Callable[[Snapshot, MatrixPort], str]


def exposures(snapshot: Snapshot, rows: tuple[MatrixRow, ...]) -> tuple[Exposure, ...]:
    """All warnings, in the order of the rows."""
    return tuple(found for row in rows for found in _of_row(snapshot, row))


def _of_row(snapshot: Snapshot, row: MatrixRow) -> Iterator[Exposure]:
    outside = tuple(name for name, cell in row.cells if _reached_from_outside(snapshot, cell))
    if not outside:
        return
    for code, sentence in warnings(snapshot, row.port):
        yield Exposure(row.port, outside, code, sentence)


def warnings(snapshot: Snapshot, port: MatrixPort) -> Iterator[tuple[str, str]]:
    """What speaks against a port that is reached from outside: codes, each with a sentence."""
    for code, test in TESTS:
        sentence = test(snapshot, port)
        if sentence:
            yield code, sentence


def remedy(code: str, port: MatrixPort) -> str:
    """What ends it, in words.

    Docker drops what other hosts send to a container's own address, or to a port that is published on a loopback one,
    since 28.0, in raw/PREROUTING (docs.docker.com, "Packet filtering and firewalls").
    """
    asked = port.question
    end = end_of(asked.address, asked.port)
    if code != "EXPOSED_PRIVATE_SERVICE":
        return f"drop what other hosts send to {end}/{asked.protocol}, as Docker does since 28.0"
    if port.service is PortOwner.PUBLISHED:
        return f"publish it on this host alone: 127.0.0.1:{asked.port}:{port.serves}"
    return f"have {port.owner} listen on 127.0.0.1, or accept {asked.port}/{asked.protocol} from its clients alone"


def _reached_from_outside(snapshot: Snapshot, cell: Cell) -> bool:
    return cell.reach is Reach.YES and not _is_inside(snapshot, cell.question.source)


def _is_inside(snapshot: Snapshot, source: Source) -> bool:
    return not source.outside and (source.netns == snapshot.host or bool(snapshot.containers_in(source.netns)))


def _loopback(_: Snapshot, port: MatrixPort) -> str:
    if not port.loopback_only:
        return ""
    return f"{port.owner}'s port {port.question.port} is published on {port.question.address} only"


def _unpublished(snapshot: Snapshot, port: MatrixPort) -> str:
    """A container's own address is reached from outside, though this port is not published."""
    if port.service is not PortOwner.CONTAINER:
        return ""
    asked = port.question
    for container in snapshot.containers:
        if container.name == port.owner and any(
            one.container_port == asked.port and one.protocol is asked.protocol for one in container.published
        ):
            return f"{port.owner}'s own address {asked.address} is reachable beside its published port"
    return f"{port.owner} does not publish port {asked.port}, but its address {asked.address} is reachable"


def _internal(snapshot: Snapshot, port: MatrixPort) -> str:
    names = {network.name for network in snapshot.networks if network.internal}
    for container in snapshot.containers:
        for attachment in container.attachments if container.name == port.owner else ():
            if attachment.network in names and port.question.address in (attachment.address, attachment.address6):
                return f"{port.owner} is in the internal network {attachment.network}"
    return ""


def _private(_: Snapshot, port: MatrixPort) -> str:
    number = port.serves
    return f"port {number} is usually {PRIVATE[number]}, which trusts its network" if number in PRIVATE else ""


TESTS: tuple[tuple[str, Test], ...] = (
    ("EXPOSED_LOOPBACK_PORT", _loopback),
    ("EXPOSED_INTERNAL_NETWORK", _internal),
    ("EXPOSED_UNPUBLISHED_PORT", _unpublished),
    ("EXPOSED_PRIVATE_SERVICE", _private),
)
