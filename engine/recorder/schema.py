"""The file of a store: an SQLite database in WAL mode, what is in it, and how it is opened.

    piece   number, hash, text      the texts of `pieces`, packed by zlib; equal hashes are equal texts
    run     from when to when one recorder was at work; `seen` moves on while it is
    moment  a state of the host from a time on: when it was seen, in which run, the piece of its snapshot, what changed
    flip    a watched question whose answer became another one at a moment

Moments are in the order in which they were seen. Their times are the host's clock, which may have been set back.

`application_id` tells a store from other databases, and `user_version` is its version: a newer one is refused, an older
one is brought up to date by whoever writes it (`STEPS`). A store may come from a stranger: nothing in it is trusted to
be as it should be, and no packed text is unpacked beyond `LONGEST`.

Sources: https://sqlite.org/wal.html, https://sqlite.org/pragma.html, https://sqlite.org/security.html
"""

from __future__ import annotations

import os
import sqlite3
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from engine.recorder.errors import StoreDamaged, StoreError, StoreMissing

FILE = "store.db"
APPLICATION = 0x70736370
#: What each version adds to the one before.
STEPS = (
    """
    CREATE TABLE piece (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text BLOB NOT NULL);
    CREATE TABLE run (number INTEGER PRIMARY KEY, started TEXT NOT NULL, seen TEXT NOT NULL, host TEXT NOT NULL);
    CREATE TABLE moment (
        number INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, at TEXT NOT NULL, state INTEGER NOT NULL,
        changed BLOB NOT NULL
    );
    CREATE TABLE flip (moment INTEGER NOT NULL, ask TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL);
    CREATE INDEX flip_of ON flip (moment);
    """,
)
VERSION = len(STEPS)
#: Bytes of the longest text of a piece, unpacked.
LONGEST = 64 << 20
#: Seconds that a reader waits for a writer, and the other way round.
PATIENCE = 5.0


def open_to_read(folder: Path) -> sqlite3.Connection:
    """A store that is only read. Raises StoreError."""
    path = _there(folder)
    with errors_of(path):
        connection = _connected(path, "ro")
        version = _version(connection, path)
        if version != VERSION:
            raise StoreError(f"{path} is of version {version}: 'portscope record' brings it up to date")
        return connection


def open_to_write(folder: Path) -> sqlite3.Connection:
    """A store that is written, in a folder that is prepared. Raises StoreError."""
    path = folder / FILE
    with errors_of(path):
        connection = _connected(path, "rw")
        for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != ("ok",):
            raise StoreDamaged(f"{path} is damaged: {found[0] if found else 'it has no content'}")
        _bring_up(connection, path)
        return connection


def _there(folder: Path) -> Path:
    path = folder / FILE
    try:
        status = path.stat()
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise StoreMissing(f"{folder} has no store: 'portscope record' makes one") from None
        raise StoreError(f"{path} cannot be read: {error.strerror}; run portscope as its owner") from None
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"{path} is not a file")
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path} cannot be read: Permission denied; run portscope as its owner")
    return path


def prepare(folder: Path) -> None:
    """Makes a folder that nobody else enters, and a file in it that nobody else reads. Raises StoreError."""
    path = folder / FILE
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise StoreError(f"{folder} can be written by others: name a folder with --store that is yours alone")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; name another folder with --store") from None


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fspath(path))}?mode={mode}", uri=True, timeout=PATIENCE, isolation_level=None,
        check_same_thread=False,
    )  # fmt: skip
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of a store; 0 of a new one. Raises StoreError where it is none, or newer."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != APPLICATION:
        raise StoreDamaged(f"{path} is a database of something else, not a store of portscope")
    if version > VERSION:
        raise StoreError(f"{path} is of version {version}; this portscope knows up to {VERSION}: update it")
    return int(version)


def _bring_up(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection, path)
    if version == VERSION:
        return
    with transaction(connection):
        for step in STEPS[version:]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


class Stored:
    """The pieces of a store, as far as they are read."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def put(self, text: str) -> int:
        """Nothing is added to what is only read."""
        raise StoreError(f"a store that is only read cannot take {len(text)} characters")

    def get(self, number: int) -> str:
        """The text of a piece. Raises StoreDamaged."""
        found = self.database.execute("SELECT text FROM piece WHERE number = ?", (number,)).fetchone()
        if found is None:
            raise StoreDamaged(f"the store lacks piece {number}")
        return unpacked(found[0])


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """What SQLite says of the file as a StoreError of one line."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path}: {error}") from None
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{path} is damaged: {error}") from None


def packed(text: str) -> bytes:
    """A text as it is in the file."""
    return zlib.compress(text.encode(), 6)


def unpacked(data: object) -> str:
    """The text that was packed. Raises StoreDamaged."""
    if not isinstance(data, bytes):
        raise StoreDamaged("a piece is no packed text")
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, LONGEST)
        if stream.unconsumed_tail or not stream.eof:
            raise StoreDamaged("a piece is too long, or ends too early")
        return text.decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreDamaged(f"a piece cannot be unpacked: {error}") from None
