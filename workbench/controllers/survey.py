"""The actions that look wide: the same question from everywhere, every port from every place, and a report in a file.

A part of the workbench. They think about the snapshot that is shown, which takes from a moment to seconds; so each runs
in a worker's thread, one at a time, and what it found comes back as a message. What takes longer than a moment tells
how far it is on a screen of its own, and can be stopped there. None of them looks at the host.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

from textual.message import Message

from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from views.text import Line
from views.verdict.ask import Ask
from views.verdict.survey import everywhere_lines, matrix_lines
from workbench.actions import ASK_FIRST
from workbench.exits import Refusal, fault_words
from workbench.screen.dialogs import Choice
from workbench.screen.progress import Progress, Working
from workbench.screen.stage import Stage
from workbench.session.stopping import ReportProgress, Stopped

#: Formats of a report that show the matrix.
MATRIX = frozenset({"csv", "html", "json"})


class Surveyed(Message):
    """Rows to choose a question from."""

    def __init__(self, title: str, lines: list[Line]) -> None:
        super().__init__()
        self.title = title
        self.lines = lines


class Exported(Message):
    """A report is written, or could not be: then `refusal` says why."""

    def __init__(self, path: Path, refusal: str = "") -> None:
        super().__init__()
        self.path = path
        self.refusal = refusal


class Ended(Message):
    """The work that `halt` would have ended is at its end; `found` is None where it was stopped."""

    def __init__(self, found: Message | None, halt: Event) -> None:
        super().__init__()
        self.found = found
        self.halt = halt


class Surveying(Stage):
    """Wide looks."""

    _stop: Event | None = None

    def action_everywhere(self) -> None:
        """Asks the shown question from every place."""
        snapshot, verdict = self.panes.snapshot, self.panes.verdict
        if snapshot is None or verdict is None:
            self.say(ASK_FIRST)
            return
        self.notify("Asking from all vantage points …", timeout=2)
        self.think(partial(everywhere, snapshot, verdict))

    def action_matrix(self) -> None:
        """Asks every port from every place."""
        if self.panes.snapshot is not None:
            self.notify("Asking every port from every vantage point …", timeout=2)
            self.think(partial(matrix, self.panes.snapshot))

    def action_export(self) -> None:
        """Asks for the name of a file to write a report to."""
        if self.panes.snapshot is not None:
            self.ask_file("report to", "name.html, .md, .txt, .json, .svg, .csv …", self._export)

    def _export(self, path: Path) -> None:
        snapshot, verdict = self.panes.snapshot, self.panes.verdict
        if snapshot is not None:
            self.think(partial(export, snapshot, verdict, path))

    def on_progress(self, event: Progress) -> None:
        """Shows how far it is, unless it is about to be done."""
        if event.halt is not self._stop:
            return
        if not isinstance(self.screen, Working) and event.done < event.whole:
            self.push_screen(Working(event.halt))
        self.call_after_refresh(self._tell_progress, event)

    def _tell_progress(self, event: Progress) -> None:
        if isinstance(self.screen, Working) and not event.halt.is_set():
            self.screen.tell(event.done, event.whole)

    def on_ended(self, event: Ended) -> None:
        """Closes the bar, and tells what came of the work."""
        if event.halt is not self._stop:
            return
        self._stop = None
        if isinstance(self.screen, Working):
            self.pop_screen()
        if event.found is None:
            self.notify("Stopped.", timeout=2)
        else:
            self.post_message(event.found)

    def stop_thinking(self) -> None:
        """Ends what is being thought about."""
        if self._stop is not None:
            self._stop.set()

    def on_surveyed(self, event: Surveyed) -> None:
        """Shows the rows; the chosen one is asked."""

        def chosen(key: object) -> None:
            if isinstance(key, Ask):
                self.ask(key)

        hint = "enter asks it · esc closes"
        self.push_screen(Choice(event.title, hint, lambda _: event.lines, "Nothing to ask.", chosen))

    def on_exported(self, event: Exported) -> None:
        """Tells where the report is."""
        if event.refusal:
            self.notify(event.refusal, severity="error", timeout=10)
        else:
            self.notify(str(event.path), title="Report written.", timeout=6)

    def think(self, work: Callable[[ReportProgress, Event], Message]) -> None:
        """Runs it beside the screen. A fault of it is told, and ends nothing."""
        self.stop_thinking()
        stop = self._stop = Event()

        def told(done: int, whole: int) -> None:
            self.post_message(Progress(done, whole, stop))

        def run() -> None:
            try:
                found: Message | None = work(told, stop)
            except Stopped:
                found = None
            except Exception as error:  # the screen stays, and says what happened
                found = Exported(Path(), fault_words(error))
            self.post_message(Ended(found, stop))

        self.run_worker(run, thread=True, group="survey")


def everywhere(snapshot: Snapshot, verdict: Verdict, told: ReportProgress, stop: Event) -> Surveyed:
    """The same question from every place. Raises `Stopped`."""
    from engine.explain import ask  # noqa: PLC0415 - the first picture comes first
    from engine.explain.survey.everywhere import vantages  # noqa: PLC0415

    places = vantages(snapshot, verdict.question)
    answers = []
    for each in places:
        if stop.is_set():
            raise Stopped
        answers.append((each.name, ask(snapshot, each.question)))
        told(len(answers), len(places))
    title = f"{verdict.question.end} from all vantage points"
    return Surveyed(title, everywhere_lines(answers, snapshot.host))


def matrix(snapshot: Snapshot, told: ReportProgress, stop: Event) -> Surveyed:
    """Every port from every place. Raises `Stopped`."""
    from workbench.session.matrix_pool import fill  # noqa: PLC0415 - the first picture comes first

    return Surveyed("Reachability matrix", matrix_lines(fill(snapshot, told, stop), snapshot.host))


def export(snapshot: Snapshot, verdict: Verdict | None, path: Path, told: ReportProgress, stop: Event) -> Exported:
    """A report with the shown answer, in the format that the file's name tells. A file that is there is kept.

    Raises `Stopped`; then nothing is written.
    """
    from views.reports.document import report  # noqa: PLC0415 - the first picture comes first
    from views.reports.writers import write  # noqa: PLC0415
    from workbench.files import keep, save  # noqa: PLC0415
    from workbench.formats import format_of  # noqa: PLC0415
    from workbench.session.matrix_pool import fill  # noqa: PLC0415

    try:
        name = format_of(path)
        keep(path, force=False)
        grid = fill(snapshot, told, stop) if name in MATRIX else None
        text = write(report(snapshot, [verdict] if verdict else [], grid), name)
        save(text.encode("utf-8", "backslashreplace"), path, force=False)
    except Refusal as refusal:
        return Exported(path, str(refusal))
    return Exported(path)
