"""`portscope fleet exposed`: what is reached from a zone, on which hosts, and whether it was meant to be."""

from __future__ import annotations

import json
from argparse import Namespace

from engine.fleet.asking import Rows, reach
from engine.fleet.errors import FleetError
from engine.fleet.rows import LISTENING, PUBLISHED
from views.reports.fleet import table
from workbench import output
from workbench.commands.fleet.refusing import refusing
from workbench.exits import Exit

SCHEMA = "portscope.exposed/1"
COLUMNS = ("host", "container", "address", "port", "protocol", "process", "intended", "past", "cause", "fix")
#: Of these, the ones that a line of the table has: a rule and a fix are long.
SHORT = COLUMNS[:7]
_MEANT = f"intended in ('{PUBLISHED}', '{LISTENING}')"


def run(arguments: Namespace) -> Exit:
    """Lists them. Raises `Refusal`."""
    with refusing(), reach(arguments.place) as rows:
        found = _found(rows, arguments.zone, unintended=arguments.unintended)
    if arguments.json:
        ports = [dict(zip(COLUMNS, each, strict=True)) for each in found]
        document = {"schema": SCHEMA, "zone": arguments.zone, "unintended": arguments.unintended, "ports": ports}
        output.emit_whole(json.dumps(document, indent=1) + "\n")
        return Exit.DONE
    what = "ports that were probably not meant to be" if arguments.unintended else "ports"
    hosts = len({each[0] for each in found})
    output.emit(f"{len(found)} {what} reached from {arguments.zone}, on {hosts} hosts\n")
    if found:
        output.emit("\n" + table(SHORT, (each[: len(SHORT)] for each in found)))
    return Exit.DONE


def _found(rows: Rows, zone: str, *, unintended: bool) -> list[tuple[object, ...]]:
    """The rows of a zone, what was not meant first. Raises FleetError for a zone that nothing was asked from."""
    zones = [each[0] for each in rows.ask("select distinct zone from reach where zone <> '' order by zone").rows]
    if zone not in zones:
        known = ", ".join(zones) or "none"
        raise FleetError(f"no row is from the zone {zone!r:.80} (there are: {known}): 'portscope fleet answer' asks")
    only = f" and not {_MEANT}" if unintended else ""
    order = f"order by {_MEANT}, host, port, protocol, address"
    sql = f"select {', '.join(COLUMNS)} from reach where verdict = 'yes' and zone = ?{only} {order}"
    return list(rows.ask(sql, [zone]).rows)
