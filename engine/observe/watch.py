"""`watch`: a snapshot whenever the host is another one, with what changed in words.

1. A notification of the kernel makes sources of its namespace stale (`subscriptions`); those alone are read again.
2. A burst is one update: it ends when nothing was heard for `QUIET` seconds, and after `LONGEST` in any case.
3. What nobody tells of is looked at now and then: listeners, sysctls, and tables of iptables-legacy every `RECHECK`
   seconds; processes, containers and namespaces every `RESCENE`, and at once when a file of a namespace comes or goes.
   A host that takes long to read is read less often, so that looking costs at most `SHARE` of a processor.
4. An update that would say nothing is not given: a snapshot comes with at least one change.
5. It runs in the caller's thread, from its network namespace, and ends within `TICK` seconds after `stop` is set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event

from engine.model.changes import Difference, changes
from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.observe.look import Look, again, look
from engine.observe.namespaces import NAMED
from engine.observe.part import Wanted, look_part
from engine.observe.snapshot import compose
from engine.observe.subscriptions import Stale, Subscriptions
from engine.observe.visit import Source

QUIET, LONGEST, TICK = 0.02, 0.2, 0.25
RECHECK, RESCENE, SHARE = 2.0, 6.0, 0.02
#: Folders whose entries are namespaces.
_FOLDERS = (NAMED, "/run/docker/netns")


@dataclass(frozen=True, slots=True)
class Update:
    """A snapshot, and how it differs from the one before; the first one has no changes."""

    snapshot: Snapshot
    changed: tuple[Difference, ...] = ()


class _Pace:
    """When something is due again: `interval` seconds after it was done, or later where it took long."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._began = time.monotonic()
        self._at = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time; then it begins now."""
        self._began = time.monotonic()
        return self._began >= self._at

    def done(self) -> None:
        """It was done just now."""
        now = time.monotonic()
        self._at = now + max(self._interval, (now - self._began) / SHARE)


def watch(stop: Event, wanted: Wanted | None = None) -> Iterator[Update]:
    """The host now, then each time that it is another one. Raises ObserveError as `snapshot.take` does.

    Of a host with many namespaces only those that are `wanted` are read and watched, where that is given.
    """
    shown: Snapshot | None = None
    scene, recheck = _Pace(RESCENE), _Pace(RECHECK)
    while not stop.is_set() and scene.due:
        files, seen = _files(), look() if wanted is None else look_part(wanted)
        with Subscriptions(seen.scene.places) as told:
            # Between the look and the subscription nobody listened.
            seen = again(seen, dict.fromkeys(seen.visits, (Source.STACK, Source.FIREWALL)))
            scene.done()
            recheck.done()
            while True:
                snapshot = compose(seen)
                found = changes(shown, snapshot) if shown is not None else ()
                if shown is None or found:
                    shown = snapshot
                    yield Update(snapshot, found)
                stale = _heard(told, stop, files, (scene, recheck))
                if stale is None:
                    break
                seen = again(seen, stale or _untold(seen))
                if not stale:
                    recheck.done()
        scene = _Pace(RESCENE)


def _heard(told: Subscriptions, stop: Event, files: object, paces: tuple[_Pace, _Pace]) -> Stale | None:
    """What is stale, as soon as something is; nothing when the recheck is due, None for a new scene or to stop."""
    scene, recheck = paces
    while not (stop.is_set() or scene.due or _files() != files):
        if stale := told.wait(TICK):
            return _burst(told, stale)
        if recheck.due:
            return {}
    return None


def _burst(told: Subscriptions, stale: Stale) -> Stale:
    """All that follows closely."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end and (more := told.wait(QUIET)):
        for netns, sources in more.items():
            stale.setdefault(netns, set()).update(sources)
    return stale


def _untold(seen: Look) -> Stale:
    """What changes without a notification."""
    stale: Stale = {netns: {Source.LISTENERS, Source.SYSCTLS} for netns in seen.visits}
    for netns, visit in seen.visits.items():
        if any(table.backend is Backend.XT_LEGACY for table in visit.firewall.tables):
            stale[netns].add(Source.FIREWALL)
    return stale


def _files() -> tuple[tuple[str, ...], ...]:
    """The names of the namespaces' files."""
    return tuple(map(_names, _FOLDERS))


def _names(folder: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(folder)))
    except OSError:
        return ()
