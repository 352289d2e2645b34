"""A fleet's folder: `hosts/NAME.json.gz`, a snapshot each, and `reach/BUCKET.parquet`, the rows.

It is a local path or any URL that fsspec knows. Files appear whole: what is written gets its name when it is complete.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from engine.fleet.errors import FleetError, FleetMissing
from engine.model.host import Snapshot
from engine.observe.recording.snapshot_file import LARGEST, RecordingError, dumps, unpacked

SCHEMA = "portscope.fleet/1"
MARK, HOSTS, ROWS = "fleet.json", "hosts", "reach"
_SUFFIX, _PARQUET, _PART = ".json.gz", ".parquet", ".part"
#: How many files the rows of a fleet are in; a host is always in the same one.
BUCKETS = 256
#: Characters of the longest name of a host.
LONGEST_NAME = 200


class Place:
    """A fleet's folder. Raises FleetError where it cannot be read, or is something else."""

    def __init__(self, where: str, *, make: bool = False) -> None:
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415
        except ImportError:
            raise FleetMissing("fsspec") from None
        self.where = where
        try:
            self._files, self._root = url_to_fs(where, auto_mkdir=True)
            self._check(make)
        except (OSError, ValueError, ImportError) as error:
            raise FleetError(f"{where} cannot be read: {_reason(error)}") from None

    def _check(self, make: bool) -> None:
        mark = f"{self._root}/{MARK}"
        if self._files.exists(mark):
            document = _document(self._files.cat_file(mark))
            if document.get("schema") != SCHEMA or document.get("buckets") != BUCKETS:
                raise FleetError(f"{self.where} is a fleet of another version: {document.get('schema')!r:.60}")
        elif not make:
            raise FleetError(f"{self.where} is no fleet: 'portscope fleet add {self.where} FILE …' makes one")
        elif self._files.exists(self._root) and self._files.ls(self._root):
            raise FleetError(f"{self.where} has other files in it: name an empty folder, or one that is not there")
        else:
            self._write(mark, json.dumps({"schema": SCHEMA, "buckets": BUCKETS}).encode() + b"\n")

    # --- snapshots ------------------------------------------------------------------------------------------

    def hosts(self) -> list[str]:
        """The names of the hosts, in order."""
        return sorted(unquote(name.removesuffix(_SUFFIX)) for name in self._names(HOSTS) if name.endswith(_SUFFIX))

    def add(self, name: str, snapshot: Snapshot) -> None:
        """Keeps a host's snapshot, in the place of the one before. Raises FleetError."""
        if not 0 < len(name) <= LONGEST_NAME:
            raise FleetError(f"the host's name has {len(name)} characters: give it one of 1 to {LONGEST_NAME}")
        data = gzip.compress(dumps(snapshot).encode("ascii"), compresslevel=6, mtime=0)
        self._put(self._host(name), data)

    def packed(self, name: str) -> bytes:
        """A host's file. Raises FleetError."""
        try:
            if self._files.size(self._host(name)) > LARGEST:
                raise FleetError(f"its snapshot is larger than {LARGEST >> 20} MiB")
            data: bytes = self._files.cat_file(self._host(name))
        except OSError as error:
            raise FleetError(f"its snapshot cannot be read: {_reason(error)}") from None
        return data

    def _host(self, name: str) -> str:
        return f"{self._root}/{HOSTS}/{quote(name, safe='')}{_SUFFIX}"

    # --- rows -----------------------------------------------------------------------------------------------

    def buckets(self) -> list[str]:
        """The files of rows, as paths of `filesystem`."""
        return [f"{self._root}/{ROWS}/{name}" for name in sorted(self._names(ROWS)) if name.endswith(_PARQUET)]

    @property
    def filesystem(self) -> Any:
        """The file system of fsspec that the folder is in."""
        return self._files

    def bucket(self, number: int) -> str:
        """The path of a file of rows."""
        return f"{self._root}/{ROWS}/{number:03}{_PARQUET}"

    def write_bucket(self, number: int, data: bytes) -> None:
        """Writes a file of rows, whole. Raises FleetError."""
        self._put(self.bucket(number), data)

    def drop_bucket(self, number: int) -> None:
        """Removes a file of rows, where it is there."""
        if self._files.exists(self.bucket(number)):
            self._files.rm_file(self.bucket(number))

    def _names(self, folder: str) -> Iterator[str]:
        path = f"{self._root}/{folder}"
        if self._files.exists(path):
            yield from (str(each).rsplit("/", 1)[-1] for each in self._files.ls(path, detail=False))

    def _put(self, path: str, data: bytes) -> None:
        try:
            self._write(path, data)
        except OSError as error:
            raise FleetError(f"{self.where} cannot be written: {_reason(error)}") from None

    def _write(self, path: str, data: bytes) -> None:
        part = path + _PART
        self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        self._files.pipe_file(part, data)
        self._files.mv(part, path)


def bucket_of(host: str) -> int:
    """The number of the file in which a host's rows are."""
    return int.from_bytes(blake2b(host.encode(), digest_size=4).digest(), "big") % BUCKETS


def text_of(data: bytes) -> str:
    """The snapshot in a host's file, as JSON. Raises FleetError."""
    try:
        return unpacked("its snapshot", data).decode("utf-8")
    except UnicodeDecodeError:
        raise FleetError("its snapshot is not text") from None
    except RecordingError as error:
        raise FleetError(str(error)) from None


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _reason(error: Exception) -> str:
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
