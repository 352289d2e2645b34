"""`portscope when`: when a port stopped answering, and what change did it, as the flight recorder's store says."""

from __future__ import annotations

from argparse import Namespace

from engine.model.packet import Protocol
from engine.observe.base.garbage import uncollected
from views.reports import when
from workbench import output
from workbench.exits import EXIT_OF_REACH, Exit
from workbench.recording.past import opened, past_of


@uncollected()
def run(arguments: Namespace) -> Exit:
    """Searches the store. The exit code is that of the answer now, as the store knows it."""
    with opened(arguments.store) as history:
        past = past_of(history, arguments.target, arguments.source, Protocol(arguments.protocol))
    if arguments.json:
        output.emit_whole(when.dumps(past))
    elif arguments.flips:
        output.emit_whole(when.table(past))
    else:
        output.emit_whole(when.render(past))
    return EXIT_OF_REACH[past.now.reach] if past.now is not None else Exit.UNDECIDED
