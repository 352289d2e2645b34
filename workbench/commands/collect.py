"""`portscope collect`: prints the script that gathers a snapshot on a machine where portscope is not."""

from __future__ import annotations

from argparse import Namespace

from engine.observe.collected import script
from workbench import output
from workbench.exits import Exit


def run(_arguments: Namespace) -> Exit:
    """Prints it."""
    output.emit(script())
    return Exit.DONE
