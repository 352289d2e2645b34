"""`portscope snapshot`: everything that was read, as versioned JSON, on stdout or in a file."""

from __future__ import annotations

from argparse import Namespace

from engine.observe.recording import dumps
from workbench import output, world
from workbench.exits import Exit, complain


def run(arguments: Namespace) -> Exit:
    """Looks once and writes. What could not be read is in the file, and is counted on stderr."""
    snapshot = world.look()
    if arguments.output:
        world.save(snapshot, arguments.output)
    else:
        output.emit(dumps(snapshot))
    if snapshot.gaps:
        complain(f"not everything could be read: the snapshot names {len(snapshot.gaps)} gap(s) with their reasons")
    return Exit.DONE
