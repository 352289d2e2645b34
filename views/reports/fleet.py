"""Rows of a fleet as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from views.harmless import clean
from views.text import in_columns


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns under their names; a value that is not there is empty."""
    shown = [tuple("" if cell is None else clean(str(cell)) for cell in row) for row in (columns, *rows)]
    return "".join(f"{line.rstrip()}\n" for line in in_columns(shown))
