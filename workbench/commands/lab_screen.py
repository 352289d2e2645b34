"""`portscope lab` and `portscope lab open NAME`: labs in the workbench, built, changed, broken and mended by menu.

An ordinary user's labs live in a user namespace, which this process has to enter before anything in it starts a thread;
they go with it. Those of root stay until they are taken down, as those of `portscope lab up` do.
"""

from __future__ import annotations

from argparse import Namespace

from engine.build import userns
from engine.build.errors import BuildError
from workbench.commands.screen import draw, need_terminal
from workbench.exits import Exit, complain, refused


def run(arguments: Namespace) -> Exit:
    """Opens the workbench on the lab, or with the menu."""
    need_terminal("'portscope lab --help' lists the verbs that need none")
    if not userns.privileged():
        try:
            userns.enter()
        except BuildError as error:
            raise refused(str(error)) from error
        complain("not root: labs are in a user namespace of this program, and go with it")
    from workbench.labs.source import LabSource, question  # noqa: PLC0415 - after the user namespace is entered
    from workbench.sources import LiveHost  # noqa: PLC0415

    if arguments.name:
        return draw(LabSource(arguments.name), question(arguments.name))
    return draw(LiveHost("a user namespace" if userns.entered() else "this host"), start="labs")
