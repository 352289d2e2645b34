"""What differs between two fleets, or between one and itself earlier: ports that are open or closed now, other reasons.

Only hosts and zones that both have are compared. A port that has another address on the other side, as containers have
after a start, is the same port: the addresses of what is left over are paired in their order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from engine.fleet.asking import Rows
from engine.fleet.errors import FleetError

BEFORE, AFTER = "before", "after"
OPENED, CLOSED, OTHERWISE = "opened", "closed", "another reason"


class CellEnd(NamedTuple):
    """What a cell ended with; all empty where the port is not there."""

    verdict: str = ""
    symptom: str = ""
    cause: str = ""
    intended: str = ""


class ComparedCell(NamedTuple):
    """A port of a host, asked from a zone."""

    host: str
    container: str
    address: str
    port: int
    protocol: str
    zone: str


class CellChange(NamedTuple):
    """A cell that ends otherwise."""

    change: str
    cell: ComparedCell
    before: CellEnd
    after: CellEnd


class Comparison(NamedTuple):
    """How two fleets differ: hosts that only one has, how many both have, zones that both were asked from, cells."""

    only_before: list[str]
    only_after: list[str]
    both: int
    zones: list[str]
    changes: list[CellChange]


def compared(rows: Rows) -> Comparison:
    """Compares the views `before` and `after`. Raises FleetError where they have no zone in common."""
    before, after = (_names(rows, "host", view) for view in (BEFORE, AFTER))
    zones = _names(rows, "zone", BEFORE) & _names(rows, "zone", AFTER)
    both = before & after
    if both and not zones:
        raise FleetError("the two have no zone in common: ask both from the same ones by 'portscope fleet answer'")
    return Comparison(sorted(before - both), sorted(after - both), len(both), sorted(zones), sorted(_changes(rows)))


def _names(rows: Rows, column: str, view: str) -> set[str]:
    return {name for (name,) in rows.ask(f"select distinct {column} from {view} where {column} <> ''").rows}


def _changes(rows: Rows) -> Iterator[CellChange]:
    old, new = _left(rows, BEFORE, AFTER), _left(rows, AFTER, BEFORE)
    for port in old.keys() | new.keys():
        for cell, was, ends in _paired(old.get(port, []), new.get(port, [])):
            if was != ends:
                yield CellChange(_kind(was, ends), cell, was, ends)


def _kind(was: CellEnd, ends: CellEnd) -> str:
    if was.verdict == ends.verdict or "yes" not in (was.verdict, ends.verdict):
        return OTHERWISE
    return OPENED if ends.verdict == "yes" else CLOSED


#: Cells that have no equal on the other side, with their ends.
Left = list[tuple[ComparedCell, CellEnd]]


def _left(rows: Rows, view: str, other: str) -> dict[object, Left]:
    """The cells of a view that the other one has not, or not with this end, by all of a cell but its address."""
    names = ", ".join((*ComparedCell._fields, *CellEnd._fields))
    asked = f"from {view} where zone in (select zone from {other}) and host in (select host from {other})"
    found: dict[object, Left] = defaultdict(list)
    sql = f"select {names} {asked} and zone <> '' except all select {names} from {other} order by {names}"
    for row in rows.ask(sql).rows:
        cell, end = ComparedCell(*row[: len(ComparedCell._fields)]), CellEnd(*row[len(ComparedCell._fields) :])
        found[cell._replace(address="6" if ":" in cell.address else "4")].append((cell, end))
    return found


def _paired(old: Left, new: Left) -> Iterator[tuple[ComparedCell, CellEnd, CellEnd]]:
    """A port's ends on both sides: those of the same address first, then the others in order."""
    there: dict[ComparedCell, deque[CellEnd]] = defaultdict(deque)
    for cell, end in new:
        there[cell].append(end)
    gone: Left = []
    for cell, end in old:
        if there[cell]:
            yield cell, end, there[cell].popleft()
        else:
            gone.append((cell, end))
    come = ((cell, end) for cell, ends in there.items() for end in ends)
    for was, ends in zip_longest(gone, come):
        yield (ends or was)[0], was[1] if was else CellEnd(), ends[1] if ends else CellEnd()
