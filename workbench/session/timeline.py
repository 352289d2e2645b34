"""What the host was: the snapshots that were seen, each with what changed, in memory that has a limit.

Laws:
1. A moment shares with the one before whatever is equal (`sharing`), so it costs what has changed and no more.
2. The oldest moments go when there are more than `MOST`, or when together they are larger than `LARGEST` bytes; how
   many went is counted.
3. A look that shows no change but counters replaces the last moment: it is the same one, seen better.
"""

from __future__ import annotations

from bisect import bisect_right

from engine.change.differences import Difference
from engine.model.host import Snapshot
from engine.records import dataclass, replace
from workbench.session.flips import Flip
from workbench.session.snapshot_sharing import own_size

MOST = 1000
LARGEST = 6_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot, what changed since the moment before, and the bytes that it has of its own. `since` is when it was
    first seen so, where a later look has taken its place."""

    snapshot: Snapshot
    changed: tuple[Difference, ...] = ()
    size: int = 0
    since: str = ""

    @property
    def at(self) -> str:
        """When it was seen."""
        return self.snapshot.taken_at


class Timeline:
    """The moments in order, the last one being now; and every flip of an answer among them."""

    def __init__(self, most: int = MOST, largest: int = LARGEST) -> None:
        self._most, self._largest = most, largest
        self._size = 0
        self.moments: list[Moment] = []
        self.gone = 0
        self.flips: list[Flip] = []

    @property
    def now(self) -> Moment | None:
        """The last moment."""
        return self.moments[-1] if self.moments else None

    def add(self, snapshot: Snapshot, changed: tuple[Difference, ...]) -> Moment:
        """Keeps a look, which shares with the one before."""
        last = self.now
        moment = Moment(snapshot, changed, own_size(last.snapshot, snapshot) if last is not None else 0)
        if last is not None and not changed:
            self._size -= self.moments.pop().size
            since = last.since or last.at
            moment = replace(moment, changed=last.changed, size=max(last.size, moment.size), since=since)
        self.moments.append(moment)
        self._size += moment.size
        while len(self.moments) > 1 and (len(self.moments) > self._most or self._size > self._largest):
            self._size -= self.moments.pop(0).size
            self.gone += 1
        return moment

    def flipped(self, flip: Flip) -> None:
        """Keeps a flip; the oldest go as moments do."""
        self.flips = [*self.flips, flip][-self._most :]

    def flip_in(self, moment: Moment) -> Flip | None:
        """The last flip of the answer that came with a moment."""
        since = moment.since or moment.at
        return next((flip for flip in reversed(self.flips) if since <= flip.at <= moment.at), None)

    def place(self, moment: Moment) -> int:
        """Where a moment is among those that are kept; one that is not has the place of the last one before it."""
        found = next((number for number, each in enumerate(self.moments) if each is moment), None)
        if found is not None:
            return found
        return max(bisect_right(self.moments, moment.at, key=lambda each: each.at) - 1, 0)

    def at(self, at: str) -> Moment | None:
        """The moment of that time; None when it is no longer kept."""
        return next((each for each in reversed(self.moments) if each.at == at), None)
