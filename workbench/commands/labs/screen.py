"""`portscope lab` and `portscope lab open NAME`: labs in the workbench, built, changed, broken and mended by menu.

Labs stay until they are taken down, as those of `portscope lab up` do. An ordinary user's labs live in a user
namespace, which this process has to join before anything in it starts a thread.
"""

from __future__ import annotations

from argparse import Namespace

from engine.apply import holder, userns
from engine.apply.errors import BuildError
from workbench.commands.screen import draw, need_terminal
from workbench.exits import Exit, complain, refused


def run(arguments: Namespace) -> Exit:
    """Opens the workbench on the lab, or with the menu."""
    need_terminal("'portscope lab --help' lists the verbs that need none")
    if not userns.privileged():
        try:
            holder.join(start=True)
        except BuildError as error:
            raise refused(str(error)) from error
        complain("not root: your labs are in a user namespace of their own")
    from workbench.labs.source import LabSource, question  # noqa: PLC0415 - after the user namespace is entered
    from workbench.session.sources import LiveHost  # noqa: PLC0415

    if arguments.name:
        return draw(LabSource(arguments.name), question(arguments.name))
    return draw(LiveHost("this user's namespace" if userns.entered() else "this host"), start="labs")
