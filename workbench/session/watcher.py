"""The thread that watches a live source, and hands what it sees to the session.

It does nothing else: the session compares, answers and tells. Where watching is not possible or ends, for whatever
reason, `given_up` is called and the session looks now and then instead; what is wrong is told by its own look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from engine.model.host import Snapshot
from workbench.session.first_look import FirstLook
from workbench.session.sources import Watch


class Watcher:
    """Runs the watch, where there is one. `seen`, `reading` and `given_up` are called from its thread."""

    def __init__(
        self,
        watch: Watch | None,
        seen: Callable[[Snapshot], object],
        reading: Callable[[FirstLook], object],
        given_up: Callable[[], object],
    ) -> None:
        self._watch, self._seen, self._reading, self._given_up = watch, seen, reading, given_up
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="portscope-watch", daemon=True)
        self.watching = watch is not None

    def start(self) -> None:
        """Starts watching."""
        if self._watch is not None:
            self._thread.start()

    def stop(self) -> None:
        """Tells the thread to end, and waits a moment for it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def _run(self) -> None:
        assert self._watch is not None
        with suppress(Exception):  # the session then looks for itself, and says what is wrong
            for update in self._watch(self._stop):
                if isinstance(update, FirstLook):
                    self._reading(update)
                else:
                    self._seen(update.snapshot)
        self.watching = False
        if not self._stop.is_set():
            self._given_up()
