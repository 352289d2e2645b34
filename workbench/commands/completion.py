"""`portscope completion`: prints what makes a shell complete portscope's words."""

from __future__ import annotations

from argparse import Namespace

from workbench import output
from workbench.exits import Exit


def run(arguments: Namespace) -> Exit:
    """Prints it."""
    from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - no other command needs it

    output.emit_whole(shellcode(["portscope"], shell=arguments.shell))
    return Exit.DONE
