"""What the TAB key offers in a shell: argcomplete asks the parsers, and here is what their words can be.

A word's kind is its metavar. What is read is this host, or the snapshot that the command line names; what cannot be
read is not offered, and nothing is said: the shell is in the middle of a line.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.model.host import Snapshot
from engine.model.packet import Protocol
from workbench import world
from workbench.exits import Refusal

#: How sources that are always there are called.
ALWAYS = ("host", "everywhere")

Words = Callable[..., Iterable[str]]


def complete(parser: argparse.ArgumentParser) -> None:
    """Prints what the shell asks for, and ends the process."""
    import argcomplete  # noqa: PLC0415 - it is loaded when the TAB key is pressed

    offer(parser)
    argcomplete.autocomplete(parser, always_complete_options="long")


def offer(parser: argparse.ArgumentParser) -> None:
    """Gives every word of a parser, and of those below it, what it can be."""
    from argcomplete import completers  # noqa: PLC0415 - see `complete`

    files, folders = completers.FilesCompleter(), completers.DirectoriesCompleter()
    kinds: dict[str, Any] = {**OFFERED, "FILE": files, "HOST": files, "BEFORE": files, "AFTER": files, "DIR": folders}
    for action in parser._actions:  # argparse has no public name for them
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                offer(below)
        elif isinstance(action.metavar, str) and action.choices is None:
            action.completer = kinds.get(action.metavar, nothing)  # type: ignore[attr-defined]


def targets(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Published ports, and containers with the ports that they publish or serve."""
    found: dict[str, None] = {}
    for snapshot in _snapshots(parsed_args):
        for container, port in snapshot.published:
            found[_end("", port.host_port, port.protocol)] = None
            found[_end(container.name, port.container_port, port.protocol)] = None
        for container in snapshot.containers:
            netns = snapshot.by_id.get(container.netns or snapshot.host)
            for listener in netns.listeners if netns is not None and netns.id != snapshot.host else ():
                found[_end(container.name, listener.port, listener.protocol)] = None
    return list(found)


def _end(name: str, port: int, protocol: Protocol) -> str:
    return f"{name}:{port}" + ("" if protocol is Protocol.TCP else f"/{protocol}")


def sources(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Containers, and namespaces that are not theirs."""
    found = [*ALWAYS]
    for snapshot in _snapshots(parsed_args):
        found += [each.name for each in snapshot.containers]
        found += [f"ns:{each.id}" for each in snapshot.namespaces if not snapshot.containers_in(each.id)]
    return found


def namespaces(parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """The same, without the words that only a source has."""
    return [word.removeprefix("ns:") for word in sources(parsed_args) if word not in ALWAYS]


def labs(**_: object) -> list[str]:
    """Labs that run, and those of the gallery."""
    from engine.lab import library, lifecycle  # noqa: PLC0415 - only a lab's verbs ask for them

    with suppress(OSError):
        return [*lifecycle.names(), *(f"gallery:{name}" for name in library.names())]
    return []


def _snapshots(parsed_args: argparse.Namespace) -> Iterator[Snapshot]:
    """The snapshot that the command line names, else this host's; none where it cannot be read."""
    file = getattr(parsed_args, "snapshot", None) or getattr(parsed_args, "file", None)
    with suppress(Refusal, OSError):
        yield world.load(Path(file)) if file else world.look()


def nothing(**_: object) -> list[str]:
    """A word that only the user knows."""
    return []


def codes(**_: object) -> list[str]:
    """Codes of causes, and terms of one word."""
    from engine.catalogue import CODES  # noqa: PLC0415 - see `complete`
    from engine.catalogue.words import WORDS  # noqa: PLC0415 - see `complete`

    return [*CODES, *(word.name for word in WORDS if " " not in word.name)]


#: What a word can be, by its metavar.
OFFERED: dict[str, Words] = {
    "TARGET": targets,
    "SOURCE": sources,
    "NETNS": namespaces,
    "NAME": labs,
    "CODE": codes,
}
