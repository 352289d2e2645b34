"""A store as it is read: its moments in order, and the state of the host at each.

Any number of readers read while one writes (WAL). A reader sees the store as it was when it opened it, whatever comes
or goes meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from engine.change.differences import Difference
from engine.model.host import Snapshot
from engine.recorder import changed, schema
from engine.recorder.errors import StoreDamaged, StoreMissing
from engine.recorder.pieces import PieceReader
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class StoredMoment:
    """A moment of a store: its number, the run that saw it, when, and the number of its state."""

    number: int
    run: int
    at: datetime
    state: int


@dataclass(frozen=True, slots=True)
class Run:
    """A recorder at work: from when to when it is known to have been."""

    number: int
    started: datetime
    seen: datetime


@dataclass(frozen=True, slots=True)
class WatchedFlip:
    """A watched question (`:8080 from host`) whose answer became another one at a moment."""

    moment: int
    ask: str
    before: str
    after: str


class History:
    """A store that is read. To be closed. `moments` are never empty."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError, also where nothing was recorded yet."""
        self.path = folder / schema.FILE
        self._database = schema.open_to_read(folder)
        try:
            with schema.errors_of(self.path):
                self._database.execute(
                    "BEGIN"
                )  # from here on it is read as it is now (https://sqlite.org/isolation.html)
                self.moments: Sequence[StoredMoment] = self._moments()
                self.runs = {run.number: run for run in self._runs()}
            if not self.moments:
                raise StoreMissing(f"{self.path} has nothing in it yet: 'portscope record' fills it")
            if lost := {each.run for each in self.moments} - self.runs.keys():
                raise StoreDamaged(f"{self.path} is damaged: it lacks run {min(lost)}")
        except BaseException:
            self._database.close()
            raise
        self._reader = PieceReader(schema.Stored(self._database))

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(sqlite3.Error):
            self._database.close()

    def _moments(self) -> list[StoredMoment]:
        rows = self._database.execute("SELECT number, run, at, state FROM moment ORDER BY number")
        return [StoredMoment(number, run, _time(at), state) for number, run, at, state in rows]

    def _runs(self) -> list[Run]:
        rows = self._database.execute("SELECT number, started, seen FROM run ORDER BY number")
        return [Run(number, _time(started), _time(seen)) for number, started, seen in rows]

    def state(self, moment: StoredMoment) -> Snapshot:
        """The host at a moment. Two moments share what is equal, also where they are far apart. Raises StoreError."""
        with schema.errors_of(self.path):
            return replace(self._reader.get(moment.state), taken_at=moment.at.isoformat(timespec="milliseconds"))

    def differing(self, one: StoredMoment, other: StoredMoment) -> set[tuple[str, str]]:
        """Namespace and field in which the host differs at two moments (`PieceReader.differing`). Raises StoreError."""
        with schema.errors_of(self.path):
            return self._reader.differing(one.state, other.state)

    def changes(self, moment: StoredMoment) -> tuple[Difference, ...]:
        """What changed on the way to a moment: from the one before, or from what the host was while nobody recorded."""
        with schema.errors_of(self.path):
            row = self._database.execute("SELECT changed FROM moment WHERE number = ?", (moment.number,)).fetchone()
            return changed.read(schema.unpacked(row[0] if row else None))

    def flips(self) -> list[WatchedFlip]:
        """What became of the watched questions, in order."""
        with schema.errors_of(self.path):
            rows = self._database.execute("SELECT moment, ask, before, after FROM flip ORDER BY moment")
            return [WatchedFlip(int(moment), str(ask), str(before), str(after)) for moment, ask, before, after in rows]

    def at(self, time: datetime) -> StoredMoment | None:
        """The moment whose state the host had at a time: the last one seen until then, where the clock was set back the
        later of two. None where everything is younger."""
        return next((each for each in reversed(self.moments) if each.at <= time), None)

    def unseen(self, moment: StoredMoment, time: datetime) -> tuple[datetime, datetime | None] | None:
        """Since when, and until when, nobody recorded around a time after a moment; None where somebody did."""
        seen = self.runs[moment.run].seen
        if time <= seen:
            return None
        after = next((each for each in self.moments if each.number > moment.number), None)
        if after is not None and after.run == moment.run:
            return None
        return seen, after.at if after else None


def _time(text: object) -> datetime:
    """A time as it is in a store. Raises StoreDamaged."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise StoreDamaged(f"a time in the store is none: {text!r:.40}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
