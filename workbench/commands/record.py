"""`portscope record`: the flight recorder, and its installation as a service of systemd.

It ends by Ctrl-C or SIGTERM, with exit code 0: whatever was seen until then is in the store.
"""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from argparse import Namespace
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

from engine.observe.watch.executions import Executions
from engine.read_only import may
from engine.recorder.errors import StoreDamaged, StoreError
from engine.recorder.keeping import Keep, Keeper, set_aside
from workbench import output, world
from workbench.exits import Exit, complain, refused, usage
from workbench.files import save
from workbench.recording import unit
from workbench.recording.amounts import age_words
from workbench.recording.on_flip import OnFlip
from workbench.recording.past import default_store
from workbench.recording.service import Service
from workbench.recording.watched import Watched


def run(arguments: Namespace) -> Exit:
    """Records until it is told to end. Raises `Refusal`."""
    store = (arguments.store or default_store()).absolute()
    argv = _argv(arguments.on_flip)
    if argv and not arguments.asks:
        raise usage("--on-flip goes with --ask: name a question whose answer is watched")
    if arguments.install:
        return _install(arguments, store)
    may(f"write {store}")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with ExitStack() as stack:
        keeper = stack.enter_context(_keeper(store, Keep(arguments.keep, arguments.largest)))
        makers = stack.enter_context(Executions(users=arguments.who))
        on_flip = OnFlip(argv, complain)
        stack.callback(on_flip.close)
        service = Service(keeper, [Watched(*each) for each in arguments.asks], on_flip, _say, complain)
        complain(f"every change of this host goes into {keeper.path}; Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            service.run(world.watch(stop, makers=makers))
    return Exit.DONE


def _say(line: str) -> None:
    output.emit(f"{line}\n")
    sys.stdout.flush()


def _argv(command: str | None) -> list[str]:
    """The words of a command, which no shell reads. Raises `Refusal`."""
    if command is None:
        return []
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise usage(f"--on-flip {command!r:.60}: {error}") from error
    if not words:
        raise usage("--on-flip names no command")
    return words


def _keeper(store: Path, keep: Keep) -> Keeper:
    """The store to write; a damaged one is moved aside, which is said. Raises `Refusal`."""
    try:
        try:
            return Keeper(store, keep)
        except StoreDamaged as error:
            aside = set_aside(store, lambda: f"{datetime.now(UTC):%Y%m%d-%H%M%S}")
            complain(f"{error}; it is moved to {aside}, and a new store begins")
            return Keeper(store, keep)
    except StoreError as error:
        raise refused(str(error)) from error


def _install(arguments: Namespace, store: Path) -> Exit:
    """Shows the unit, and writes it after a yes. Raises `Refusal`."""
    try:
        text = unit.text(store, _options(arguments))
    except ValueError as error:
        raise usage(str(error)) from error
    target = unit.FOLDER / unit.NAME
    output.emit(f"{target}:\n\n{text}\n")
    if not arguments.yes and not _agreed(target):
        complain("nothing was written")
        return Exit.DONE
    save(text.encode(), target, force=arguments.force)
    output.emit(f"written; start it with: systemctl daemon-reload && systemctl enable --now {unit.NAME}\n")
    return Exit.DONE


def _agreed(target: Path) -> bool:
    """Whether the user wants it written. Raises `Refusal` where nobody can be asked."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise usage("--install asks before it writes: run it in a terminal, or add --yes")
    output.emit(f"write {target}? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _options(arguments: Namespace) -> list[str]:
    """The options of the service: those that were given."""
    words = ["--keep", age_words(arguments.keep), "--largest", str(arguments.largest)]
    for target, source in arguments.asks:
        words += ["--ask", target, "--from", source]
    words += ["--on-flip", arguments.on_flip] if arguments.on_flip else []
    return words + (["--who"] if arguments.who else [])
