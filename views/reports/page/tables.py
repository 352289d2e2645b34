"""A sheet as a table of a page."""

from __future__ import annotations

from collections.abc import Iterator

from views.reports.formats.names import xml
from views.reports.sheet import Sheet

#: A table of more columns than this does not fit a printed page unless words are broken.
WIDE = 9
#: The class of a cell by the mark that it begins with.
MARKS = {"✓": "yes", "✗": "no", "?": "depends"}


def section(sheet: Sheet) -> Iterator[str]:
    """A section with its heading and its table."""
    wide = ' class="wide"' if len(sheet.columns) > WIDE else ""
    yield f'<section aria-labelledby="{sheet.name}"><h2 id="{sheet.name}">{xml(sheet.title)}</h2>'
    yield f'<div class="sheet" tabindex="0" role="group" aria-labelledby="{sheet.name}"><table{wide}>'
    count = f"{len(sheet.rows)} {'row' if len(sheet.rows) == 1 else 'rows'}"
    yield f"<caption>{xml(sheet.tells)} {count}.</caption>"
    yield f"{head(sheet.columns)}<tbody>"
    for number, row in enumerate(sheet.rows):
        kind = ' class="head"' if number in sheet.heads else ""
        yield f"<tr{kind}>" + "".join(_cell(sheet, number, place, cell) for place, cell in enumerate(row)) + "</tr>"
    yield "</tbody></table></div></section>"


def head(columns: tuple[str, ...]) -> str:
    """The names of columns."""
    cells = "".join(f'<th scope="col">{xml(column)}</th>' for column in columns)
    return f"<thead><tr>{cells}</tr></thead>"


def _cell(sheet: Sheet, row: int, column: int, text: str) -> str:
    """A cell; where it has a note, the note unfolds below it."""
    note = sheet.notes.get((row, column))
    mark = MARKS.get(text[:1], "")
    kind = f' class="{mark}"' if mark else ""
    if note is None:
        return f"<td{kind}>{xml(text)}</td>"
    return f"<td{kind}><details><summary>{xml(text)}</summary>{xml(note)}</details></td>"
