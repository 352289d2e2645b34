"""Starts the programs of a plan together: one process for all listeners, one for the published ports it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable

from engine.apply.hands.programs import Listeners
from engine.apply.step import Site
from engine.change.program import PROGRAMS, ROOT_NETNS, RelayPort, Serve, Start
from engine.model.plan import Change


def launch(changes: Iterable[Change], site: Site) -> list[Listeners]:
    """Starts what is a program among the changes, and waits until every port is open.

    Raises BuildError with the reason when one cannot be; then none of them runs.
    """
    words: list[str] = []
    relays: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        path = site.where.path(change.netns) or ROOT_NETNS if isinstance(change, PROGRAMS) else ""
        if isinstance(change, Serve):
            words.append(change.server_words(path))
        elif isinstance(change, Start):
            words.append(json.dumps([path, *change.words]))
        elif isinstance(change, RelayPort):
            relays.setdefault((change.holder, path), []).append(change.relay_words)
    started: list[Listeners] = []
    try:
        if words:
            started.append(site.hands.serve(words))
        for (holder, path), ports in relays.items():
            started.append(site.hands.serve([holder, path, *ports], "engine.apply.relay"))
        for listeners in started:
            listeners.wait_until_ready()
    except BaseException:
        for listeners in started:
            listeners.end()
        raise
    return started
