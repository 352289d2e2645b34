"""Looking wide: the same question from everywhere, every port from every place, and a report in a file.

They think about the snapshot that is shown, beside the screen; what each found comes back as a message. None of them
looks at the host.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event

from engine.model.host import Snapshot
from engine.model.verdict import Verdict
from views.grid.table import GridTable, grid_table
from views.text import Line
from views.verdict.ask import Ask
from views.verdict.survey import everywhere_lines
from workbench.controllers.prompts import Prompts
from workbench.controllers.questions import Questions
from workbench.controllers.stage import Stage
from workbench.controllers.thinking import Thinking
from workbench.exits import Refusal
from workbench.screen.dialogs import Choice
from workbench.screen.grid import GridScreen
from workbench.session.messages import Told
from workbench.session.stopping import ReportProgress, Stopped

#: Formats of a report that show the matrix.
MATRIX = frozenset({"csv", "html", "json"})


class Surveyed(Told):
    """Rows to choose a question from."""

    def __init__(self, title: str, lines: list[Line]) -> None:
        super().__init__()
        self.title = title
        self.lines = lines


class Gridded(Told):
    """Who reaches what."""

    def __init__(self, table: GridTable) -> None:
        super().__init__()
        self.table = table


class Exported(Told):
    """A report is written, or could not be: then `refusal` says why."""

    def __init__(self, path: Path, refusal: str = "") -> None:
        super().__init__()
        self.path = path
        self.refusal = refusal


class Surveys:
    """Wide looks; what they find can be asked."""

    def __init__(self, stage: Stage, prompts: Prompts, questions: Questions, thinking: Thinking) -> None:
        self._stage, self._prompts, self._questions, self._thinking = stage, prompts, questions, thinking

    def everywhere(self) -> None:
        """Asks the shown question from every place."""
        snapshot, verdict = self._stage.panes.snapshot, self._stage.answer()
        if snapshot is not None and verdict is not None:
            self._thinking.start(partial(ask_everywhere, snapshot, verdict))

    def matrix(self) -> None:
        """Asks every port from every place."""
        if self._stage.panes.snapshot is not None:
            known = self._stage.known
            before = known.before if known is not None else None
            self._thinking.start(partial(ask_matrix, self._stage.panes.snapshot, before))

    def export(self) -> None:
        """Asks for the name of a file to write a report to."""
        if self._stage.panes.snapshot is not None:
            self._prompts.ask_file("report to", "name.html, .md, .txt, .json, .svg, .csv …", self._export)

    def _export(self, path: Path) -> None:
        snapshot, verdict = self._stage.panes.snapshot, self._stage.panes.verdict
        if snapshot is not None:
            self._thinking.start(partial(write_report, snapshot, verdict, path))

    def surveyed(self, event: Surveyed) -> None:
        """Shows the rows; the chosen one is asked."""

        def chosen(key: object) -> None:
            if isinstance(key, Ask):
                self._questions.ask(key)

        hint = "enter asks it · esc closes"
        self._stage.app.push_screen(Choice(event.title, hint, lambda _: event.lines, "Nothing to ask.", chosen))

    def gridded(self, event: Gridded) -> None:
        """Shows the grid; the chosen cell is asked."""
        self._stage.app.push_screen(GridScreen(event.table, self._questions.ask))

    def exported(self, event: Exported) -> None:
        """Tells where the report is."""
        if event.refusal:
            self._stage.app.notify(event.refusal, severity="error", timeout=10)
        else:
            self._stage.app.notify(str(event.path), title="Report written.", timeout=6)


def ask_everywhere(snapshot: Snapshot, verdict: Verdict, told: ReportProgress, stop: Event) -> Surveyed:
    """The same question from every place. Raises `Stopped`."""
    from engine.explain import ask  # noqa: PLC0415 - the first picture comes first
    from engine.explain.survey.everywhere import vantages  # noqa: PLC0415
    from engine.path.budget import Budget  # noqa: PLC0415
    from engine.path.world import World  # noqa: PLC0415

    places = vantages(snapshot, verdict.question)
    answers, world = [], World(snapshot)
    for each in places:
        world.budget = Budget.part_of(len(places))
        if stop.is_set():
            raise Stopped
        answers.append((each.name, ask(snapshot, each.question, world)))
        told(len(answers), len(places))
    title = f"{verdict.question.end} from all vantage points"
    return Surveyed(title, everywhere_lines(answers, snapshot.host))


def ask_matrix(snapshot: Snapshot, before: Snapshot | None, told: ReportProgress, stop: Event) -> Gridded:
    """Every port from every place; on a model, beside what it is without what is supposed. Raises `Stopped`."""
    from workbench.session.matrix_pool import fill  # noqa: PLC0415 - the first picture comes first

    earlier = fill(before, told, stop) if before is not None else None
    return Gridded(grid_table(fill(snapshot, told, stop), snapshot.host, earlier))


def write_report(
    snapshot: Snapshot, verdict: Verdict | None, path: Path, told: ReportProgress, stop: Event
) -> Exported:
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
        keep(path, force=False, instead="")
        grid = fill(snapshot, told, stop) if name in MATRIX else None
        text = write(report(snapshot, [verdict] if verdict else [], grid), name)
        save(text.encode("utf-8", "backslashreplace"), path, force=False, instead="")
    except Refusal as refusal:
        return Exported(path, str(refusal))
    return Exported(path)
