"""The rows of fleets by SQL: a view of each, in a DuckDB that can read nothing else and write nothing.

Statements are one SELECT (also WITH … SELECT); access to files and the network is off, and cannot be switched on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from engine.fleet.buckets import schema
from engine.fleet.errors import FleetError, FleetMissing
from engine.fleet.place import Place

VIEW = "reach"
#: Rows that are taken over at a time.
_BATCH = 10_000


class Selected(NamedTuple):
    """What a statement gives: the names of its columns, and its rows, which are made as they are read."""

    columns: Sequence[str]
    rows: Iterator[tuple[Any, ...]]


def reach(where: str) -> AbstractContextManager[Rows]:
    """The rows of a fleet, to ask for: the view `reach`. Raises FleetError."""
    return views(**{VIEW: where})


@contextmanager
def views(**places: str) -> Iterator[Rows]:
    """The rows of fleets, to ask for: views by their names. Raises FleetError."""
    try:
        import duckdb  # noqa: PLC0415
        from pyarrow import dataset  # noqa: PLC0415
    except ImportError:
        raise FleetMissing("duckdb and pyarrow") from None
    found = {}
    for name, where in places.items():
        place = Place(where)
        found[name] = dataset.dataset(place.buckets(), schema(), "parquet", place.filesystem)
    with duckdb.connect(":memory:", config={"python_enable_replacements": False}) as connection:
        for name, rows in found.items():
            connection.register(name, rows)
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        yield Rows(connection)


class Rows:
    """The views of fleets."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, sql: str, values: Sequence[object] = ()) -> Selected:
        """What one statement gives. Raises FleetError for one that is wrong, or is no SELECT."""
        import duckdb  # noqa: PLC0415

        try:
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1:
                raise FleetError(f"one statement at a time: these are {len(statements)}")
            if statements[0].type != duckdb.StatementType.SELECT:
                raise FleetError("only SELECT is answered: rows are changed by 'portscope fleet answer' alone")
            found = self._connection.execute(statements[0], values)
        except duckdb.Error as error:
            raise FleetError(f"SQL: {_line(error)}") from None
        return Selected([each[0] for each in found.description], _rows(found))


def _rows(found: Any) -> Iterator[tuple[Any, ...]]:
    import duckdb  # noqa: PLC0415

    try:
        while batch := found.fetchmany(_BATCH):
            yield from batch
    except duckdb.Error as error:
        raise FleetError(f"SQL: {_line(error)}") from None


def _line(error: Exception) -> str:
    """A complaint of DuckDB without the picture of where it is."""
    return " ".join(str(error).partition("\n\n")[0].split())
