"""`portscope config`: every setting with its default, as the file that can be edited."""

from __future__ import annotations

from argparse import Namespace

from workbench import output, settings
from workbench.exits import Exit


def run(_arguments: Namespace) -> Exit:
    """Prints the file."""
    output.emit(settings.template())
    return Exit.DONE
