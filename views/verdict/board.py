"""The board as lines of a pane: each port with a mark for each place, and below it in words why one fails.

Pure. A row's key is the question of the cell that says most, so that enter opens it into path, rules and answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.model.board import BoardPlace, BoardRow
from engine.model.host import Snapshot
from engine.model.matrix import MatrixPort, PortOwner
from engine.model.verdict import Reach
from views.text import Line, Role, Span, cells, clip, fit, paragraph
from views.verdict.card import gap_lines
from views.verdict.outline import HEADLINES
from views.verdict.survey import ask_of

#: Of the rows of a kind so many have their cause below them; more are told by their marks.
MOST_CAUSES = 6
#: In fewer cells than this the places have short names.
NARROW = 44
SHORT = {BoardPlace.CONTAINERS: "ctr"}
#: Lines of a cause.
CAUSE_LINES = 2


def board_lines(rows: Sequence[BoardRow], snapshot: Snapshot, width: int, why: str = "w") -> list[Line]:
    """A sentence about all, the heads of the places, the rows, and how to go on."""
    failing = sum(row.worst.reach is Reach.NO for row in rows)
    ports = f"{len(rows)} port{'s' * (len(rows) != 1)}"
    said = f"{failing} of {ports} cannot be reached from somewhere" if failing else f"{ports}, each reachable"
    places = [place for place in BoardPlace if any(place in {cell.place for cell in row.cells} for row in rows)]
    heads = {place: SHORT.get(place, place.value) if width < NARROW else place.value for place in places}
    room = max(width - sum(cells(head) + 2 for head in heads.values()), 12)
    lines = [Line((Span(line, Role.BAD if failing else Role.GOOD),)) for line in paragraph(said, width)]
    lines.append(Line((Span(" " * room), *(Span(f"  {head}", Role.DIM) for head in heads.values()))))
    for number, row in enumerate(rows):
        lines.append(_row(row, heads, snapshot.host, room))
        lines += _cause(row, width) if number < MOST_CAUSES else ()
    lines.append(Line(()))
    lines += [
        Line((Span(line, Role.DIM),))
        for line in paragraph(f"enter opens a row · {why} asks another question", width, first="  ")
    ]
    return lines + gap_lines(snapshot.gaps, width)


def _row(row: BoardRow, heads: Mapping[BoardPlace, str], host: str, room: int) -> Line:
    mark, role = HEADLINES[row.worst.reach]
    by_place = {cell.place: cell for cell in row.cells}
    spans = [Span(f"{mark[0]} ", role), Span(fit(clip(port_name(row.port), room - 3), room - 2))]
    for place, head in heads.items():
        cell = by_place.get(place)
        sign, shade = HEADLINES[cell.reach] if cell is not None else ("·", Role.DIM)
        spans.append(Span(f"  {sign[0]:^{cells(head)}}", shade))
    return Line(tuple(spans), ("ask", ask_of(row.worst.question, host)))


def port_name(port: MatrixPort) -> str:
    """`:8080 → web:80`, `:5432 → db`, `cache:6379`, `host:22 (sshd)`."""
    question = port.question
    protocol = "" if question.protocol == "tcp" else f"/{question.protocol}"
    if port.service is PortOwner.PUBLISHED:
        at = f"{question.address}" if question.address.is_loopback else ""
        inner = f":{port.serves}" if port.serves != question.port else ""
        return f"{at}:{question.port}{protocol} → {port.owner}{inner}"
    if port.service is PortOwner.CONTAINER:
        return f"{port.owner}:{question.port}{protocol}"
    return f"host:{question.port}{protocol} ({port.owner})"


def _cause(row: BoardRow, width: int) -> Iterator[Line]:
    if row.cause is None:
        return
    place = row.worst.place
    lines = paragraph(f"{place}: {row.cause.sentence}", width, first="    ", rest="    ")
    for number, line in enumerate(lines[:CAUSE_LINES]):
        cut = number == CAUSE_LINES - 1 and len(lines) > CAUSE_LINES
        yield Line((Span(clip(line, width - 1) + "…" if cut else line, Role.DIM),))
