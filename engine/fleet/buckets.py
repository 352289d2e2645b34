"""The rows of some hosts as one Parquet file, of which only what changed is answered again.

The file's own metadata say of which snapshots its rows are, by a digest each, for which zones, and by which version of
portscope. Same hosts, zones and version: the same bytes, from any worker.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from hashlib import blake2b
from importlib import metadata
from typing import Any, NamedTuple

from engine.fleet.answering import answered, rows
from engine.fleet.between import Others, from_others, none
from engine.fleet.errors import FleetError, FleetMissing
from engine.fleet.place import Place, text_of
from engine.fleet.rows import SCHEMA, Row
from engine.fleet.zones import ClientZone
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import RecordingError, loads
from engine.path.world import World
from engine.records import replace

_KEY = b"portscope"

#: How a snapshot, as JSON, becomes the rows of a host. Raises RecordingError.
Answering = Callable[[str, str, Sequence[ClientZone], Others], Iterable[Row]]


class Done(NamedTuple):
    """What a bucket took: hosts that were answered, and cells; hosts that stayed as they were; hosts that could not be
    answered, each with the reason."""

    answered: int = 0
    cells: int = 0
    kept: int = 0
    failed: tuple[tuple[str, str], ...] = ()


def alone(text: str, host: str, zones: Sequence[ClientZone], others: Others = none) -> Iterator[Row]:
    """The rows of a host, each of them walked. Raises RecordingError."""
    snapshot = loads(text)
    return rows(snapshot, host, zones, partial(answered, World(snapshot)), from_others(snapshot, host, others))


def zone_host(place: Place, zone: ClientZone) -> Snapshot:
    """The snapshot of the host that a zone is. Raises FleetError."""
    try:
        return loads(text_of(place.packed(zone.host)))
    except (FleetError, RecordingError) as error:
        raise FleetError(f"zone {zone.name!r} is the host {zone.host!r}: {error}") from None


def digested(place: Place, zone: ClientZone) -> ClientZone:
    """A zone with the digest of the host that it is, if it is one. Raises FleetError where that cannot be read."""
    if not zone.host:
        return zone
    zone_host(place, zone)
    return replace(zone, digest=_file(place, zone.host)[1])


def answer_bucket(
    place: Place, number: int, hosts: Sequence[str], zones: Sequence[ClientZone], answering: Answering
) -> Done:
    """Brings the rows of a bucket up to date; `hosts` are all that are in it, in order. Raises FleetError."""
    if not hosts:
        place.drop_bucket(number)
        return Done()
    known, earlier = _earlier(place, number, zones)
    others = cache(lambda zone: zone_host(place, zone))
    made: list[Row] = []
    digests: dict[str, str] = {}
    count, cells, failed = 0, 0, []
    for host in hosts:
        data, digest = _file(place, host)
        digests[host] = digest
        if known.get(host) == digest:
            made += earlier[host]
            continue
        own = _rows(data, host, lambda text, host: answering(text, host, zones, others))
        made += own
        count, cells = count + 1, cells + sum(1 for row in own if row.zone)
        failed += [(host, row.gap) for row in own if not row.zone and row.gap]
    if count or set(known) != set(hosts):
        place.write_bucket(number, _packed(made, _facts(zones, digests)))
    return Done(count, cells, len(hosts) - count, tuple(failed))


def table(rows: Iterable[Row]) -> Any:
    """Rows as a table of Arrow, with the columns of `Row`. Raises FleetMissing."""
    arrow = _arrow()
    columns = list(zip(*rows, strict=True)) or [()] * len(Row._fields)
    return arrow.table(
        [arrow.array(column, kind) for column, kind in zip(columns, _kinds(arrow), strict=True)], _names()
    )


def schema() -> Any:
    """The columns, for an empty fleet. Raises FleetMissing."""
    return table(()).schema


def _names() -> list[str]:
    return list(Row._fields)


def _kinds(arrow: Any) -> list[Any]:
    return [arrow.int32() if name == "port" else arrow.string() for name in Row._fields]


def _arrow() -> Any:
    try:
        import pyarrow  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        raise FleetMissing("pyarrow") from None
    return pyarrow


def _packed(made: list[Row], facts: Mapping[str, Any]) -> bytes:
    stream, arrow = io.BytesIO(), _arrow()
    text = json.dumps(facts, sort_keys=True).encode()
    arrow.parquet.write_table(table(made).replace_schema_metadata({_KEY: text}), stream, compression="zstd")
    return stream.getvalue()


def _facts(zones: Sequence[ClientZone], digests: Mapping[str, str]) -> dict[str, Any]:
    """What rows depend on."""
    return {"schema": SCHEMA, "by": metadata.version("portscope"), "zones": [*map(str, zones)], "hosts": dict(digests)}


def _earlier(place: Place, number: int, zones: Sequence[ClientZone]) -> tuple[dict[str, str], dict[str, list[Row]]]:
    """The hosts whose rows are there, with the digests of their snapshots, and the rows; none where they are of other
    zones, or of another version."""
    parquet, path = _arrow().parquet, place.bucket(number)
    if path not in place.buckets():
        return {}, {}
    try:
        with place.filesystem.open(path, "rb") as stream:
            found = parquet.read_table(stream)
        facts = json.loads((found.schema.metadata or {}).get(_KEY, b"{}"))
    except (OSError, ValueError):  # half a file of another tool: all of it is answered again
        return {}, {}
    if facts != _facts(zones, facts.get("hosts", {})) or found.column_names != _names():
        return {}, {}
    earlier: dict[str, list[Row]] = {}
    for values in zip(*(column.to_pylist() for column in found.columns), strict=True):
        earlier.setdefault(values[0], []).append(Row(*values))
    return {host: digest for host, digest in facts["hosts"].items() if digest}, _all(facts["hosts"], earlier)


def _all(hosts: Iterable[str], earlier: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Rows by host, also of hosts that have none: no port is open there."""
    return {host: earlier.get(host, []) for host in hosts}


def _file(place: Place, host: str) -> tuple[bytes | FleetError, str]:
    """A host's file and its digest; why there is none, and no digest."""
    try:
        data = place.packed(host)
    except FleetError as error:
        return error, ""
    return data, blake2b(data, digest_size=16).hexdigest()


def _rows(data: bytes | FleetError, host: str, answering: Callable[[str, str], Iterable[Row]]) -> list[Row]:
    try:
        if isinstance(data, FleetError):
            raise data
        return list(answering(text_of(data), host))
    except (FleetError, RecordingError) as error:
        return [Row(host, gap=str(error))]
