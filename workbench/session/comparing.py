"""What changed between moments, and which of the changes flips the answer: as rows, found by a worker's thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from engine.change.differences import Difference
from engine.model.host import Snapshot
from engine.model.verdict import Question
from engine.records import dataclass
from views.text import Line
from views.verdict.ask import Ask
from views.verdict.history import change_lines, flip_lines
from workbench.session.flips import asked
from workbench.session.messages import Told
from workbench.session.stopping import ReportProgress, until_stopped

if TYPE_CHECKING:
    from engine.explain.survey.flip import Flip

#: Words to a question of a snapshot. Raises LookupError.
Resolve = Callable[[Snapshot, Ask], Question]


@dataclass(frozen=True, slots=True)
class Part:
    """Two moments with a title for people, and what changed between them."""

    title: str
    found: tuple[Difference, ...]
    before: Snapshot
    after: Snapshot


class Compared(Told):
    """Rows at a width: the changes of each part, and what of them flips the answer."""

    def __init__(self, lay: Callable[[int], list[Line]]) -> None:
        super().__init__()
        self.lay = lay


def compare(parts: list[Part], ask: Ask | None, resolve: Resolve, told: ReportProgress, stop: Event) -> Compared:
    """The rows; without a question the changes alone. Raises `Stopped`."""
    from engine.explain.survey.flip import flip  # noqa: PLC0415 - the first picture comes first

    step = until_stopped(told, stop)

    def sought(part: Part) -> Flip | None:
        return flip(part.before, part.after, partial(asked, resolve, ask), step) if ask and part.found else None

    flips = [sought(part) for part in parts]

    def lay(width: int) -> list[Line]:
        lines: list[Line] = []
        for part, found in zip(parts, flips, strict=True):
            title, *rest = change_lines(part.title, part.found, width)
            lines.append(title)
            if ask and found and found.flipped:
                lines += flip_lines(f"the answer flips: {ask.words}", found.by if found.searched else None, width)
            lines += rest
        return lines

    return Compared(lay)
