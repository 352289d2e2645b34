"""`portscope demo`: a lab with a fault, for as long as the workbench is open.

An ordinary user's lab lives in a user namespace, which this process has to enter before anything in it starts a
thread. The lab is removed however this ends (`engine.lab.running`). Without a terminal the answer is printed instead.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from engine.apply import userns
from engine.apply.errors import BuildError
from engine.apply.namespaces import run_in
from engine.lab import description
from engine.lab.running import DemoLab, demo_lab
from engine.model.host import Snapshot
from engine.records import replace
from workbench import output, world
from workbench.exits import Exit, Refusal, complain, refused

if TYPE_CHECKING:
    from engine.observe.watch.watch import Update
    from workbench.session.first_look import FirstLook


def run(_arguments: Namespace) -> Exit:
    """Builds, shows and removes the lab."""
    try:
        if not userns.privileged():
            userns.enter()
            complain("not root: the demo runs in a user namespace of its own")
        with demo_lab() as lab:
            for line in lab.left:
                complain(f"leftover of an earlier demo: {line}")
            return show(lab) if output.has_terminal() else tell(lab)
    except BuildError as error:
        raise refused(str(error)) from error


def show(lab: DemoLab) -> Exit:
    """The workbench on the lab, with its question asked."""
    from views.verdict.ask import Ask  # noqa: PLC0415 - only a terminal needs Textual
    from workbench.commands.screen import draw  # noqa: PLC0415
    from workbench.session.sources import Given  # noqa: PLC0415

    title = f"demo lab {lab.name}"
    source = Given(
        title,
        lambda: look_into(lab),
        live=True,
        writable=True,
        watch=partial(watch_in, lab),
        traffic=partial(run_in, lab.host, world.traffic),
    )
    return draw(source, Ask(lab.target, lab.source), start="tour")


def tell(lab: DemoLab) -> Exit:
    """The answer in words."""
    from workbench.commands import answering  # noqa: PLC0415 - a terminal's first picture comes first

    complain(f"no terminal: here is why {lab.target} cannot be reached from {lab.source} in the demo lab")
    answering.tell(answering.answer(look_into(lab), lab.target, lab.source))
    return Exit.DONE


def look_into(lab: DemoLab) -> Snapshot:
    """The lab, seen from its own host, and nothing else of the machine. Raises `Refusal`."""
    try:
        return description.alone(run_in(lab.host, lambda: world.look(world.of_lab(lab.name))), lab.lab)
    except OSError as error:
        raise _closed(error) from error


def watch_in(lab: DemoLab, stop: Event) -> Iterator[Update | FirstLook]:
    """The lab's updates, from a process that enters the lab. Raises `Refusal`."""
    from engine.observe.watch.watch import Update  # noqa: PLC0415
    from workbench.session.looking import watch_apart  # noqa: PLC0415

    for seen in watch_apart(stop, lab.name, str(lab.host)):
        if isinstance(seen, Update):
            yield replace(seen, snapshot=description.alone(seen.snapshot, lab.lab))
        else:
            yield seen


def _closed(error: OSError) -> Refusal:
    return refused(f"cannot enter the lab: {error.strerror or error}; was it removed in the meantime?")
