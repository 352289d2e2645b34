"""Traffic on the edges of the topology: packets a second of each device, measured between two looks at its counters.

The counters are read in a worker's thread every `INTERVAL` seconds, where a source has some;
while an earlier moment is shown nothing is measured. A look that shows no difference costs no drawing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence

from workbench.controllers.stage import Stage
from workbench.session.messages import Told
from workbench.session.sources import Source

INTERVAL = 2.0
#: So many rates are drawn as columns, of these heights.
REMEMBERED, COLUMNS = 5, "▁▂▃▄▅▆▇█"


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
    highest = max(*earlier, 1.0)
    return f"{''.join(COLUMNS[int((len(COLUMNS) - 1) * each / highest)] for each in earlier)} {words}"
