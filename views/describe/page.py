"""The lines of a page: a heading, and sections of rows with a label each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.model.board import BoardRow
from engine.model.ref import Ref
from engine.records import dataclass, field
from views.text import Line, Role, Span, cells, clip, fit, paragraph
from views.verdict.board import port_name
from views.verdict.outline import HEADLINES

#: Cells of the labels, at least and at most.
NARROWEST, WIDEST = 14, 24
#: So many rows of a section are shown; how many more there are is said.
MOST = 24


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out for a page: the rules that name the thing, who reaches its ports, and what has no way out
    without it."""

    rules: tuple[Ref, ...] = ()
    board: tuple[BoardRow, ...] = ()
    cut_off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a section."""

    label: str
    text: str
    role: Role = Role.PLAIN


@dataclass(frozen=True, slots=True)
class Section:
    """A title and its rows; one without rows is left out. Without a title they go on from the line before."""

    title: str
    rows: Sequence[Row] = field(default=())


def page(mark: str, name: str, kind: str, sections: Iterable[Section], width: int) -> list[Line]:
    """The whole page."""
    head = clip(f"{mark} {name}", width)
    lines = [Line((Span(head, Role.HEAD), Span(clip(f"  {kind}", width - cells(head)), Role.DIM)))]
    shown = [section for section in sections if section.rows]
    labels = [cells(row.label) + 2 for section in shown for row in section.rows]
    wide = min(max([NARROWEST, *labels]), WIDEST, max(width // 3, 6))
    for section in shown:
        titled = [Line(()), Line((Span(section.title, Role.STRONG),))] if section.title else []
        lines += [*titled, *_rows(section.rows, wide, width)]
    return lines


def _rows(rows: Sequence[Row], wide: int, width: int) -> Iterator[Line]:
    for row in rows[:MOST]:
        first, *rest = paragraph(row.text, width, first=" " * (wide + 2))
        label = fit(clip(row.label, wide - 1), wide)
        yield Line((Span(f"  {label}", Role.DIM), Span(first[wide + 2 :], row.role)))
        yield from (Line((Span(line, row.role),)) for line in rest)
    if len(rows) > MOST:
        yield Line((Span(f"  … {len(rows) - MOST} more", Role.DIM),))


def pairs(*known: tuple[str, object]) -> tuple[Row, ...]:
    """A row for each value that says something."""
    return tuple(Row(label, str(value)) for label, value in known if value not in ("", None, ()))


def naming(facts: Facts) -> Section:
    """The rules that name the thing."""
    wide = max((cells(ref.name) for ref in facts.rules), default=0)
    return Section("Rules that name it", [Row("", f"{fit(ref.name, wide)}  {ref.text}") for ref in facts.rules])


def reached(facts: Facts) -> Section:
    """Who reaches the ports of the thing, and why not."""
    rows: list[Row] = []
    for row in facts.board:
        mark, role = HEADLINES[row.worst.reach]
        places = "  ".join(f"{HEADLINES[cell.reach][0][0]} {cell.place}" for cell in row.cells)
        asked = row.port.question
        rows.append(Row(f"{mark[0]} {asked.port}/{asked.protocol}", f"{port_name(row.port)}   {places}", role))
        if row.cause is not None:
            rows.append(Row("", f"{row.worst.place}: {row.cause.sentence}", Role.DIM))
    return Section("Who reaches it", rows)


def alone(facts: Facts) -> Section:
    """What has no other way out."""
    names = ", ".join(facts.cut_off)
    told = f"{names} {'is' if len(facts.cut_off) == 1 else 'are'} cut off"
    return Section("Without it", [Row("", told, Role.WARN)] if names else ())
