"""`watch`: a snapshot whenever the host is another one, with what changed in words.

1. A notification of the kernel makes sources of its namespace stale (`subscriptions`); those alone are read again. A
   namespace that comes or goes, or an engine's event, sets a new scene, of which only new namespaces are read.
2. A burst is one update: it ends when nothing was heard for `QUIET` seconds, and after `LONGEST` in any case. The first
   change after a rest is shown at once.
3. What nobody tells of is looked at now and then, by the table `_UNTOLD`. Where that takes long it is done less often,
   so that it costs at most its share of a processor.
4. An update that would say nothing is not given: a snapshot comes with at least one change.
5. A snapshot was taken when notifications were last heard: what was read earlier and is not stale was true up to then,
   and nobody knows whether it is any later. Who compares it with a look of his own knows by that which one is newer.
6. It runs in the caller's thread, from its network namespace, and ends within `TICK` seconds after `stop` is set.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Event

from engine.model.changes import Difference, changes
from engine.model.firewall import Backend
from engine.model.host import Snapshot
from engine.observe.look import Look, Wanted, look_at, now, set_scene
from engine.observe.next_look import again, anew
from engine.observe.processes import ProcessTable, read_processes
from engine.observe.snapshot import compose
from engine.observe.subscriptions import Stale, Subscriptions, Told
from engine.observe.visit import Source

#: Seconds.
AT_ONCE, QUIET, LONGEST, TICK = 0.002, 0.02, 0.2, 0.25
#: A change comes after a rest when there was none for so many seconds.
REST = 0.5


@dataclass(frozen=True, slots=True)
class Update:
    """A snapshot, and how it differs from the one before; the first one has no changes."""

    snapshot: Snapshot
    changed: tuple[Difference, ...] = ()


class _Pace:
    """When something is due again: `interval` seconds after it was done, or later, for its `share` of a processor."""

    def __init__(self, interval: float, share: float) -> None:
        self._interval, self._share = interval, share
        self.at = time.monotonic() + interval

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self.at

    def done(self, took: float) -> None:
        """It was done just now, in so many seconds."""
        self.at = time.monotonic() + max(self._interval, took / self._share)


def watch(stop: Event, wanted: Wanted | None = None) -> Iterator[Update]:
    """The host now, then each time that it is another one. Raises ObserveError as `snapshot.take` does.

    Of a host with many namespaces only those that are `wanted` are read and watched, where that is given.
    """
    with Subscriptions() as told:
        scene = set_scene(wanted)
        told.follow(scene)
        seen = look_at(scene)
        seen = _followed(told, seen)
        snapshot = compose(seen)
        yield Update(snapshot)
        shown = snapshot
        for after in _looks(told, stop, seen):
            if after is seen:
                continue
            snapshot = compose(after, (seen, snapshot))
            seen = after
            if found := changes(shown, snapshot):
                shown = snapshot
                yield Update(snapshot, found)


def _looks(told: Subscriptions, stop: Event, seen: Look) -> Iterator[Look]:
    """The looks that follow one, each as soon as something may be different."""
    paces = [(_Pace(interval, share), work) for work, interval, share in _UNTOLD]
    rested = time.monotonic()
    while not stop.is_set():
        heard = told.wait(TICK)
        if heard:
            _burst(told, heard, AT_ONCE if time.monotonic() - rested > REST else QUIET)
        at = now()
        if heard:
            seen = _as_of(at, seen, _heard(told, seen, heard))
            rested = time.monotonic()
            yield seen
        pace, work = min(paces, key=lambda each: each[0].at)
        if pace.due:
            start = time.process_time()
            seen = _as_of(at, seen, work(told, seen))
            pace.done(time.process_time() - start)
            yield seen


def _as_of(at: str, before: Look, seen: Look) -> Look:
    """A look that was taken at that time; one that is the same as before stays as it is."""
    return seen if seen is before else replace(seen, taken_at=at)


def _burst(told: Subscriptions, heard: Told, quiet: float) -> None:
    """Adds all that follows closely."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end and (more := told.wait(quiet)):
        heard.add(more)


def _heard(told: Subscriptions, seen: Look, heard: Told) -> Look:
    """The look after what was heard."""
    if heard.scene:
        seen = _scene(told, seen)
    return again(seen, heard.stale) if heard.stale else seen


def _scene(told: Subscriptions, seen: Look) -> Look:
    """The look at who and what there is now; the same one where that is as it was."""
    scene = set_scene(seen.scene.wanted)
    if (scene.found, scene.view, scene.ids) == (seen.scene.found, seen.scene.view, seen.scene.ids):
        return seen
    told.follow(scene)
    return _followed(told, anew(seen, scene))


def _followed(told: Subscriptions, seen: Look) -> Look:
    """Listens to namespaces that were only found while looking, and reads again what nobody listened to."""
    return again(seen, dict.fromkeys(told.follow(seen.scene), (Source.STACK, Source.FIREWALL)))


def _listeners(told: Subscriptions, seen: Look) -> Look:
    """Listeners and their holders; a new scene where processes tell of one."""
    table = read_processes()
    if _tells_of_namespaces(table, seen):
        return _scene(told, seen)
    return again(seen, dict.fromkeys(seen.visits, (Source.LISTENERS,)), table)


def _tells_of_namespaces(table: ProcessTable, seen: Look) -> bool:
    """Whether processes are in namespaces that are not in the scene, or all of those that were in one have ended."""
    here = table.pids_by_netns
    return not here.keys() <= seen.scene.found.keys() or any(
        place.pids and not set(place.pids).intersection(here.get(inode, ()))
        for inode, place in seen.scene.found.items()
    )


def _legacy(_told: Subscriptions, seen: Look) -> Look:
    """Tables of iptables-legacy, which tell nothing."""
    backends = {netns: {table.backend for table in visit.firewall.tables} for netns, visit in seen.visits.items()}
    stale = [netns for netns, found in backends.items() if Backend.XT_LEGACY in found]
    return again(seen, dict.fromkeys(stale, (Source.FIREWALL,))) if stale else seen


def _settings(_told: Subscriptions, seen: Look) -> Look:
    """Sysctls, of which few are told, and whether there is a first table of iptables-legacy."""
    stale: Stale = {netns: {Source.SYSCTLS} for netns in seen.visits}
    for netns, visit in seen.visits.items():
        if not visit.firewall.tables:
            stale[netns].add(Source.FIREWALL)
    return again(seen, stale)


#: What is looked at unasked, the seconds between, and the share of a processor that it may cost.
_UNTOLD = ((_listeners, 2.0, 0.01), (_legacy, 2.0, 0.005), (_settings, 6.0, 0.005), (_scene, 6.0, 0.005))
