"""The time in one line: a cell a moment, flips of the answer marked, what does not touch the question folded. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.records import dataclass, replace
from views.text import Role, Span, Spans, cells

TOUCHES, FOLDED, EARLIER = "│", "·", "‹"


@dataclass(frozen=True, slots=True)
class StripMoment:
    """A moment: its time of day, whether its changes touch the question, and the mark of the answer that flipped."""

    clock: str
    touches: bool
    flip: str = ""


@dataclass(frozen=True, slots=True)
class StripCell:
    """A cell: its mark, and the moments `first` to `last` that it stands for."""

    mark: str
    role: Role
    first: int
    last: int


def strip_cells(moments: Sequence[StripMoment]) -> list[StripCell]:
    """The cells in order. Neighbours that do not touch the question share one; the first and the last moment stand
    alone: where it began, and now."""
    found: list[StripCell] = []
    for number, each in enumerate(moments):
        alone = number in (0, len(moments) - 1)
        if each.flip:
            role = Role.GOOD if each.flip == "✓" else Role.BAD if each.flip == "✗" else Role.WARN
            found.append(StripCell(each.flip, role, number, number))
        elif each.touches or alone:
            mark = TOUCHES if each.touches else FOLDED
            found.append(StripCell(mark, Role.PLAIN if each.touches else Role.DIM, number, number))
        elif found and found[-1].mark == FOLDED and found[-1].first > 0:
            found[-1] = replace(found[-1], last=number)
        else:
            found.append(StripCell(FOLDED, Role.DIM, number, number))
    return found


def place_of(row: Sequence[StripCell], moment: int) -> int:
    """The place of the cell that stands for a moment."""
    return next((place for place, cell in enumerate(row) if cell.first <= moment <= cell.last), len(row) - 1)


def window(row: Sequence[StripCell], here: int, room: int) -> range:
    """The places that have room, with that of the shown moment among them: as late as may be."""
    start = max(min(len(row) - room, here - room // 4), 0)
    return range(start, min(start + room, len(row)))


def strip_spans(moments: Sequence[StripMoment], shown: int, width: int) -> tuple[Spans, dict[int, int]]:
    """The line, and the moment that each of its cells stands for, by the cell's place on the line."""
    row = strip_cells(moments)
    here = place_of(row, shown)
    flips = sum(bool(each.flip) for each in moments)
    told = f" {moments[shown].clock}" if shown < len(moments) - 1 else " now"
    said = f"  {len(moments)} moments" + (f", {flips} flip{'s' * (flips != 1)}" if flips else "")
    head = f" {moments[0].clock} "
    room = max(width - cells(head) - cells(told) - cells(said) - 2, 4)
    places = window(row, here, room)
    spans = [Span(head, Role.DIM), Span(EARLIER if places.start else " ", Role.DIM)]
    at: dict[int, int] = {}
    x = cells(head) + 1
    for place in places:
        cell = row[place]
        at[x] = cell.last
        spans.append(Span(cell.mark, Role.FOCUS if place == here else cell.role))
        x += 1
    return (*spans, Span(told, Role.STRONG if shown < len(moments) - 1 else Role.GOOD), Span(said, Role.DIM)), at
