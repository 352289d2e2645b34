"""`portscope` and `portscope open`: the workbench on this host, or on a file.

A full-screen program needs a terminal. Without one nothing is drawn, and a line says which command prints instead.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench import output, world
from workbench.exits import Exit, usage

if TYPE_CHECKING:
    from views.verdict.ask import Ask
    from workbench.sources import Source


def run(arguments: Namespace) -> Exit:
    """Opens the workbench that was asked for."""
    return live(arguments) if arguments.file is None else saved(arguments)


def live(arguments: Namespace) -> Exit:
    """This host, looked at again and again; read-only unless the user asked for more."""
    need_terminal("'portscope why TARGET' answers in words, 'portscope snapshot' prints everything")
    from workbench.sources import LiveHost  # noqa: PLC0415 - only a terminal needs Textual

    source = LiveHost(writable=arguments.write and not arguments.read_only)
    return draw(source, read_only=arguments.read_only)


def saved(arguments: Namespace) -> Exit:
    """A snapshot from a file, which is read before the screen is taken: a broken one is an error in words."""
    snapshot = world.load(arguments.file)
    need_terminal(f"'portscope why TARGET --snapshot {arguments.file}' answers in words")
    from workbench.sources import Given  # noqa: PLC0415 - only a terminal needs Textual

    return draw(Given(arguments.file.name, lambda: snapshot), read_only=arguments.read_only)


def draw(source: Source, ask: Ask | None = None, start: str = "", *, read_only: bool = False) -> Exit:
    """Runs the workbench until its user leaves it. `start` is an action to begin with.

    An end by a fault is told by Textual itself.
    """
    from workbench import settings  # noqa: PLC0415 - only a terminal needs Textual
    from workbench.app import run  # noqa: PLC0415

    if output.served():
        from workbench.serving.leaving import leave_with_the_page  # noqa: PLC0415

        leave_with_the_page()
    found = replace(settings.load(), read_only=read_only)
    return Exit.DONE if run(source, ask, found, start) == 0 else Exit.REFUSED


def need_terminal(instead: str) -> None:
    """Raises `Refusal` where a full-screen program cannot run."""
    if not output.has_terminal():
        raise usage(f"the workbench needs a terminal on stdin, stdout and stderr; {instead}")
