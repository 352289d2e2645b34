"""Thinking about a snapshot beside the screen, from a moment to seconds: one thing at a time, in a worker's thread.

What takes longer than a moment tells how far it is on a screen of its own, and can be stopped there.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from textual.message import Message

from workbench.controllers.stage import Stage
from workbench.exits import fault_words
from workbench.screen.progress import Progress, Working
from workbench.session.messages import Told
from workbench.session.stopping import ReportProgress, Stopped


class Ended(Told):
    """The work that `halt` would have ended is at its end. It found something, or failed, or (neither) was stopped."""

    def __init__(self, found: Message | None, failure: str, halt: Event) -> None:
        super().__init__()
        self.found = found
        self.failure = failure
        self.halt = halt


class Thinking:
    """The work that is going on, if any."""

    def __init__(self, stage: Stage) -> None:
        self._app = stage.app
        self._halt: Event | None = None

    def start(self, work: Callable[[ReportProgress, Event], Message]) -> None:
        """Runs it beside the screen, and posts what it finds. A fault of it is told, and ends nothing."""
        self.stop()
        halt = self._halt = Event()

        def progress(done: int, whole: int) -> None:
            self._app.post_message(Progress(done, whole, halt))

        def run() -> None:
            found, failure = None, ""
            try:
                found = work(progress, halt)
            except Stopped:
                pass
            except Exception as error:  # the screen stays, and says what happened
                failure = fault_words(error)
            self._app.post_message(Ended(found, failure, halt))

        self._app.run_worker(run, thread=True, group="thinking")

    def stop(self) -> None:
        """Ends what is being thought about."""
        if self._halt is not None:
            self._halt.set()

    def progressed(self, event: Progress) -> None:
        """Shows how far it is, unless it is about to be done."""
        if event.halt is not self._halt:
            return
        if not isinstance(self._app.screen, Working) and event.done < event.whole:
            self._app.push_screen(Working(event.halt))
        self._app.call_after_refresh(self._draw, event)

    def ended(self, event: Ended) -> None:
        """Closes the bar, and hands on what came of the work."""
        if event.halt is not self._halt:
            return
        self._halt = None
        if isinstance(self._app.screen, Working):
            self._app.pop_screen()
        if event.found is not None:
            self._app.post_message(event.found)
        elif event.failure:
            self._app.notify(event.failure, severity="error", timeout=10)
        else:
            self._app.notify("Stopped.", timeout=2)

    def _draw(self, event: Progress) -> None:
        if isinstance(self._app.screen, Working) and not event.halt.is_set():
            self._app.screen.tell(event.done, event.whole)
