"""`portscope fleet answer`: every open port of every host, from each zone, as rows."""

from __future__ import annotations

import sys
import time
from argparse import Namespace

from engine.fleet.buckets import Done
from engine.fleet.work import answer
from engine.fleet.zones import zones_of
from engine.read_only import may
from workbench import output
from workbench.commands.fleet.refusing import refusing
from workbench.exits import Exit, complain

#: Hosts without an answer that have a line; the rows have all of them.
MOST_NAMED = 10


def run(arguments: Namespace) -> Exit:
    """Answers what is new. Raises `Refusal`."""
    may(f"write {arguments.place}")
    meter = _Meter()
    with refusing():
        whole = answer(arguments.place, zones_of(arguments.zones), arguments.workers, arguments.scheduler, meter.done)
    for host, reason in whole.failed[:MOST_NAMED]:
        complain(f"{host}: {reason}")
    if len(whole.failed) > MOST_NAMED:
        complain(f"and {len(whole.failed) - MOST_NAMED} more hosts: their rows say why")
    output.emit(f"answered {whole.answered} hosts, {whole.cells} cells, {meter.words}; {whole.kept} were up to date\n")
    return Exit.UNDECIDED if whole.failed else Exit.DONE


class _Meter:
    """How far the work is, and how fast."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._cells = 0

    @property
    def words(self) -> str:
        """How long it took."""
        return f"in {time.monotonic() - self._began:.1f} s"

    def done(self, buckets: int, whole: int, part: Done) -> None:
        """A part is done: draws the rate and the time left."""
        self._cells += part.cells
        spent = time.monotonic() - self._began
        left = spent / buckets * (whole - buckets)
        if sys.stderr is not None and sys.stderr.isatty():
            output.progress(buckets, whole, f"parts · {self._cells / spent:.0f} cells a second · {left:.0f} s left ")
