"""Does a condition hold? Three answers: yes, no, unknown."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from engine.model.firewall import Backend, Field, Interval, MapElement, Match, NamedSet, Table
from engine.path.fields.conntrack import template
from engine.path.fields.table import read
from engine.path.lookup.set_lookup import FEW, holds
from engine.path.lookup.values import UNKNOWN, Unknown, Value
from engine.path.lookup.view import View

#: Fields whose value is made up for a map: whatever it is, the map has it (nft_numgen.c, nft_hash.c).
TOTAL = frozenset({"nft numgen", "nft hash"})


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
    """Whether the condition holds for the packet in `view`; `table` resolves named sets.

    A dynamic set may gain an element before the packet comes: what is not in it is not known.
    """
    values = values_of(match.fields, view)
    if values is None or _before_the_flow(match.fields, view, table):
        return Answer.NO
    if isinstance(values, Unknown):
        return _bounded(match, values)
    owner: Match | NamedSet = match
    if match.lookup is not None:
        named = named_set(match.lookup, view, table)
        if named is None:
            return Answer.UNKNOWN
        owner = named
    if len(owner.elements) < FEW:
        found = any(holds(element, values) for element in owner.elements)
    else:
        found = view.lookups.of(owner, owner.elements).find(values) is not None
    if not found and isinstance(owner, NamedSet) and owner.dynamic:
        return Answer.UNKNOWN
    return Answer.of(found != match.negate)


def _bounded(match: Match, value: Unknown) -> Answer:
    """Whether a condition on one number holds, of which only the bounds are known."""
    if match.lookup is not None or len(match.fields) != 1 or match.fields[0].mask is not None:
        return Answer.UNKNOWN
    atoms = (atom for (atom,) in match.elements)
    found = [value.within(atom.low, atom.high) if isinstance(atom, Interval) else None for atom in atoms]
    if True in found or all(each is False for each in found):
        return Answer.of((True in found) != match.negate)
    return Answer.UNKNOWN


def look_up(
    fields: Sequence[Field], entries: tuple[MapElement, ...], lookup: str | None, view: View, table: Table
) -> MapElement | Answer:
    """The entry of a map for the packet; NO when there is none, UNKNOWN when the key or the map is."""
    values = values_of(fields, view)
    if values is None or _before_the_flow(fields, view, table):
        return Answer.NO
    if isinstance(values, Unknown):
        return Answer.UNKNOWN
    dynamic = False
    if lookup is not None:
        named = named_set(lookup, view, table)
        if named is None:
            return Answer.UNKNOWN
        entries, dynamic = named.entries, named.dynamic
    if len(entries) < FEW:
        place = next((at for at, entry in enumerate(entries) if entry.key and holds(entry.key, values)), None)
    else:
        place = view.lookups.of(entries, [entry.key for entry in entries]).find(values)
    if place is not None:
        return entries[place]
    if dynamic:
        return Answer.UNKNOWN
    return next((entry for entry in entries if not entry.key), Answer.NO)


def possible(
    fields: Sequence[Field], entries: tuple[MapElement, ...], lookup: str | None, view: View, table: Table
) -> tuple[MapElement, ...] | None:
    """The entries of a map that fit what is known of the key; None where the map itself is not known."""
    if lookup is not None:
        named = named_set(lookup, view, table)
        if named is None or named.dynamic:
            return None
        entries = named.entries
    known = [read(field.name, view) for field in fields]
    return tuple(
        entry
        for entry in entries
        if len(entry.key) in (0, len(known))
        and all(
            isinstance(value, Unknown) or holds((atom,), [_masked(value, field)])
            for atom, value, field in zip(entry.key, known, fields, strict=False)
        )
    )


def _masked(value: Value, field: Field) -> Value:
    return value & field.mask if isinstance(value, int) and field.mask is not None else value


def values_of(fields: Sequence[Field], view: View) -> list[Value] | Unknown | None:
    """The masked values of the fields; None when the packet lacks one of them."""
    values: list[Value] = []
    unknown = False
    for field in fields:
        value = read(field.name, view)
        if isinstance(value, Unknown):
            if len(fields) == 1:
                return value
            unknown = True
        elif value is None:
            return None
        elif isinstance(value, int) and field.mask is not None:
            values.append(value & field.mask)
        else:
            values.append(value)
    return UNKNOWN if unknown else values


def _before_the_flow(fields: Sequence[Field], view: View, table: Table) -> bool:
    """Whether a native rule asks for more than the state of a flow for which only a zone stands yet.

    Kernels since the summer of 2026 leave the rule (nft_ct_get_eval); xt_conntrack.c and xt_connmark.c see what the
    template has of its own.
    """
    if table.backend is not Backend.NFT or not template(view.context):
        return False
    return any(field.name.startswith("ct ") and field.name != "ct state" for field in fields)


def named_set(name: str, view: View, table: Table) -> NamedSet | None:
    """A set of the table, or an ipset of the namespace."""
    return table.sets_by_name.get(name) or view.netns.firewall.ipsets_by_name.get(name)
