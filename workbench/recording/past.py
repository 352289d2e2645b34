"""What a store says of the past: the host at a time, and when the answer to a question became another one."""

from __future__ import annotations

import os
import socket
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

from engine.change import applied
from engine.change.differences import Difference, changes
from engine.explain import ask
from engine.explain.question import QuestionError, resolve
from engine.explain.survey.flip import Asked, Ending
from engine.explain.survey.turns import Finder, TurningPoint, turns
from engine.model.host import Gap, Snapshot
from engine.model.packet import Protocol
from engine.model.plan import StaleChange
from engine.model.verdict import Fix, Question, Verdict
from engine.observe.base.fork_pool import by_processes
from engine.observe.base.garbage import uncollected
from engine.recorder.errors import StoreError, StoreMissing
from engine.recorder.history import History, StoredMoment
from engine.recorder.logs import MachineLogs
from engine.recorder.spoken_time import time_of
from engine.records import replace
from views.reports.when import Flipped, Past, clock
from workbench import output
from workbench.exits import complain, refused, usage

#: Where the recorder of the machine keeps its store; of another user's than root in his own folder for state.
OF_ROOT = Path("/var/lib/portscope")
#: How far from a flip a container's change may have been seen that has to do with it.
AROUND = timedelta(seconds=2)
#: Moments that one process goes through before it takes others.
PART = 40


def default_store() -> Path:
    """The folder of the store, where none is named (XDG Base Directory Specification)."""
    if os.geteuid() == 0:
        return OF_ROOT
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state") / "portscope"


@contextmanager
def opened(folder: Path | None) -> Iterator[History]:
    """A store that is read. Raises `Refusal` for whatever is wrong with it, also while it is used."""
    try:
        with History(folder or default_store()) as history:
            yield history
    except StoreMissing as error:
        raise usage(str(error)) from error
    except StoreError as error:
        raise refused(str(error)) from error


@uncollected()
def snapshot_at(words: str, folder: Path | None) -> Snapshot:
    """The host at a time in words, which is said; a gap says so where nobody recorded then. Raises `Refusal`."""
    time = spoken(words)
    with opened(folder) as history:
        moment = history.at(time)
        if moment is None:
            first = history.moments[0].at
            raise usage(f"{words!r:.60} is before the store begins, at {clock(first)}")
        snapshot = history.state(moment)
        unseen = history.unseen(moment, time)
    complain(f"the host at {clock(time)}, as it was from {clock(moment.at)} on")
    if unseen is None:
        return snapshot
    until = f"until {clock(unseen[1])}" if unseen[1] else "since"
    reason = f"nothing was recorded from {clock(unseen[0])} {until}: this is the state before"
    return replace(snapshot, gaps=(*snapshot.gaps, Gap("recorder", "", reason)))


def spoken(words: str) -> datetime:
    """A time in words. Raises `Refusal`."""
    try:
        return time_of(words, datetime.now(UTC))
    except ValueError as error:
        raise usage(str(error)) from error


class _Moments:
    """The moments of a store as states of a search."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __len__(self) -> int:
        return len(self._history.moments)

    def key(self, place: int) -> Hashable:
        """The number of its state."""
        return self._history.moments[place].state

    def snapshot(self, place: int) -> Snapshot:
        """The host then."""
        return self._history.state(self._history.moments[place])

    def differing(self, one: int, other: int) -> Iterable[tuple[str, str]]:
        """In which fields two differ."""
        return self._history.differing(self._history.moments[one], self._history.moments[other])


def past_of(history: History, target: str, source: str, protocol: Protocol) -> Past:
    """The flips of a question over a whole store. Raises `Refusal` where it can never be asked."""

    def asked(snapshot: Snapshot) -> Question:
        return resolve(snapshot, target, source, protocol)

    moments = history.moments
    found = list(turns(_Moments(history), _endings(history, asked), asked))
    last = history.state(moments[-1])
    try:
        now: Verdict | None = ask(last, asked(last))
    except QuestionError as error:
        if not found:
            raise usage(str(error)) from error
        now = None
    logs = MachineLogs() if found and last.hostname == socket.gethostname() else None
    return Past(
        target=target,
        source=source,
        flips=tuple(_flipped(history, turn, logs) for turn in found),
        now=now,
        mending=_mending(now, last, history.state(moments[found[-1].at - 1]), found[-1]) if now and found else None,
        since=moments[0].at,
        until=history.runs[moments[-1].run].seen,
        states=len({each.state for each in moments}),
        host=last.hostname,
        unrecorded=tuple(_unrecorded(history)),
    )


def _unrecorded(history: History) -> Iterator[tuple[datetime, datetime]]:
    """From when to when nobody recorded, between two runs."""
    runs = list(history.runs.values())
    yield from ((one.seen, other.started) for one, other in pairwise(runs) if one.seen < other.started)


def _endings(history: History, asked: Asked) -> list[Ending]:
    """How the question ends at each moment, by two processes where there are many; each reads the store itself."""
    moments = history.moments
    parts = [range(start, min(start + PART, len(moments))) for start in range(0, len(moments), PART)]

    def work(taken: Iterator[range]) -> list[list[Ending]]:
        with History(history.path.parent) as own:
            own.moments = moments  # more may have come meanwhile
            finder = Finder(_Moments(own), asked)
            return [[finder.of(place) for place in part] for part in taken]

    found = by_processes(work, parts, partial(output.progress, what="parts of the past"))
    output.progress(1, 1)
    return [ending for part in found for ending in part]


def _mending(now: Verdict, last: Snapshot, before: Snapshot, turn: TurningPoint) -> Fix | None:
    """The first fix that takes back what flipped the answer last; where none does the first of all."""
    fixes = [fix for cause in now.causes for fix in cause.fixes]

    def takes_back(fix: Fix) -> bool:
        try:
            mended = applied(last, fix.plan.changes)
        except (StaleChange, KeyError):
            return False
        return not set(turn.by) & set(changes(before, mended))

    return next((fix for fix in fixes if fix.plan.changes and takes_back(fix)), next(iter(fixes), None))


def _flipped(history: History, turn: TurningPoint, logs: MachineLogs | None) -> Flipped:
    moment, before = history.moments[turn.at], history.moments[turn.at - 1]
    known = {each: each for each in history.changes(moment)}
    return Flipped(
        at=moment.at,
        before=_words(turn.before),
        after=_words(turn.after),
        changes=tuple(known.get(each, each) for each in turn.by),
        searched=turn.searched,
        unseen_since=_unseen(history, before, moment),
        beside=_beside(history, turn),
        hints=logs.about(moment.at) if logs else (),
    )


def _beside(history: History, turn: TurningPoint) -> tuple[Difference, ...]:
    """Containers that changed at that time: what else an engine did is told by the kernel, a little sooner or later."""
    here = history.moments[turn.at].at
    near = (each for each in history.moments[max(0, turn.at - 20) : turn.at + 20] if abs(each.at - here) <= AROUND)
    found = (each for moment in near for each in history.changes(moment) if each.what == "container")
    return tuple(each for each in dict.fromkeys(found) if each not in turn.by)


def _unseen(history: History, before: StoredMoment, moment: StoredMoment) -> datetime | None:
    return history.runs[before.run].seen if before.run != moment.run else None


def _words(ending: Ending) -> str:
    """`reachable`, the symptom of what is not, `depends`; `not there` where it could not be asked."""
    if ending is None:
        return "not there"
    reach, symptom = ending
    return {"yes": "reachable", "no": str(symptom)}.get(str(reach), str(reach))
