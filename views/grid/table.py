"""The reachability matrix as a table of marks: what each says in full, and whether it differs from before. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.matrix import Cell, Exposure, Matrix, MatrixPort
from engine.model.verdict import Reach
from engine.records import dataclass, replace
from views.symptoms import ENDED
from views.text import Line, Role, Span, paragraph
from views.verdict.ask import Ask
from views.verdict.board import port_name
from views.verdict.outline import HEADLINES
from views.verdict.survey import ask_of

#: So many findings of a kind are said one by one; of more the first, and how many there are.
MOST_ALIKE = 3


@dataclass(frozen=True, slots=True)
class GridCell:
    """A mark, its sentence, and the question that it answers. `before` is the mark that it had, "" for the same."""

    mark: str
    role: Role
    sentence: str
    ask: Ask
    before: str = ""


@dataclass(frozen=True, slots=True)
class GridRow:
    """A port, with a cell for each column; None where it cannot be asked from there."""

    label: str
    cells: tuple[GridCell | None, ...]

    @property
    def failing(self) -> bool:
        """Whether one of its cells says no."""
        return any(cell is not None and cell.mark == HEADLINES[Reach.NO][0][0] for cell in self.cells)

    @property
    def changed(self) -> bool:
        """Whether one of its cells was another one before."""
        return any(cell is not None and cell.before for cell in self.cells)


@dataclass(frozen=True, slots=True)
class GridTable:
    """Places by name, ports in rows, and what is to be known beside them."""

    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    findings: tuple[Exposure, ...] = ()
    left_out: int = 0

    @property
    def failing(self) -> GridTable:
        """The rows alone in which something cannot be reached, or is another thing than before."""
        return replace(self, rows=tuple(row for row in self.rows if row.failing or row.changed))


def grid_table(matrix: Matrix, host: str, before: Matrix | None = None) -> GridTable:
    """The table; with an earlier matrix each cell knows what it was there."""
    known_rows = before.rows if before is not None else ()
    earlier = {(row.port.question.end, name): cell for row in known_rows for name, cell in row.cells}
    rows = []
    for row in matrix.rows:
        known = dict(row.cells)
        found = [
            _cell(row.port, name, known[name], host, earlier.get((row.port.question.end, name)))
            if name in known
            else None
            for name in matrix.vantages
        ]
        rows.append(GridRow(port_name(row.port), tuple(found)))
    return GridTable(matrix.vantages, tuple(rows), matrix.exposures, matrix.left_out)


def _cell(port: MatrixPort, place: str, cell: Cell, host: str, earlier: Cell | None) -> GridCell:
    mark, role = HEADLINES[cell.reach]
    was = HEADLINES[earlier.reach][0][0] if earlier is not None and earlier.reach is not cell.reach else ""
    ends = "" if cell.reach is Reach.YES else f": {ENDED[cell.outcome]} in {cell.netns}{_at(cell)}"
    changed = f", {was} before" if was else ""
    sentence = f"{place} → {port_name(port)}  {mark[0]} {cell.symptom}{changed}{ends}"
    return GridCell(mark[0], role, sentence, ask_of(cell.question, host), was)


def _at(cell: Cell) -> str:
    """At what it ends, unless that is the namespace itself."""
    return f", {cell.at}" if cell.at != cell.netns else ""


def finding_lines(table: GridTable, width: int, *, whole: bool = False) -> list[Line]:
    """What is reached from where its owner probably did not mean it: alike ones in one line, unless all are wanted."""
    groups: dict[str, list[Exposure]] = {}
    for each in table.findings:
        groups.setdefault(each.code, []).append(each)
    said: list[str] = []
    for alike in groups.values():
        few = alike if whole or len(alike) <= MOST_ALIKE else alike[:1]
        said += dict.fromkeys(each.sentence for each in few)
        if len(few) < len(alike):
            said[-1] += f" · and {len(alike) - 1} more like it"
    lines = [Line((Span(line, Role.WARN),)) for text in said for line in paragraph(text, width, first="! ")]
    if table.left_out:
        text = f"One container stands for each network; {table.left_out} more are left out."
        lines += [Line((Span(line, Role.DIM),)) for line in paragraph(text, width)]
    return lines


def summary(table: GridTable) -> str:
    """How many of how many, in words."""
    found = [cell for row in table.rows for cell in row.cells if cell is not None]
    bad = sum(cell.mark == HEADLINES[Reach.NO][0][0] for cell in found)
    turned = sum(bool(cell.before) for cell in found)
    changed = f" · {turned} changed" if turned else ""
    return (
        f"{_count(table.rows, 'port')} × {_count(table.columns, 'place')}: {bad} of {len(found)} not reachable{changed}"
    )


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"
