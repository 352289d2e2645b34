"""Snapshots as files: a versioned JSON document, the same bytes for the same snapshot, read back equal.

1. The document is {"schema": "portscope.snapshot/1", …fields of Snapshot}; `codec` knows how.
2. Each entry of a list (a link, a route, a rule) has a line of its own (`layout`), so that recordings can be compared
   line by line.
3. A file comes from anywhere: what is not a recording is refused with a `RecordingError` of one line that
   says what is wrong and where. An unknown field is refused too, because it might decide an answer, and so is a field
   that comes twice. A file that is larger than `LARGEST` is refused by its size, before it is read, and one that gzip
   packed is read no further.
4. Files are written whole or not at all.
5. What a part says of another one that is not in the file is taken out, with a gap (`references`).
6. A case (what `why --save-case` writes), and a report with a snapshot in it, is read as that snapshot.
"""

from __future__ import annotations

import io
import json
import os
import stat
from typing import Any

from engine.model.host import Snapshot
from engine.observe.base.files import write_whole
from engine.observe.base.garbage import uncollected
from engine.observe.recording.codec import codec_of
from engine.observe.recording.codec_values import Unreadable
from engine.observe.recording.json_layout import written
from engine.observe.recording.references import sound
from engine.observe.recording.snapshot_places import CASE, PAGE, REPORT, of_page

SCHEMA = "portscope.snapshot/1"
_FAMILY, _VERSION = "portscope.snapshot", 1
#: How a file begins that was collected by the shell script.
COLLECTED = b"portscope-collected/"
#: How a file begins that gzip packed (RFC 1952).
GZIP = b"\x1f\x8b"
#: Bytes of the largest file that is read.
LARGEST = 256 * 1024 * 1024


class RecordingError(ValueError):
    """A recording cannot be read or written; the message is one line that says why."""


@uncollected()
def dumps(snapshot: Snapshot) -> str:
    """The snapshot as a JSON document that ends with a newline."""
    return written(snapshot, SCHEMA)


@uncollected()
def loads(text: str) -> Snapshot:
    """The snapshot in a document. Raises RecordingError."""
    if len(text) > LARGEST:
        raise RecordingError(f"the recording is larger than {LARGEST >> 20} MiB")
    try:
        document = json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
    except _Twice as error:
        raise RecordingError(f"the recording has the field {error.args[0]!r:.60} twice in one place") from None
    except RecursionError:
        raise RecordingError("the recording is nested too deep to be a snapshot") from None
    except json.JSONDecodeError as error:
        what = "ends too early" if error.pos >= len(text.rstrip()) else "is not JSON"
        raise RecordingError(f"the recording {what}: {error.msg} at line {error.lineno}") from None
    except ValueError as error:
        raise RecordingError(f"the recording holds a number that is none: {error}") from None
    if isinstance(document, dict) and document.get("schema") in (CASE, REPORT):
        if "snapshot" not in document:
            raise RecordingError("this report has no snapshot in it: 'portscope report --embed' writes one that has")
        document = document["snapshot"]
    _check_schema(document)
    del document["schema"]
    try:
        snapshot: Snapshot = codec_of(Snapshot).read(document)
    except Unreadable as error:
        where = f" at {error.place}" if error.place else ""
        raise RecordingError(f"the recording is damaged{where}: {error.reason}") from None
    return sound(snapshot)


def save(snapshot: Snapshot, path: str | os.PathLike[str], *, overwrite: bool = True) -> None:
    """Writes the snapshot to a file, whole or not at all. Raises RecordingError.

    With `overwrite` false a file that exists is kept. What exists and is no plain file (a pipe, a
    terminal) is written to as it is.
    """
    try:
        write_whole(path, dumps(snapshot).encode("ascii"), overwrite=overwrite)
    except FileExistsError:
        raise RecordingError(f"{os.fspath(path)} exists already; it is kept") from None
    except OSError as error:
        raise RecordingError(f"cannot write {os.fspath(path)}: {error.strerror or error}") from None


def open_file(path: str | os.PathLike[str]) -> Snapshot:
    """The snapshot in a file. Raises RecordingError, whose message begins with the path."""
    name = os.fspath(path)
    try:
        with open(path, "rb", opener=_at_once) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise RecordingError(f"{name} is not a file")
            data = b"" if status.st_size > LARGEST else stream.read(LARGEST + 1)
    except OSError as error:
        raise RecordingError(f"{name} cannot be read: {error.strerror or error}") from None
    if max(len(data), status.st_size) > LARGEST:
        raise RecordingError(f"{name}: the recording is larger than {LARGEST >> 20} MiB")
    if data.startswith(GZIP):
        data = unpacked(name, data)
    if data.startswith(COLLECTED):
        return _collected(name, data)
    try:
        text = data.decode("utf-8")
        if data.startswith(PAGE):
            text = of_page(text) or f'{{"schema": "{REPORT}"}}'
        return loads(text)
    except UnicodeDecodeError:
        raise RecordingError(f"{name}: the recording is not text") from None
    except RecordingError as error:
        raise RecordingError(f"{name}: {error}") from None


def unpacked(name: str, data: bytes) -> bytes:
    """What gzip packed, up to the size that is read at all. Raises RecordingError, which begins with the name."""
    import gzip  # noqa: PLC0415 - most files are as they were written
    import zlib  # noqa: PLC0415

    try:
        with gzip.open(io.BytesIO(data)) as stream:
            found = stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(f"{name} cannot be unpacked: {error}") from None
    if len(found) > LARGEST:
        raise RecordingError(f"{name}: the recording is larger than {LARGEST >> 20} MiB")
    return found


def _collected(name: str, data: bytes) -> Snapshot:
    """The snapshot in a file that the script of `engine.observe.collected` wrote."""
    from engine.observe.collected.sections import CollectedError  # noqa: PLC0415 - most files are recordings
    from engine.observe.collected.snapshot import loads as read  # noqa: PLC0415

    try:
        return read(data.decode("utf-8", "replace"))
    except CollectedError as error:
        raise RecordingError(f"{name}: {error}") from None


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for somebody to write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _check_schema(document: object) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or schema.partition("/")[0] != _FAMILY:
        raise RecordingError(f"this is not a snapshot: its schema is {schema!r:.60}, not {SCHEMA!r}")
    version = schema.partition("/")[2]
    if version.isdecimal() and len(version) < 10 and int(version) > _VERSION:
        raise RecordingError(f"the recording is of version {version}; this portscope reads up to {_VERSION}: update it")
    if schema != SCHEMA:
        raise RecordingError(f"the recording is of an unknown version: {schema!r:.60}")


def _no_number(word: str) -> Any:
    raise ValueError(word)


class _Twice(ValueError):
    """A field of an object comes twice, and it is not clear which one counts."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found
