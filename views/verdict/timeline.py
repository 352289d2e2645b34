"""The moments of a host as rows, the last one first: flips above, what does not touch the question folded. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.records import dataclass
from views.harmless import clean
from views.text import Line, Role, Span
from views.verdict.time_strip import StripMoment, strip_cells

#: A moment, and its changes in words: those that touch the question first.
SeenMoment = tuple[StripMoment, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TimelineFlip:
    """An answer that flipped in the moment with the number `moment`, in words."""

    moment: int
    words: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A moment that a recorder has kept: its number in the store, its time in words, what changed, and what became of
    watched questions."""

    number: int
    clock: str
    changed: tuple[str, ...]
    flips: tuple[str, ...] = ()


def timeline_lines(
    moments: Sequence[SeenMoment],
    flips: Sequence[TimelineFlip] = (),
    gone: int = 0,
    earlier: Sequence[Earlier] = (),
    *,
    folded: bool = True,
) -> list[Line]:
    """The moments, each with its number as its key. A flip of the answer is a heading above the moment that brought it.

    `folded`: neighbours that do not touch the question are one row, which has the number of the last of them. `gone` is
    the number of moments before them that are not kept any more. `earlier` are those of a recorder, the last one first;
    the key of one is itself.
    """
    words = {each.moment: each.words for each in flips}
    lines: list[Line] = []
    for first, last in reversed(_groups(moments, folded)):
        if last in words:
            role = Role.GOOD if words[last].startswith("✓") else Role.BAD
            lines.append(Line((Span(f"flipped {words[last]}", role),)))
        lines.append(_row(moments, first, last))
    if gone:
        lines.append(Line((Span(f"{gone} earlier ones were dropped", Role.DIM),)))
    if earlier:
        lines.append(Line((Span("from the recorder's store", Role.HEAD),)))
    for each in earlier:
        lines += _earlier(each)
    return lines


def _earlier(moment: Earlier) -> Iterator[Line]:
    for flip in moment.flips:
        yield Line((Span(f"flipped {clean(flip)}", Role.GOOD if "✓" in flip else Role.BAD),))
    more = f" and {len(moment.changed) - 1} more" if len(moment.changed) > 1 else ""
    said = f"{clean(moment.changed[0])}{more}" if moment.changed else "the recorder began"
    yield Line((Span(f"{moment.clock}  ", Role.DIM), Span(said, Role.PLAIN)), moment)


def _groups(moments: Sequence[SeenMoment], folded: bool) -> list[tuple[int, int]]:
    """The first and the last moment of each row, in order."""
    if not folded:
        return [(number, number) for number in range(len(moments))]
    return [(cell.first, cell.last) for cell in strip_cells([strip for strip, _ in moments])]


def _row(moments: Sequence[SeenMoment], first: int, last: int) -> Line:
    strip, changed = moments[last]
    if first < last:
        spoken = " · ".join(dict.fromkeys(_every(moments[first : last + 1])))
        said = f"{last - first + 1} moments that do not touch the question: {spoken}"
        return Line((Span(f"{strip.clock}  ", Role.DIM), Span(said, Role.DIM)), last)
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    said = f"{changed[0]}{more}" if changed else "the first snapshot" if first == 0 else "no change"
    return Line((Span(f"{strip.clock}  ", Role.DIM), Span(said, Role.PLAIN if strip.touches else Role.DIM)), last)


def _every(moments: Sequence[SeenMoment]) -> Iterator[str]:
    for _, changed in reversed(moments):
        yield from changed
