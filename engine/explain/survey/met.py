"""What a walk reads of a snapshot, so that it need not be walked again after changes that it cannot have met.

The walk gets namespaces that note which of their fields are read. What indexes were made of is noted as well, because
an index of a namespace lives as long as the namespace that noted it. A later snapshot in which all of these fields are
the same ends the question as this one does: to the walk it is the same snapshot. Only the time of day is not noted:
rules that ask for it are answered as of the state that was walked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from engine.explain.survey.flip import Asked, Ending
from engine.explain.survey.matrix import answer
from engine.model.host import Netns, Snapshot
from engine.path.world import World
from engine.records import replace

_FIELDS = frozenset(each.name for each in fields(Netns))
#: What a snapshot has beside its namespaces, and is always met.
_WHOLE = tuple(each.name for each in fields(Snapshot) if each.name not in ("namespaces", "taken_at"))
#: Walks after which the indexes of earlier states are let go.
ROUND = 50
#: Where a noting namespace has the one that it takes its fields from, and the names of those that were read.
OF, MET = "noting of", "met"


class _Field:
    """A field of a namespace until it is first read: then it is noted, and from there on as quick as any."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, noting: Any, _kind: object = None) -> Any:
        own = noting.__dict__
        own[MET].add(self._name)
        value = own[self._name] = getattr(own[OF], self._name)
        return value


class _Noting(Netns):
    """A namespace that notes which of its fields are read. It takes each from another one when it is asked for it."""

    def __init__(self, netns: Netns) -> None:
        self.__dict__.update({OF: netns, MET: set()})

    # A changed one is a namespace that notes nothing any more: all fields were read to make it.
    __class__ = property(lambda _: Netns)


for _name in _FIELDS:
    setattr(_Noting, _name, _Field(_name))


class Noted:
    """A snapshot that notes which of its fields are read, by whatever is asked of it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._namespaces = {netns.id: _Noting(netns) for netns in snapshot.namespaces}
        self.snapshot = replace(snapshot, namespaces=tuple(self._namespaces.values()))

    def met(self) -> frozenset[tuple[str, str]]:
        """Namespace and field of all that was read until now; of the whole (with an empty name) every field."""
        read = ((netns, name) for netns, noting in self._namespaces.items() for name in noting.__dict__[MET])
        return frozenset((*read, *(("", name) for name in _WHOLE)))


class Endings:
    """How one question ends in one snapshot after the other. `walked` counts the walks."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._noting: dict[str, tuple[Netns, _Noting]] = {}
        self._world: World | None = None
        self.walked = 0

    def met(self, differing: Iterable[tuple[str, str]]) -> bool:
        """Whether the last walk met one of the fields in which another snapshot differs from its own; the namespace of
        a field is empty where it is one of the whole snapshot."""
        return any(self._read(netns, name) for netns, name in differing)

    def _read(self, netns: str, name: str) -> bool:
        found = self._noting.get(netns)
        return found is None or name in found[1].__dict__[MET]

    def of(self, snapshot: Snapshot) -> Ending:
        """Reach and symptom; None where the question cannot be asked of it."""
        self._noting = {netns.id: self._noted(netns) for netns in snapshot.namespaces}
        noting = replace(snapshot, namespaces=tuple(each for _, each in self._noting.values()))
        self._world = World(noting, known=self._world if self.walked % ROUND else None)
        self.walked += 1
        try:
            question = self._asked(noting)
        except ValueError:
            return None
        if question.source.netns not in noting.by_id:
            return None
        cell = answer(self._world, question)
        return cell.reach, cell.symptom

    def _noted(self, netns: Netns) -> tuple[Netns, _Noting]:
        found = self._noting.get(netns.id)
        if found is not None and found[0] is netns:
            return found
        return netns, _Noting(netns)


def differing(one: Snapshot, other: Snapshot) -> Iterator[tuple[str, str]]:
    """Namespace and field in which two snapshots differ, with an empty name for a field of the whole."""
    for name in _WHOLE:
        if _differ(getattr(one, name), getattr(other, name)):
            yield "", name
    if [netns.id for netns in one.namespaces] != [netns.id for netns in other.namespaces]:
        yield "", "namespaces"
        return
    for before, after in zip(one.namespaces, other.namespaces, strict=True):
        if before is not after:
            yield from ((after.id, name) for name in _FIELDS if _differ(getattr(before, name), getattr(after, name)))


def _differ(one: Any, other: Any) -> bool:
    return one is not other and one != other
