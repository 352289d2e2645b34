"""Does a condition hold? Three answers: yes, no, unknown."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from engine.model.firewall import Element, Field, Interval, MapElement, Match, Name, NamedSet, Table
from engine.path.fields import UNKNOWN, Value, _Unknown, read
from engine.path.view import View

Atoms = Sequence[Value]


class Answer(Enum):
    """A three-valued truth."""

    NO = 0
    YES = 1
    UNKNOWN = 2

    @classmethod
    def of(cls, truth: bool) -> Answer:
        """A known answer."""
        return cls.YES if truth else cls.NO


def matches(match: Match, view: View, table: Table) -> Answer:
    """Whether the condition holds for the packet in `view`; `table` resolves named sets."""
    values = values_of(match.fields, view)
    if values is None:
        return Answer.NO
    if isinstance(values, _Unknown):
        return Answer.UNKNOWN
    elements = match.elements
    if match.lookup is not None:
        named = named_set(match.lookup, view, table)
        if named is None or named.dynamic:
            return Answer.UNKNOWN
        elements = named.elements
    return Answer.of(any(holds(element, values) for element in elements) != match.negate)


def look_up(
    fields: Sequence[Field], entries: Sequence[MapElement], lookup: str | None, view: View, table: Table
) -> MapElement | Answer:
    """The entry of a map for the packet; NO when there is none, UNKNOWN when the key or the map is."""
    values = values_of(fields, view)
    if values is None:
        return Answer.NO
    if isinstance(values, _Unknown):
        return Answer.UNKNOWN
    if lookup is not None:
        named = named_set(lookup, view, table)
        if named is None:
            return Answer.UNKNOWN
        entries = named.entries
    wildcard: MapElement | None = None
    for entry in entries:
        if not entry.key:
            wildcard = entry
        elif holds(entry.key, values):
            return entry
    return wildcard or Answer.NO


def values_of(fields: Sequence[Field], view: View) -> list[Value] | _Unknown | None:
    """The masked values of the fields; None when the packet lacks one of them."""
    values: list[Value] = []
    unknown = False
    for field in fields:
        value = read(field.name, view)
        if isinstance(value, _Unknown):
            unknown = True
        elif value is None:
            return None
        elif isinstance(value, int) and field.mask is not None:
            values.append(value & field.mask)
        else:
            values.append(value)
    return UNKNOWN if unknown else values


def holds(element: Element, values: Atoms) -> bool:
    """Whether the values, part by part, are in one element of a set."""
    return len(element) == len(values) and all(
        _within(atom, value) for atom, value in zip(element, values, strict=True)
    )


def named_set(name: str, view: View, table: Table) -> NamedSet | None:
    """A set of the table, or an ipset of the namespace."""
    for found in table.sets:
        if found.name == name:
            return found
    return next((found for found in view.netns.firewall.ipsets if found.name == name), None)


def _within(atom: Interval | Name, value: Value) -> bool:
    if isinstance(atom, Interval):
        return isinstance(value, int) and atom.low <= value <= atom.high
    if isinstance(value, frozenset):
        return atom.pattern in value
    if not isinstance(value, str):
        return False
    if atom.pattern.endswith("*"):
        return value.startswith(atom.pattern[:-1])
    return value == atom.pattern
