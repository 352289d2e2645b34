"""Hypothesis strategies for any snapshot, made from the nouns' own type hints, so that new fields are included."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from hypothesis import strategies as st

from engine.model.firewall import Interval, Match, NatValue, RuleVerdict, VerdictKind
from engine.model.host import Netns, Snapshot
from engine.model.link import Address
from engine.model.machine import Machine
from engine.model.route import Route
from engine.model.traffic import Listener, Tuple4

numbers = st.integers(-(2**63), 2**64)
intervals = st.tuples(numbers, numbers).map(lambda pair: Interval(min(pair), max(pair)))
plain = st.sampled_from([kind for kind in VerdictKind if kind not in (VerdictKind.JUMP, VerdictKind.GOTO)])
verdicts = st.builds(RuleVerdict, plain) | st.builds(
    RuleVerdict, st.sampled_from([VerdictKind.JUMP, VerdictKind.GOTO]), st.text(max_size=5)
)


PORTS = st.none() | st.integers(0, 65535)
#: Fields that a value takes in a range alone.
RANGES: dict[Any, dict[str, st.SearchStrategy[Any]]] = {
    Address: {"prefixlen": st.integers(0, 32)},
    Listener: {"port": st.integers(0, 65535)},
    Machine: {"name": st.text("abc-", min_size=1, max_size=4)},
    Tuple4: {"sport": PORTS, "dport": PORTS},
    NatValue: {"port_low": PORTS, "port_high": PORTS},
}


def _whole(parts: dict[str, Any]) -> Match:
    """A condition whose elements have a part for each of its fields."""
    width = len(parts["fields"])
    return Match(**parts | {"elements": tuple(each for each in parts["elements"] if len(each) == width)})


def _led(parts: dict[str, Any]) -> Route:
    """A route whose source address is of its own IP version."""
    source = parts["preferred_source"]
    same = source is not None and source.version == parts["destination"].version
    return Route(**parts | {"preferred_source": source if same else None})


#: Values whose fields must fit each other.
MADE: dict[Any, Any] = {Match: _whole, Route: _led}


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type, small ones."""
    special = {int: numbers, str: st.text(max_size=6), Interval: intervals, RuleVerdict: verdicts}
    if hint in special:
        return special[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(values(argument) for argument in arguments))
    if origin is Sequence or (origin is tuple and arguments[-1] is Ellipsis):
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(argument) for argument in arguments))
    if origin is frozenset:
        return st.frozensets(values(arguments[0]), max_size=3)
    if origin is Mapping:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        built = {field.name: values(hints[field.name]) for field in fields(hint)}
        if hint in MADE:
            return st.fixed_dictionaries(built).map(MADE[hint])
        return st.builds(hint, **built | RANGES.get(hint, {}))
    return st.from_type(hint)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """A snapshot with one or two namespaces, full of anything."""
    hints = typing.get_type_hints(Snapshot)
    namespaces = draw(st.lists(values(Netns), min_size=1, max_size=2, unique_by=lambda netns: netns.id))
    rest = {name: draw(values(hint)) for name, hint in hints.items() if name not in ("host", "namespaces")}
    return Snapshot(host=draw(st.sampled_from(namespaces)).id, namespaces=tuple(namespaces), **rest)
