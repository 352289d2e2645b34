"""When the answer to a question became another one: as words, as a table, and as the document `portscope.when/1`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from engine.change.differences import Difference
from engine.model.verdict import Fix, Verdict
from engine.records import dataclass
from views.harmless import clean
from views.reports import answer_json

SCHEMA = "portscope.when/1"
REACHABLE = "reachable"
#: Changes that are named of one flip in words, and in the table.
NAMED, IN_TABLE = 6, 1

#: Kinds of changes whose maker is no question: an engine's, or a program's own.
OF_ITSELF = frozenset({"container", "namespace", "listener", "neighbour"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Flipped:
    """A moment from which on the answer was another one: `before` and `after` are "reachable", a symptom, "depends", or
    "not there" where the question had no meaning.

    `changes` are those that are enough for it; all that came where they were not found out (`searched` is false). Where
    nobody recorded right before, it was between `unseen_since` and `at`. `beside` are containers that changed at the
    same time, and `hints` what the machine's logs say of it.
    """

    at: datetime
    before: str
    after: str
    changes: tuple[Difference, ...]
    searched: bool = True
    unseen_since: datetime | None = None
    beside: tuple[Difference, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """All flips of a question from the first to the last moment that was recorded, in order.

    `unrecorded` are the times in between in which nobody recorded. `now` is the answer of the last moment, None where
    the question cannot be asked of it; `mending` is the fix that takes the last flip back, or the first of all.
    """

    target: str
    source: str
    flips: tuple[Flipped, ...]
    since: datetime
    until: datetime
    states: int
    host: str = ""
    unrecorded: tuple[tuple[datetime, datetime], ...] = ()
    now: Verdict | None = None
    mending: Fix | None = None


def render(past: Past) -> str:
    """The last flip in words, with the fix that takes it back."""
    return "".join(f"{line}\n" for line in _lines(past))


def _lines(past: Past) -> Iterator[str]:
    asked = f"{clean(past.target)} from {clean(past.source)}"
    if not past.flips:
        yield f"{asked}: the same answer in all {past.states} states since {clock(past.since)}{_answer(past.now)}"
    else:
        flip = past.flips[-1]
        yield f"{asked} {verb(flip)} {moment(flip)}:"
        yield from _because(flip)
        yield f"  before: {flip.before}, after: {flip.after}"
        yield from _fix(past.mending)
        if len(past.flips) > 1:
            yield f"  {len(past.flips) - 1} earlier flip{'s' if len(past.flips) > 2 else ''}: --flips"
    yield from _holes(past)


def _answer(now: Verdict | None) -> str:
    if now is None:
        return ""
    return f" ({REACHABLE if str(now.reach) == 'yes' else now.symptom or now.reach})"


def _because(flip: Flipped) -> Iterator[str]:
    if not flip.searched:
        yield f"  one of {len(flip.changes)} changes:"
    yield from (f"  {told(each)}" for each in flip.changes[:NAMED])
    if len(flip.changes) > NAMED:
        yield f"  and {len(flip.changes) - NAMED} more"
    if not any(each.by for each in flip.changes) and any(each.what not in OF_ITSELF for each in flip.changes):
        yield "  who made it is not known"
    yield from (f"  at the same time: {told(each)}" for each in flip.beside[:NAMED])
    yield from (f"  at the same time: {clean(each)}" for each in flip.hints[:NAMED])


def _fix(fix: Fix | None) -> Iterator[str]:
    if fix is None:
        return
    yield f"  to mend it: {clean(fix.title)}"
    yield from (f"    {clean(' '.join(command))}" for command in fix.commands)


def _holes(past: Past) -> Iterator[str]:
    for since, until in past.unrecorded:
        yield f"nothing was recorded from {clock(since)} to {clock(until)}"


def verb(flip: Flipped) -> str:
    """What happened to the answer."""
    if flip.after == REACHABLE:
        return "started answering"
    return "stopped answering" if flip.before == REACHABLE else "got another answer"


def moment(flip: Flipped) -> str:
    """When it was."""
    if flip.unseen_since is None:
        return clock(flip.at)
    return f"between {clock(flip.unseen_since)} and {clock(flip.at)}, while nothing was recorded"


def clock(time: datetime) -> str:
    """A time for people: this machine's clock, with its distance from UTC."""
    return f"{time.astimezone():%a %Y-%m-%d %H:%M:%S %z}"


def told(change: Difference) -> str:
    """A change and who made it, where that is known."""
    by = f" by {change.by}" if change.by else ""
    return clean(f"{change}{by}")


def table(past: Past) -> str:
    """All flips, one a line, the oldest first."""
    rows = [("when", "before", "after", "what changed")]
    for flip in past.flips:
        more = f" and {len(flip.changes) - IN_TABLE} more" if len(flip.changes) > IN_TABLE else ""
        what = "; ".join(told(each) for each in flip.changes[:IN_TABLE]) + more
        rows.append((clock(flip.at), flip.before, flip.after, what))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])) for row in rows
    ]
    if not past.flips:
        lines = [f"no flip in {past.states} states since {clock(past.since)}"]
    return "".join(f"{line}\n" for line in (*lines, *_holes(past)))


def dumps(past: Past) -> str:
    """The document as text, ending in a newline."""
    return json.dumps(document(past), indent=2) + "\n"


def document(past: Past) -> Json:
    """The document as JSON types. Times are those of RFC 3339, in UTC."""
    return {
        "schema": SCHEMA,
        "question": {"target": past.target, "from": past.source},
        "target": past.target,
        "from": past.source,
        "since": past.since.isoformat(),
        "until": past.until.isoformat(),
        "states": past.states,
        "now": {"reach": str(past.now.reach), "symptom": past.now.symptom} if past.now else None,
        "fix": answer_json.fix(past.mending) if past.mending else None,
        "unrecorded": [{"from": since.isoformat(), "to": until.isoformat()} for since, until in past.unrecorded],
        "flips": [_flip(flip, past.host) for flip in past.flips],
    }


def _flip(flip: Flipped, host: str) -> Json:
    at = flip.at.isoformat()
    return {
        "at": at,
        "unseen_since": flip.unseen_since.isoformat() if flip.unseen_since else None,
        "before": flip.before,
        "after": flip.after,
        "from": flip.before,
        "to": flip.after,
        "searched": flip.searched,
        "changes": [{"at": at, **change(each, host)} for each in flip.changes],
        "beside": [change(each, host) for each in flip.beside],
        "hints": list(flip.hints),
    }


def change(one: Difference, host: str) -> Json:
    """A change as JSON types."""
    return {
        "kind": one.what,
        "how": str(one.how),
        "host": host or None,
        "netns": one.netns or None,
        "name": one.name,
        "text": str(one),
        "by": str(one.by) if one.by else None,
        "process": {
            "program": one.by.program or None,
            "pid": one.by.pid,
            "parent": one.by.parent or None,
            "user": one.by.user or None,
        }
        if one.by
        else None,
    }
