"""Starts the programs of a plan together: one process for all listeners, one for the published ports it holds, one that
answers names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from engine.apply.hands.programs import Listeners
from engine.apply.step import Site
from engine.change.program import PROGRAMS, ROOT_NETNS, AnswerNames, RelayPort, Serve, Start
from engine.model.plan import Change

SERVER, RELAY, NAMES = "engine.apply.server", "engine.apply.relay", "engine.apply.names"


def launch(changes: Iterable[Change], site: Site) -> list[Listeners]:
    """Starts what is a program among the changes, and waits until every port is open. Names are answered before a
    program starts that may ask for one.

    Raises BuildError with the reason when one cannot be; then none of them runs.
    """
    programs = [change for change in changes if isinstance(change, PROGRAMS)]
    asking = any(isinstance(change, Start) for change in programs)
    started: list[Listeners] = []
    waiting: list[Listeners] = []
    try:
        for module, words in _processes(programs, site):
            started.append(site.hands.serve(words, module))
            if module == NAMES and asking:
                site.notes.extend(started[-1].wait_until_ready())
            else:
                waiting.append(started[-1])
        for listeners in waiting:
            site.notes.extend(listeners.wait_until_ready())
    except BaseException:
        for listeners in started:
            listeners.end()
        raise
    return started


def _processes(programs: Iterable[Change], site: Site) -> Iterator[tuple[str, list[str]]]:
    """The processes to start, in their order: a module of Python, and its words."""
    listeners: list[str] = []
    relays: dict[tuple[str, str], list[str]] = {}
    names: list[str] = []
    for change in programs:
        if isinstance(change, AnswerNames):
            names += change.resolver_words(site.where)
        elif isinstance(change, Serve):
            listeners.append(change.server_words(_path(change, site)))
        elif isinstance(change, Start):
            listeners.append(json.dumps([_path(change, site), *change.words]))
        elif isinstance(change, RelayPort):
            relays.setdefault((change.holder, _path(change, site)), []).append(change.relay_words)
    if names:
        yield NAMES, names
    if listeners:
        yield SERVER, listeners
    for (holder, path), ports in relays.items():
        yield RELAY, [holder, path, *ports]


def _path(change: Serve | Start | RelayPort, site: Site) -> str:
    return site.where.path(change.netns) or ROOT_NETNS
