"""A fleet in numbers, and the list of what is reached and was probably not meant to be."""

from __future__ import annotations

from typing import NamedTuple

from engine.fleet.asking import Rows
from engine.fleet.rows import LISTENING, PUBLISHED

#: Exposures that are listed, and rows of each table: a page of ten thousand hosts is one that a browser opens.
MOST_LISTED, MOST_ROWS = 20_000, 100

#: What is reached and meant to be, and what is not, as SQL.
MEANT = f"intended in ('{PUBLISHED}', '{LISTENING}')"
REACHED = "verdict = 'yes'"
EXPOSED = f"{REACHED} and not {MEANT}"


class ZoneCount(NamedTuple):
    """Cells of a zone by how they end; `unasked` have no client there."""

    zone: str
    hosts: int
    cells: int
    reached: int
    exposed: int
    blocked: int
    depends: int
    unasked: int


class ServiceCount(NamedTuple):
    """What is exposed alike on several hosts."""

    intended: str
    image: str
    process: str
    port: int
    protocol: str
    hosts: int
    zones: str


class CauseCount(NamedTuple):
    """Published ports that cannot be reached, by why, with the fix of one of them."""

    cause: str
    ports: int
    hosts: int
    fix: str


class ExposedPort(NamedTuple):
    """A port that was probably not meant to be reached, and from which zones it is."""

    host: str
    container: str
    image: str
    address: str
    port: int
    protocol: str
    process: str
    intended: str
    past: str
    cause: str
    fix: str
    zones: str


class Unanswered(NamedTuple):
    """A host without rows, and why."""

    host: str
    reason: str


class Summary(NamedTuple):
    """A whole fleet. `exposed` counts all exposures, of which `exposures` has the first."""

    hosts: int
    first: str
    last: str
    zones: list[ZoneCount]
    services: list[ServiceCount]
    causes: list[CauseCount]
    exposed: int
    exposures: list[ExposedPort]
    unanswered: list[Unanswered]


_ZONES = f"""
select zone, count(distinct host), count(*), count(*) filter ({REACHED}), count(*) filter ({EXPOSED}),
    count(*) filter (verdict = 'no'), count(*) filter (verdict = 'depends'), count(*) filter (verdict = '')
from reach where zone <> '' group by zone order by zone
"""
_SERVICES = f"""
select intended, image, process, port, protocol, count(distinct host) as hosts,
    string_agg(distinct zone, ', ' order by zone)
from reach where {EXPOSED} group by all
order by hosts desc, intended, image, process, port, protocol limit {MOST_ROWS}
"""
_CAUSES = f"""
select cause, count(distinct (host, container, port, protocol)) as ports, count(distinct host),
    coalesce(min(fix) filter (fix <> ''), '')
from reach where published <> '' and verdict = 'no' group by cause order by ports desc, cause limit {MOST_ROWS}
"""
_EXPOSURES = f"""
select host, container, image, address, port, protocol, process, intended, past, cause, fix,
    string_agg(distinct zone, ', ' order by zone)
from reach where {EXPOSED} group by all order by all
"""
_UNANSWERED = "select host, gap from reach where zone = '' and gap <> '' order by host"


def summed(rows: Rows) -> Summary:
    """Sums up the view `reach`. Raises FleetError."""
    [(hosts, first, last)] = rows.ask("select count(distinct host), min(taken), max(taken) from reach").rows
    [(exposed,)] = rows.ask(f"select count(*) from ({_EXPOSURES})").rows
    return Summary(
        hosts,
        first or "",
        last or "",
        [ZoneCount(*row) for row in rows.ask(_ZONES).rows],
        [ServiceCount(*row) for row in rows.ask(_SERVICES).rows],
        [CauseCount(*row) for row in rows.ask(_CAUSES).rows],
        exposed,
        [ExposedPort(*row) for row in rows.ask(f"{_EXPOSURES} limit {MOST_LISTED}").rows],
        [Unanswered(*row) for row in rows.ask(_UNANSWERED).rows],
    )
