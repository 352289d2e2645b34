"""`portscope fleet diff`: which ports of two fleets are open or closed now, and which end for another reason."""

from __future__ import annotations

import json
from argparse import Namespace

from engine.fleet.asking import views
from engine.fleet.comparing import OTHERWISE, Comparison, compared
from views.reports.fleet import table
from workbench import output
from workbench.commands.fleet.refusing import refusing
from workbench.exits import Exit

SCHEMA = "portscope.fleet-diff/1"
COLUMNS = ("change", "host", "container", "address", "port", "protocol", "zone", "before", "after")
#: Hosts of one fleet alone that are named; and changes that a table shows.
MOST_NAMED, MOST_SHOWN = 5, 1000


def run(arguments: Namespace) -> Exit:
    """Compares; the exit code says whether a port was opened or closed. Raises `Refusal`."""
    with refusing(), views(before=arguments.place, after=arguments.other) as rows:
        found = compared(rows)
    if arguments.json:
        output.emit_whole(json.dumps(_document(found), indent=1) + "\n")
    else:
        _show(found, arguments.place, arguments.other)
    return Exit.NOT_REACHABLE if any(each.change != OTHERWISE for each in found.changes) else Exit.DONE


def _show(found: Comparison, before: str, after: str) -> None:
    for where, names in ((before, found.only_before), (after, found.only_after)):
        if names:
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            output.emit(f"only in {where}: {', '.join(names[:MOST_NAMED])}{more}\n")
    kinds = [each.change for each in found.changes]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds, reverse=True)))
    hosts = "1 host that is" if found.both == 1 else f"{found.both} hosts that are"
    asked = f", asked from {', '.join(found.zones)}" if found.zones else ""
    output.emit(f"{hosts} in both{asked}: {counts or 'no port ends otherwise'}\n")
    shown = [
        (each.change, *each.cell, _words(*each.before), _words(*each.after)) for each in found.changes[:MOST_SHOWN]
    ]
    if shown:
        output.emit("\n" + table(COLUMNS, shown))
    if len(kinds) > MOST_SHOWN:
        output.emit(f"… and {len(kinds) - MOST_SHOWN} more: --json prints all\n")


def _words(verdict: str, symptom: str, cause: str, intended: str) -> str:
    """An end in a few words."""
    if verdict == "yes":
        return f"yes, {intended}"
    return " ".join(filter(None, (verdict, symptom if verdict == "no" else "", cause))) or "-"


def _document(found: Comparison) -> dict[str, object]:
    changes = [
        {
            "change": each.change,
            **each.cell._asdict(),
            "before": each.before._asdict() if each.before.verdict else None,
            "after": each.after._asdict() if each.after.verdict else None,
        }
        for each in found.changes
    ]
    hosts = {"only_before": found.only_before, "only_after": found.only_after, "both": found.both}
    return {"schema": SCHEMA, "hosts": hosts, "zones": found.zones, "changes": changes}
