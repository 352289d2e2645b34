"""Equal work is done once: hosts that are alike in all that a walk read share its answer.

A walk notes which fields it reads (`engine.explain.survey.met`); with each host's own values taken out (`likeness`)
these are its cone. Another host whose cone is the same, and whose client and target stand to it alike, gets the same
answer in its own values. Where a text has a value that is not in the cone, nothing is shared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property

from engine.explain.survey.met import Noted
from engine.fleet.answering import CellAnswer, Walked, answered, rows
from engine.fleet.between import Others, from_others, none
from engine.fleet.likeness import Field, Likeness, Value, translated
from engine.fleet.rows import Row
from engine.fleet.zones import ClientZone
from engine.model.host import Snapshot
from engine.model.verdict import Question
from engine.observe.recording.snapshot_file import loads
from engine.path.world import World
from engine.records import dataclass

#: Answers that a worker remembers; with more it starts over.
MOST = 200_000


@dataclass(frozen=True, slots=True)
class _Shared:
    """An answer, with the values of the host that it was found on, in the order of its pattern."""

    walked: Walked
    values: tuple[Value, ...]


class Sharing:
    """The answers that one worker has found. `walked` counts those that were not shared."""

    def __init__(self) -> None:
        self._known: dict[object, dict[frozenset[Field], dict[object, _Shared]]] = {}
        self._size = 0
        self.walked = 0

    def rows(self, text: str, host: str, zones: Sequence[ClientZone], others: Others = none) -> Iterable[Row]:
        """The rows of a host, by its snapshot's JSON. What other hosts ask is walked. Raises RecordingError."""
        one = _Host(loads(text), text)
        asking = from_others(one.snapshot, host, others)
        return rows(one.snapshot, host, zones, lambda question: self._answer(one, question), asking)

    def _answer(self, host: _Host, question: Question) -> Walked:
        known = self._known.setdefault(_literal(question), {})
        for fields, answers in known.items():
            if not host.likeness.has(fields):
                continue
            shared = answers.get(_standing(host, fields, question))
            found = _own(shared, host, fields, question) if shared is not None else None
            if found is not None:
                return found
        self.walked += 1
        found = answered(host.world, question)
        self._keep(known, host, question, found)
        return found

    def _keep(
        self, known: dict[frozenset[Field], dict[object, _Shared]], host: _Host, question: Question, found: Walked
    ) -> None:
        fields = host.noted.met()
        if self._size >= MOST:
            self._known.clear()
            self._size = 0
        known.setdefault(fields, {})[_standing(host, fields, question)] = _Shared(
            found, _values(host, fields, question)
        )
        self._size += 1


class _Host:
    """One host's snapshot, which notes what is read of it."""

    def __init__(self, snapshot: Snapshot, text: str) -> None:
        self.snapshot = snapshot
        self._text = text

    @cached_property
    def likeness(self) -> Likeness:
        """The forms of its parts."""
        return Likeness(json.loads(self._text))

    @cached_property
    def noted(self) -> Noted:
        """Its snapshot as it is walked."""
        return Noted(self.snapshot)

    @cached_property
    def world(self) -> World:
        """The world of that one."""
        return World(self.noted.snapshot)


def _literal(question: Question) -> object:
    """What two questions have to have in common, word for word."""
    source = question.source
    return source.netns, source.device, source.port, question.port, question.protocol, question.address.version


def _standing(host: _Host, fields: frozenset[Field], question: Question) -> object:
    pattern = host.likeness.pattern(fields)
    same = question.address == question.source.address
    return pattern.key, pattern.of(question.address), pattern.of(question.source.address), same


def _values(host: _Host, fields: frozenset[Field], question: Question) -> tuple[Value, ...]:
    return host.likeness.pattern(fields).values_with(question.address, question.source.address)


def _own(shared: _Shared, host: _Host, fields: frozenset[Field], question: Question) -> Walked | None:
    """An answer in a host's own values; None where it has a value that is not among them."""
    own = _values(host, fields, question)
    names = dict(zip(shared.values, own, strict=True))
    texts = [translated(text, names) for text in shared.walked.answer]
    return None if None in texts else Walked(CellAnswer(*map(str, texts)), shared.walked.end)
