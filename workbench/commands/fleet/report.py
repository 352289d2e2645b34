"""`portscope fleet report`: the fleet as one HTML page."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from engine.fleet.asking import reach
from engine.fleet.summing import (
    MOST_ROWS,
    CauseCount,
    ExposedPort,
    ServiceCount,
    Summary,
    Unanswered,
    ZoneCount,
    summed,
)
from views.reports.page.fleet import FleetPage, render
from views.reports.page.listing import Listing
from views.reports.sheet import Sheet
from workbench import output
from workbench.commands.fleet.refusing import refusing
from workbench.exits import Exit
from workbench.files import keep, save

_ZONES = (
    "zone",
    "hosts",
    "ports asked",
    "reached",
    "of these probably not meant",
    "not reached",
    "depends",
    "no client",
)
_SERVICES = ("why not meant", "image", "program", "port", "protocol", "hosts", "from")
_LISTED = (
    "host",
    "container",
    "image",
    "address",
    "program",
    "why not meant",
    "from",
    "the rule that it passes",
    "fix",
)
_CAUSES = ("cause", "ports", "hosts", "a fix of one of them")


def run(arguments: Namespace) -> Exit:
    """Writes the page. Raises `Refusal`."""
    keep(arguments.output, force=arguments.force)
    with refusing(), reach(arguments.place) as rows:
        summary = summed(rows)
    text = render(_page(arguments.place, summary))
    if arguments.output:
        save(text.encode("utf-8", "backslashreplace"), arguments.output, force=arguments.force)
    else:
        output.emit_whole(text)
    return Exit.DONE


def _page(place: str, summary: Summary) -> FleetPage:
    about = (
        ("fleet", place),
        ("hosts", str(summary.hosts)),
        ("snapshots", " to ".join(dict.fromkeys(filter(None, (summary.first, summary.last))))),
        ("probably not meant", f"{summary.exposed} ports"),
    )
    return FleetPage(f"Fleet: {summary.hosts} hosts", about, _above(summary), _listing(summary), _below(summary))


def _above(summary: Summary) -> tuple[Sheet, ...]:
    zones = "How the open ports of all hosts answer, by where the client is."
    services = f"The same service on several hosts, the most common first; at most {MOST_ROWS}."
    return (
        _sheet("zones", "By zone", zones, _ZONES, summary.zones),
        _sheet("services", "Probably not meant to be reached, by service", services, _SERVICES, summary.services),
    )


def _below(summary: Summary) -> tuple[Sheet, ...]:
    dead = _sheet(
        "causes",
        "Published, and not reached",
        "Published ports that a client of a zone cannot reach, by why.",
        _CAUSES,
        summary.causes,
    )
    why = _sheet("unanswered", "Hosts without an answer", "Why.", Unanswered._fields, summary.unanswered)
    return (dead, why) if summary.unanswered else (dead,)


def _sheet(
    name: str,
    title: str,
    tells: str,
    columns: tuple[str, ...],
    rows: Iterable[ZoneCount | ServiceCount | CauseCount | Unanswered],
) -> Sheet:
    return Sheet(name, title, tells, columns, tuple(tuple(map(str, row)) for row in rows))


def _listing(summary: Summary) -> Listing:
    tells = "Each port with the zones that reach it."
    filters = (_LISTED.index("why not meant"), _LISTED.index("from"))
    rows = [_row(each) for each in summary.exposures]
    return Listing("exposed", "Every such port", tells, _LISTED, rows, filters, summary.exposed)


def _row(each: ExposedPort) -> tuple[str, ...]:
    address = f"[{each.address}]" if ":" in each.address else each.address
    end = f"{address}:{each.port}/{each.protocol}"
    return each.host, each.container, each.image, end, each.process, each.intended, each.zones, each.past, each.fix
