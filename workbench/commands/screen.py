"""`portscope` and `portscope open`: the workbench on this host, or on a file.

A full-screen program needs a terminal. Without one what it would show is printed: the network as `portscope report`
tells it.
"""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from engine.records import replace
from workbench import output, world
from workbench.exits import Exit, complain, usage

if TYPE_CHECKING:
    from engine.model.host import Snapshot
    from views.verdict.ask import Ask
    from workbench.session.sources import Source


def run(arguments: Namespace) -> Exit:
    """Opens the workbench that was asked for."""
    if arguments.at:
        return past(arguments)
    if arguments.file is not None:
        return saved(arguments)
    if arguments.opening:
        raise usage(
            "name a file of a snapshot, or a time of the recorder's store with --at; see 'portscope open --help'"
        )
    return live(arguments)


def live(arguments: Namespace) -> Exit:
    """This host, looked at again and again; read-only unless the user asked for more."""
    if not output.has_terminal():
        return tell(world.look(), "this host")
    from workbench.recording.earlier import Store  # noqa: PLC0415
    from workbench.session.sources import LiveHost  # noqa: PLC0415 - only a terminal needs Textual

    source = LiveHost(writable=arguments.write, recorded=Store())
    return draw(source, read_only=arguments.read_only)


def saved(arguments: Namespace) -> Exit:
    """A snapshot from a file, which is read before the screen is taken: a broken one is an error in words."""
    return given(world.load(arguments.file), arguments.file.name, arguments)


def past(arguments: Namespace) -> Exit:
    """The host as the recorder's store knows it of a time."""
    from workbench.recording.past import snapshot_at, spoken  # noqa: PLC0415 - most look at what is

    if arguments.file is not None:
        raise usage("--at opens the recorder's store: leave out FILE")
    snapshot = snapshot_at(arguments.at, arguments.store)
    return given(snapshot, f"this host at {spoken(arguments.at).astimezone():%Y-%m-%d %H:%M:%S}", arguments)


def given(snapshot: Snapshot, name: str, arguments: Namespace) -> Exit:
    """A snapshot that stays as it is."""
    if not output.has_terminal():
        return tell(snapshot, name)
    from workbench.session.sources import Given  # noqa: PLC0415 - only a terminal needs Textual

    return draw(Given(name, lambda: snapshot), read_only=arguments.read_only)


def tell(snapshot: Snapshot, name: str) -> Exit:
    """What the workbench would show, in words."""
    from views.reports.document import report  # noqa: PLC0415 - a terminal's first picture comes first
    from views.reports.writers import write  # noqa: PLC0415

    complain(f"no terminal: this is the network of {name}; 'portscope why TARGET' answers a question")
    output.emit(write(report(snapshot, [], None), "text"))
    return Exit.DONE


def draw(source: Source, ask: Ask | None = None, start: str = "", *, read_only: bool = False) -> Exit:
    """Runs the workbench until its user leaves it. `start` is an action to begin with.

    A fault that was seen meanwhile is told at the end.
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
