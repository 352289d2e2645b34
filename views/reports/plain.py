"""A report as plain text, for a terminal or a ticket: answers first, then every table in columns."""

from __future__ import annotations

from collections.abc import Iterator

from views.harmless import clean
from views.reports import answer_text
from views.reports.document import Report
from views.reports.sheet import Sheet
from views.text import in_columns
from views.topology.network import Graph


def render(report: Report, width: int = 100) -> str:
    """The whole document. Answers are broken at `width` columns; a table's rows are never broken."""
    return "\n".join(_lines(report, width)) + "\n"


def _lines(report: Report, width: int) -> Iterator[str]:
    yield clean(report.title)
    yield from (f"  {label.lower()}: {clean(text)}" for label, text in report.about)
    for verdict in report.answers:
        yield from ("", answer_text.render(verdict, width).rstrip("\n"))
    yield from ("", "TOPOLOGY")
    yield from _topology(report.graph)
    for sheet in report.sheets:
        yield from ("", sheet.title.upper(), *_table(sheet))


def _topology(graph: Graph) -> Iterator[str]:
    """Every node with what it serves, and the devices that lead from it."""
    names = {spot.id: spot.label for spot in graph.spots}
    for spot in graph.spots:
        down = "" if spot.up else "  (down)"
        yield f"  {spot.place} {clean(spot.label)}{down}" + "".join(f"  {clean(line)}" for line in spot.lines)
        if spot.stop:
            yield f"    ✗ the packet {clean(spot.stop)}"
        for wire in graph.wires:
            if wire.one == spot.id:
                device = f" by {clean(wire.label)}" if wire.label else ""
                yield f"    → {clean(names[wire.other])}{device}{'' if wire.up else ' (down)'}"


def _table(sheet: Sheet) -> Iterator[str]:
    rows = [tuple(map(clean, row)) for row in (sheet.columns, *sheet.rows)]
    return (f"  {line}" for line in in_columns(rows))
