"""The one who writes a store: adds moments, and lets the old ones go.

1. One writer at a time: it holds a lock of the kernel on `lock`, which ends with its process (flock(2)).
2. A moment is one transaction. What ends in the middle of one, by whatever means, leaves the store as it was before.
3. What could not be written (a full disk) is not lost for good: the next moment that can be has all that changed since.
4. Moments go when they are older than is wanted, then the oldest while the file is larger than is wanted; the last one
   of what goes stays, as its state was true at the time from which on everything is kept. Pieces that no moment needs
   any more go with them, and the file gives their room back.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from engine.change.differences import Difference
from engine.model.host import Snapshot
from engine.recorder import schema
from engine.recorder.changed import written
from engine.recorder.errors import StoreBusy, StoreError
from engine.recorder.pieces import PieceWriter, referred
from engine.records import dataclass

#: Of a store that is too large the oldest moments go, one of so many at a time.
SHARE = 10
#: Pages that are given back at a time.
PAGES = 2000


@dataclass(frozen=True, slots=True)
class Keep:
    """How long moments are kept, and the bytes that the file may have."""

    age: timedelta
    size: int


class Keeper:
    """Writes a store, made where there is none. To be closed."""

    def __init__(self, folder: Path, keep: Keep) -> None:
        """Raises StoreError: StoreBusy while another one writes it, StoreDamaged where the file is no store."""
        self._keep = keep
        self.path = folder / schema.FILE
        schema.prepare(folder)
        self._lock = _locked(folder)
        try:
            self._database = schema.open_to_write(folder)
        except BaseException:
            os.close(self._lock)
            raise
        self._writer = PieceWriter(_Writing(self._database))
        self._run = 0

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(sqlite3.Error):
            self._database.close()
        os.close(self._lock)

    def add(self, snapshot: Snapshot, changed: Sequence[Difference] = ()) -> int:
        """Keeps a state with what changed on the way to it, and gives the moment's number. The first one begins a run.

        Raises StoreError where it cannot be written; then nothing of it is there.
        """
        try:
            with schema.errors_of(self.path), schema.transaction(self._database):
                run = self._run or self._begun(snapshot)
                self._database.execute("UPDATE run SET seen = ? WHERE number = ?", (snapshot.taken_at, run))
                row = (run, snapshot.taken_at, self._writer.put(snapshot), schema.packed(written(changed)))
                added = self._database.execute("INSERT INTO moment (run, at, state, changed) VALUES (?, ?, ?, ?)", row)
        except BaseException:
            self._writer.forget()
            raise
        self._run = run
        return added.lastrowid or 0

    def _begun(self, snapshot: Snapshot) -> int:
        row = (snapshot.taken_at, snapshot.taken_at, snapshot.hostname)
        return self._database.execute("INSERT INTO run (started, seen, host) VALUES (?, ?, ?)", row).lastrowid or 0

    def seen(self, at: str) -> None:
        """The host is as it was, up to that time. Raises StoreError."""
        with schema.errors_of(self.path):
            self._database.execute("UPDATE run SET seen = ? WHERE number = ?", (at, self._run))

    def flipped(self, moment: int, ask: str, before: str, after: str) -> None:
        """An answer became another one at a moment. Raises StoreError."""
        with schema.errors_of(self.path):
            self._database.execute("INSERT INTO flip VALUES (?, ?, ?, ?)", (moment, ask, before, after))

    def tidy(self, now: datetime) -> int:
        """Lets go of what is not to be kept; gives how many moments went. Raises StoreError."""
        with schema.errors_of(self.path):
            gone = self._before(self._number_at(now - self._keep.age))
            while self._size() > self._keep.size and (oldest := self._oldest_share()):
                gone += self._before(oldest)
            return gone

    def _number_at(self, time: datetime) -> int:
        """The moment that was the host's state at a time; 0 where everything is younger."""
        rows = self._database.execute("SELECT number, at FROM moment ORDER BY number").fetchall()
        found = 0
        for number, at in rows:
            if datetime.fromisoformat(at) > time:
                break
            found = number
        return found

    def _oldest_share(self) -> int:
        """The moment before which a share of them stands; 0 where there is only one left."""
        (count,) = self._database.execute("SELECT count(*) FROM moment").fetchone()
        if count < 2:
            return 0
        at = max(1, count // SHARE)
        (found,) = self._database.execute(
            "SELECT number FROM moment ORDER BY number LIMIT 1 OFFSET ?", (at,)
        ).fetchone()
        return int(found)

    def _before(self, number: int) -> int:
        """Lets go of the moments before one, and of what only they need."""
        with schema.transaction(self._database):
            gone = self._database.execute("DELETE FROM moment WHERE number < ?", (number,)).rowcount
            if gone:
                self._database.execute("DELETE FROM flip WHERE moment < ?", (number,))
                self._database.execute(
                    "DELETE FROM run WHERE number NOT IN (SELECT run FROM moment) AND number <> ?", (self._run,)
                )
                self._sweep()
                self._writer.forget()
        if gone:
            self._database.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
        return gone

    def _sweep(self) -> None:
        """Pieces that no state needs go."""
        needed = {number for (number,) in self._database.execute("SELECT DISTINCT state FROM moment")}
        pieces = _Writing(self._database)
        left = list(needed)
        while left:
            more = set(referred(pieces.get(left.pop()))) - needed
            needed |= more
            left += more
        gone = [(number,) for (number,) in self._database.execute("SELECT number FROM piece") if number not in needed]
        self._database.executemany("DELETE FROM piece WHERE number = ?", gone)

    def _size(self) -> int:
        """The bytes that are in use."""
        used, free, size = (
            self._database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((used - free) * size)


class _Writing(schema.Stored):
    """The pieces of a store that is written."""

    def put(self, text: str) -> int:
        """Keeps a text, and gives its number."""
        digest = blake2b(text.encode(), digest_size=16).digest()
        found = self.database.execute("SELECT number FROM piece WHERE hash = ?", (digest,)).fetchone()
        if found is not None:
            return int(found[0])
        row = (digest, schema.packed(text))
        return self.database.execute("INSERT INTO piece (hash, text) VALUES (?, ?)", row).lastrowid or 0


def _locked(folder: Path) -> int:
    """The descriptor that holds the lock. Raises StoreBusy."""
    path = folder / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        os.close(descriptor)
        who = f"another recorder (pid {pid})" if pid.isdecimal() else "another recorder"
        raise StoreBusy(f"{who} writes {folder}: name another folder with --store, or end it") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def set_aside(folder: Path, mark: Callable[[], str]) -> Path:
    """Gives a damaged store another name, so that a new one can begin; it stays for whoever wants to mend it."""
    target = folder / f"damaged-{mark()}.db"
    try:
        os.replace(folder / schema.FILE, target)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(folder / f"{schema.FILE}{suffix}", f"{target}{suffix}")
    except OSError as error:
        raise StoreError(f"cannot move the damaged {folder / schema.FILE} away: {error.strerror}") from None
    return target
