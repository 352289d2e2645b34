"""`portscope fleet sql`: any question about the rows of a fleet."""

from __future__ import annotations

import json
from argparse import Namespace

from engine.fleet.asking import reach
from views.reports.fleet import table
from workbench import output
from workbench.commands.fleet.refusing import refusing
from workbench.exits import Exit

#: Rows that a table shows; a line of JSON each has no end.
MOST_SHOWN = 1000


def run(arguments: Namespace) -> Exit:
    """Prints what the statement gives. Raises `Refusal`."""
    with refusing(), reach(arguments.place) as rows:
        selected = rows.ask(arguments.sql)
        if arguments.json:
            for row in selected.rows:
                output.emit_whole(json.dumps(dict(zip(selected.columns, row, strict=True)), default=str) + "\n")
            return Exit.DONE
        found = list(selected.rows)
    output.emit(table(selected.columns, found[:MOST_SHOWN]))
    if len(found) > MOST_SHOWN:
        output.emit(f"… and {len(found) - MOST_SHOWN} more rows: --json prints all\n")
    return Exit.DONE
