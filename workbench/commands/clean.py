"""`portscope clean`: removes what an earlier portscope that was killed left behind, and is marked as portscope's own.

That is a trace instance of tracefs, and a lab that was never up. A rule that makes the kernel trace cannot be left: its
table goes with the socket of the process that made it. Labs that stand are ended by `portscope lab down`.
"""

from __future__ import annotations

from argparse import Namespace

from engine.apply.errors import JournalError
from engine.apply.journal import state_directory
from engine.apply.run import sweep
from engine.prove.sources import drops
from workbench import output
from workbench.exits import Exit, complain, refused


def run(_arguments: Namespace) -> Exit:
    """Removes it, and names each thing on a line. What could not be removed is told on stderr."""
    removed = [f"trace instance {name}" for name in drops.sweep()]
    before = _labs()
    try:
        left = sweep()
    except JournalError as error:
        raise refused(str(error)) from error
    removed += [f"lab {name}" for name in sorted(before - _labs())]
    output.emit("".join(f"removed {what}\n" for what in removed) or "no leftovers\n")
    for line in left:
        complain(line)
    return Exit.REFUSED if left else Exit.DONE


def _labs() -> set[str]:
    place = state_directory()
    return {folder.name for folder in place.glob("*/")} if place.is_dir() else set()
