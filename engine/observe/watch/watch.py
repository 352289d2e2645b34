"""`watch`: a snapshot whenever the host is another one, with what changed in words.

1. A notification of the kernel makes sources of its namespace stale (`subscriptions`); those alone are read again. A
   namespace that comes or goes, or an engine's event, sets a new scene, of which only new namespaces are read.
2. A burst is one update: it ends when nothing was heard for `QUIET` seconds, and after `LONGEST` in any case. The first
   change after a rest is shown at once.
3. What nobody tells of is looked at now and then (`untold`).
4. An update that would say nothing is not given: a snapshot comes with at least one change, or where that is wanted
   with other counters of rules alone.
5. A snapshot was taken when notifications were last heard: what was read earlier and is not stale was true up to then,
   and nobody knows whether it is any later. Who compares it with a look of his own knows by that which one is newer.
6. It runs in the caller's thread, from its network namespace, and ends within `TICK` seconds after `stop` is set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event

from engine.change.differences import Difference, changes
from engine.model.host import Snapshot
from engine.observe.look.incremental import again
from engine.observe.look.look import Observation, Scene, Wanted, look_at, look_within, now, set_scene
from engine.observe.look.snapshot import compose
from engine.observe.watch.executions import Executions
from engine.observe.watch.makers import attributed
from engine.observe.watch.next_scene import followed, next_scene
from engine.observe.watch.polling import POLLED, Turn, Untold, counters, legacy, likely
from engine.observe.watch.subscriptions import By, Notification, Subscriptions
from engine.records import dataclass, replace

#: Seconds.
AT_ONCE, QUIET, LONGEST, TICK = 0.002, 0.02, 0.2, 0.25
#: From so many namespaces on the host's own is read first, by itself.
MANY = 24
#: A change comes after a rest when there was none for so many seconds.
REST = LONGEST


@dataclass(frozen=True, slots=True)
class Update:
    """A snapshot, and how it differs from the one before; the first one has no changes."""

    snapshot: Snapshot
    changed: tuple[Difference, ...] = ()


#: Is told how many of how many namespaces are begun, and on a host with many of them first the host's own alone.
Reading = Callable[[int, int, Snapshot | None], object]


def watch(
    stop: Event,
    wanted: Wanted | None = None,
    reading: Reading = lambda *_: None,
    *,
    counting: bool = False,
    makers: Executions | None = None,
) -> Iterator[Update]:
    """The host now, then each time that it is another one. Raises ObserveError as `look.snapshot.take` does.

    Of a host with many namespaces only those that are `wanted` are read and watched, where that is given. `reading` is
    called with the progress of the first look. `counting`: an update without changes comes where rules counted packets.
    `makers` names who made the changes, where that is wanted.
    """
    with Subscriptions(makers) as told:
        scene = set_scene(wanted)
        told.follow(scene)
        whole = len(scene.found)
        reading(0, whole, _host_alone(scene) if whole >= MANY else None)
        seen = look_at(scene, lambda done, count: reading(done, count, None))
        seen = followed(told, seen)
        snapshot = compose(seen)
        yield Update(snapshot)
        shown = snapshot
        polled = (*POLLED, counters()) if counting else POLLED
        for after, by in _looks(told, stop, seen, polled):
            if after is seen:
                continue
            snapshot = compose(after, (seen, snapshot))
            seen = after
            if found := changes(shown, snapshot):
                known = attributed(found, (shown, snapshot), by) if makers is not None else found
                shown = snapshot
                yield Update(snapshot, known)
            elif counting and _counted(shown, snapshot):
                shown = snapshot
                yield Update(snapshot)


def _counted(before: Snapshot, now: Snapshot) -> bool:
    """Whether rules of the host counted something."""
    return before.host in before.by_id and before.by_id[before.host].firewall is not now.by_id[now.host].firewall


def _host_alone(scene: Scene) -> Snapshot:
    """The host's own namespace: what can be drawn before the others are read."""
    own = {inode: place for inode, place in scene.found.items() if inode == scene.host}
    return compose(look_within(replace(scene, found=own)))


def _looks(
    told: Subscriptions, stop: Event, seen: Observation, polled: Sequence[Untold]
) -> Iterator[tuple[Observation, By]]:
    """The looks that follow one, each as soon as something may be different, and who the kernel says did it."""
    turns = [Turn(each) for each in polled]
    rested = time.monotonic()
    while not stop.is_set():
        first = min(turns, key=lambda each: each.at)
        heard = told.wait(min(TICK, max(0.0, first.at - time.monotonic())))
        if heard:
            _burst(told, heard, AT_ONCE if time.monotonic() - rested > REST else QUIET)
        at = now()
        if heard:
            seen = _as_of(at, seen, _heard(told, seen, heard))
            rested = time.monotonic()
            yield seen, heard.by
            if heard.legacy:
                seen = _as_of(at, seen, legacy(told, seen, sorted(seen.visits.keys() - likely(seen))))
                yield seen, {}
        if time.monotonic() >= first.at:
            seen = _as_of(at, seen, first.take(told, seen))
            yield seen, {}


def _as_of(at: str, before: Observation, seen: Observation) -> Observation:
    """A look that was taken at that time; one that is the same as before stays as it is."""
    return seen if seen is before else replace(seen, taken_at=at)


def _burst(told: Subscriptions, heard: Notification, quiet: float) -> None:
    """Adds all that follows closely."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end and (more := told.wait(quiet)):
        heard.add(more)


def _heard(told: Subscriptions, seen: Observation, heard: Notification) -> Observation:
    """The look after what was heard."""
    if heard.scene:
        seen = next_scene(told, seen, heard.named)
    if heard.legacy:
        seen = legacy(told, seen, likely(seen))
    return again(seen, heard.stale) if heard.stale else seen
