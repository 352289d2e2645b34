"""`portscope serve`: the workbench in a browser, on this host or on a saved one, read-only unless asked."""

from __future__ import annotations

import shlex
from argparse import Namespace

from engine.programs import python
from workbench import world
from workbench.exits import Exit, usage


def run(arguments: Namespace) -> Exit:
    """Serves until it is interrupted."""
    from workbench.serving import serve  # noqa: PLC0415 - an extra

    if not 1 <= arguments.port <= 65535:
        raise usage(f"port {arguments.port} is not between 1 and 65535")
    words = ["--write" if arguments.write else "--read-only"]
    if arguments.file is not None:
        world.load(arguments.file)
        words += ["open", str(arguments.file.resolve())]
    title = f"portscope {arguments.file.name}" if arguments.file is not None else "portscope"
    serve(shlex.join(python("-m", "workbench.start", *words)), arguments.port, title)
    return Exit.DONE
