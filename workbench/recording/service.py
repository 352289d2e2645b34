"""The recorder's loop: the host's first state, then each change, goes into the store as soon as it is seen.

A store that cannot be written (a full disk) does not end it: that is said once, and the next change that can be written
has all that changed since. Between changes a pulse says that the host is as it was, and lets go of what is too old.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.change.differences import Difference, changes
from engine.model.host import Snapshot
from engine.recorder.errors import StoreError
from engine.recorder.keeping import Keeper
from engine.records import replace
from workbench.recording.on_flip import OnFlip
from workbench.recording.watched import Watched

if TYPE_CHECKING:
    from engine.observe.watch.watch import Update

#: Seconds between two pulses, and pulses between two looks for what is too old.
PULSE, TIDY = 5.0, 120
#: What a snapshot has of files of each container, and the seconds for which it is not read again: on a host with many
#: containers that takes longer than all else of a change.
OF_FILES, FILES = ("name_configs", "resolvers", "proxies"), 60.0


class Service:
    """Writes what a watch sees. `say` prints a line for people, `complain` one of what goes wrong."""

    def __init__(
        self,
        keeper: Keeper,
        questions: Sequence[Watched],
        on_flip: OnFlip,
        say: Callable[[str], object],
        complain: Callable[[str], object],
    ) -> None:
        self._keeper, self._questions, self._on_flip = keeper, questions, on_flip
        self._say, self._complain = say, complain
        self._kept: Snapshot | None = None
        self._missing = False
        self._files: dict[str, Any] = {}
        self._read = 0.0
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name="portscope-pulse", daemon=True)

    def run(self, updates: Iterable[Update]) -> None:
        """Takes all updates, until there are no more."""
        self._pulse.start()
        try:
            for update in updates:
                self.take(update.snapshot, update.changed)
        finally:
            self._stop.set()
            self._pulse.join(timeout=PULSE)

    def take(self, snapshot: Snapshot, changed: Sequence[Difference]) -> None:
        """Writes a state, and answers the watched questions."""
        snapshot = self._with_files(snapshot)
        if self._missing and self._kept is not None:
            changed = changes(self._kept, snapshot)
        number = self._written(partial(self._keeper.add, snapshot, changed))
        if number is not None:
            self._kept = snapshot
        for question in self._questions:
            told = question.look(snapshot, changed)
            if told is None:
                continue
            if number is not None:
                self._written(partial(self._keeper.flipped, number, told.ask, told.before, told.after))
            self._say(f"{told.at} {told}")
            self._on_flip.run(told)

    def _with_files(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what files say of names and proxies, as it was read last: it is read anew now and then."""
        now = time.monotonic()
        if self._files and now - self._read < FILES:
            return replace(snapshot, **self._files)
        self._read, self._files = now, {name: getattr(snapshot, name) for name in OF_FILES}
        return snapshot

    def _written(self, work: Callable[[], int | None]) -> int | None:
        """Does it, unless the store cannot be written: that is said when it begins and when it ends."""
        try:
            with self._turn:
                found = work()
        except StoreError as error:
            if not self._missing:
                self._complain(f"{error}; what changes meanwhile is written when that is over")
            self._missing = True
            return None
        if self._missing:
            self._complain("the store can be written again")
        self._missing = False
        return found

    def _beat(self) -> None:
        beats = 0
        while not self._stop.wait(PULSE):
            now = datetime.now(UTC)
            if self._kept is not None and not self._missing:
                self._written(partial(self._keeper.seen, now.isoformat(timespec="milliseconds")))
            beats += 1
            if beats % TIDY == 0:
                self._written(partial(self._keeper.tidy, now))
