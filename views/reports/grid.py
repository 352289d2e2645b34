"""The reachability matrix as tables for documents, and as CSV for spreadsheets.

Pure. In a table a row is a port and a column a vantage point; a cell has its mark and its symptom, and as a note where
it ends. CSV (RFC 4180) has a row for each cell instead, so that it can be filtered and joined.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from engine.model.matrix import Cell, Matrix, MatrixPort
from engine.model.verdict import Question
from views.harmless import clean
from views.reports.everywhere import SIGNS
from views.reports.sheet import Sheet

#: What a cell begins with that a spreadsheet takes for a formula (OWASP, CSV Injection).
FORMULA = ("=", "+", "-", "@", "=", "+", "-", "@")
COLUMNS = ("service", "owner", "target", "from", "reach", "symptom", "ends")


def matrix_sheets(matrix: Matrix) -> Iterator[Sheet]:
    """The warning list, where there is one, and the matrix."""
    if matrix.exposures:
        rows = tuple(
            (one.sentence, target(one.port.question), ", ".join(one.vantages), one.code) for one in matrix.exposures
        )
        tells = "Reachable from more places than intended, probably."
        yield Sheet("exposures", "Warnings", tells, ("What", "Port", "Reached from", "Code"), rows)
    yield _grid(matrix)


def _grid(matrix: Matrix) -> Sheet:
    tells = "Every published port and listener, from every vantage point."
    if matrix.left_out:
        tells += f" One container represents each network; {matrix.left_out} more containers are left out."
    rows: list[tuple[str, ...]] = []
    notes: dict[tuple[int, int], str] = {}
    for number, row in enumerate(matrix.rows):
        cells = dict(row.cells)
        found = [cells.get(name) for name in matrix.vantages]
        rows.append((*_port(row.port), *(_short(cell) for cell in found)))
        notes |= {(number, place): cell.ends for place, cell in enumerate(found, 3) if cell is not None}
    return Sheet("matrix", "Reachability", tells, ("Port", "Owner", "Kind", *matrix.vantages), tuple(rows), notes)


def _port(port: MatrixPort) -> tuple[str, str, str]:
    return target(port.question), port.owner, str(port.service)


def target(question: Question) -> str:
    """`10.0.0.1:80/tcp`, `[fe80::1]:80/tcp`."""
    return question.end


def _short(cell: Cell | None) -> str:
    return f"{SIGNS[cell.reach]} {cell.symptom}" if cell else ""


def write_csv(matrix: Matrix) -> str:
    """All cells, with a heading. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for row in matrix.rows:
        port = row.port
        for name, cell in row.cells:
            where = target(cell.question)
            words = (str(port.service), port.owner, where, name, str(cell.reach), str(cell.symptom), cell.ends)
            table.writerow([_harmless(word) for word in words])
    return text.getvalue()


def _harmless(word: str) -> str:
    found = clean(word)
    return f"'{found}" if found.startswith(FORMULA) else found
