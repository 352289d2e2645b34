"""What nobody tells of, looked at now and then: the table `POLLED`.

1. Each work has its interval and its share of a processor: where it takes long it is done less often, though what
   an answer rests on never less than every `_LONGEST` seconds. One that visits all namespaces takes a few at a time, so
   that it never stops what else is to be done.
2. The cheapest question comes first. That the number of sockets or the names of legacy tables are the same costs a
   read; only where they are not is a source read again. What such questions cannot tell, the slow round finds.
3. A work gives back the look that follows, the very same one where nothing is different.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection

from engine.model.firewall import Backend
from engine.observe.base.namespaces import enter, side_by_side
from engine.observe.firewall import presence
from engine.observe.look.incremental import again
from engine.observe.look.look import Observation
from engine.observe.look.netns_reader import NetnsSource
from engine.observe.proc.link_counters import packets
from engine.observe.proc.processes import read_processes
from engine.observe.watch.next_scene import next_scene, with_table
from engine.observe.watch.subscriptions import Subscriptions
from engine.records import dataclass

_FAMILIES = ("ip", "ip6")
#: Seconds between two parts of a round, and the longest that something waits for its share.
_STEP, _LONGEST = 0.25, 10.0


def sockets(told: Subscriptions, seen: Observation, _part: Collection[str]) -> Observation:
    """Listeners, where there are more or fewer sockets."""
    if not (counted := told.counted()):
        return seen
    seen = processes(told, seen, ())
    return again(seen, dict.fromkeys(counted, (NetnsSource.LISTENERS,)))


def processes(told: Subscriptions, seen: Observation, _part: Collection[str]) -> Observation:
    """Processes that came and went."""
    return with_table(told, seen, read_processes(seen.scene.table))


def every_process(told: Subscriptions, seen: Observation, _part: Collection[str]) -> Observation:
    """All processes: some have another name or namespace, or were stopped."""
    return with_table(told, seen, read_processes())


def legacy(_told: Subscriptions, seen: Observation, part: Collection[str]) -> Observation:
    """Tables of iptables-legacy: where there are some, and where one came or went."""
    stale = [netns for netns in part if _has_legacy(seen, netns)]
    left = [netns for netns in part if netns not in stale]
    stale += [netns for netns, names in zip(left, _legacy_names(seen, left), strict=True) if names]
    return again(seen, dict.fromkeys(stale, (NetnsSource.FIREWALL,))) if stale else seen


def likely(seen: Observation) -> list[str]:
    """Where a tool of iptables-legacy most likely changed a table: on the host, and where there are some."""
    host = seen.scene.ids[seen.scene.host]
    return [netns for netns in seen.visits if netns == host or _has_legacy(seen, netns)]


def _has_legacy(seen: Observation, netns: str) -> bool:
    return any(table.backend is Backend.XT_LEGACY for table in seen.visits[netns].firewall.tables)


def _legacy_names(seen: Observation, part: Collection[str]) -> list[bool]:
    """Whether each of these namespaces has tables of iptables-legacy."""
    places = seen.scene.places

    def has(netns: str) -> bool:
        try:
            enter(places[netns])
            return any(map(presence.legacy_tables, _FAMILIES))
        except OSError:
            return False

    return side_by_side(has, part)


def host_settings(_told: Subscriptions, seen: Observation, _part: Collection[str]) -> Observation:
    """Sysctls of the host, which decide about every container."""
    return again(seen, {seen.scene.ids[seen.scene.host]: (NetnsSource.SYSCTLS,)})


def slowly(_told: Subscriptions, seen: Observation, part: Collection[str]) -> Observation:
    """Everything that nobody tells of."""
    return again(seen, dict.fromkeys(part, (NetnsSource.SYSCTLS, NetnsSource.LISTENERS, NetnsSource.HOLDERS)))


def scene(told: Subscriptions, seen: Observation, _part: Collection[str]) -> Observation:
    """Who and what there is: engines without events, files of namespaces anywhere."""
    return next_scene(told, seen)


Work = Callable[[Subscriptions, Observation, Collection[str]], Observation]


@dataclass(frozen=True, slots=True)
class Untold:
    """A work: the seconds between, those of a whole round where it goes `round`, and its share of a processor.

    Where that needs more than `longest` seconds between, it takes a larger share.
    """

    work: Work
    interval: float
    share: float
    round: bool = False
    longest: float = _LONGEST


POLLED = (
    Untold(sockets, 1.0, 0.01, longest=4.0),
    Untold(processes, 1.0, 0.0015),
    Untold(every_process, 6.0, 0.0015),
    Untold(host_settings, 2.0, 0.001),
    Untold(legacy, 4.0, 0.001, round=True),
    Untold(slowly, 12.0, 0.004, round=True),
    Untold(scene, 6.0, 0.002),
)


class HostCounters:
    """What the host's rules counted: read where its devices carried packets meanwhile."""

    def __init__(self) -> None:
        self._carried: dict[str, int] = {}

    def __call__(self, _told: Subscriptions, seen: Observation, _part: Collection[str]) -> Observation:
        """The next look."""
        before, self._carried = self._carried, packets()
        host = seen.scene.ids[seen.scene.host]
        return again(seen, {host: (NetnsSource.FIREWALL,)}) if self._carried != before else seen


def counters() -> Untold:
    """The work for who wants to see what rules count."""
    return Untold(HostCounters(), 2.0, 0.003, longest=math.inf)


class Turn:
    """When an untold is due, and where its round is."""

    def __init__(self, untold: Untold) -> None:
        self._untold = untold
        self._left: list[str] = []
        self.at = time.monotonic() + untold.interval

    def take(self, told: Subscriptions, seen: Observation) -> Observation:
        """Does it, and says when it is due again."""
        start = time.process_time()
        part, interval = self._part(seen)
        after = self._untold.work(told, seen, part)
        took = time.process_time() - start
        self.at = time.monotonic() + max(interval, min(took / self._untold.share, self._untold.longest))
        return after

    def _part(self, seen: Observation) -> tuple[list[str], float]:
        """The namespaces whose turn it is, and the seconds that they take of a whole round."""
        if not self._untold.round:
            return [], self._untold.interval
        self._left = [netns for netns in self._left if netns in seen.visits] or list(seen.visits)
        size = max(1, round(len(seen.visits) * _STEP / self._untold.interval))
        part, self._left = self._left[:size], self._left[size:]
        return part, self._untold.interval * size / max(1, len(seen.visits))
