"""Traffic: packets a second of each device on the edges of the topology, and what the counters of rules gain.

The counters are read in a worker's thread every `INTERVAL` seconds, where a source has some; those of rules are as
old as the last look. While an earlier moment is shown nothing is measured. No difference costs no drawing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence

from views.sparkline import sparkline
from workbench.controllers.stage import Stage
from workbench.session.messages import Told
from workbench.session.sources import Source

INTERVAL = 2.0
#: So many rates are drawn as columns.
REMEMBERED = 5


class Metered(Told):
    """The counters of a source, and when they were read, in seconds of a clock that only goes on."""

    def __init__(self, source: Source, packets: Mapping[str, int], at: float) -> None:
        super().__init__()
        self.source, self.packets, self.at = source, packets, at


class Traffic:
    """What passes now, from two looks at the counters."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._metered: Metered | None = None
        self._history: dict[str, deque[float]] = {}

    def start(self) -> None:
        """Measures from now on."""
        self._stage.app.set_interval(INTERVAL, self._meter)

    def _meter(self) -> None:
        if (
            self._stage.source.traffic is not None
            and self._stage.pinned is None
            and self._stage.panes.snapshot is not None
        ):
            self._stage.app.run_worker(self._read, thread=True, group="traffic", exclusive=True)

    def _read(self) -> None:
        """In the worker's thread. What cannot be read is not shown; why is told by the source's own looks."""
        source = self._stage.source
        if source.traffic is not None:
            self._stage.app.post_message(Metered(source, source.traffic(), time.monotonic()))

    def metered(self, event: Metered) -> None:
        """Shows what passed since the last time."""
        before, self._metered = self._metered, event
        if before is not None and before.source is event.source is self._stage.source:
            now = rates(before.packets, event.packets, event.at - before.at)
            for name in {*now, *self._history}:
                self._history.setdefault(name, deque(maxlen=REMEMBERED)).append(now.get(name, 0.0))
            self._history = {name: each for name, each in self._history.items() if any(each)}
            words = {name: rate_words(rate, self._history[name]) for name, rate in now.items()}
            self._stage.panes.topology.flow(words)
            self._stage.panes.rules.tick()
        elif before is not None and before.source is not event.source:
            self._history = {}


def rates(before: Mapping[str, int], now: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Packets a second by device; devices that carried nothing are left out."""
    passed = {name: counted - before.get(name, counted) for name, counted in now.items()}
    return {name: count / seconds for name, count in passed.items() if count > 0 and seconds > 0}


def rate_words(rate: float, earlier: Sequence[float] = ()) -> str:
    """A rate in words, behind a column for each of the last ones where there were some.

    >>> rate_words(12.2, (0, 6, 12.2)), rate_words(0.4)
    ('▁▄█ 12/s', '<1/s')
    """
    words = f"{rate:.0f}/s" if rate >= 1 else "<1/s"
    if len(earlier) < 2:
        return words
    return f"{sparkline(earlier)} {words}"
