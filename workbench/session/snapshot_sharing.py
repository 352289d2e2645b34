"""Two snapshots of one host that share what is equal, and what the second one costs beside the first.

Pure. A snapshot is frozen, so parts of it can stand in another one. Rules are told apart by their text, tables and
chains by their names: a rule whose counter moved costs one rule, not its table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from engine.lazy import Later
from engine.model.host import Netns, Snapshot


def share(before: Snapshot, after: Snapshot) -> Snapshot:
    """A snapshot equal to `after`, made of the parts of `before` wherever they are equal."""
    namespaces = tuple(_shared_netns(before.by_id.get(netns.id), netns) for netns in after.namespaces)
    kept = {
        name: getattr(before, name)
        for name in ("containers", "networks", "gaps")
        if getattr(before, name) == getattr(after, name)
    }
    return replace(after, namespaces=namespaces, **kept)


def _shared_netns(before: Netns | None, after: Netns) -> Netns:
    if before is None or before == after:
        return before or after
    parts: dict[str, Any] = {}
    for each in fields(after):
        old, new = getattr(before, each.name), getattr(after, each.name)
        parts[each.name] = old if old == new else new
    parts["firewall"] = _shared(before.firewall, parts["firewall"])
    return Netns(**parts)


def _shared(before: Any, after: Any) -> Any:
    """The same for any noun: sequences and dataclasses part by part, where their types are the same."""
    if _type(before) is not _type(after):
        return after
    if before is after or before == after:
        return before
    if isinstance(after, tuple | Later):
        return tuple(_shared(each if old is None else old, each) for old, each in _paired(before, after))
    if is_dataclass(after) and not isinstance(after, type):
        changed = {each.name: _shared(getattr(before, each.name), getattr(after, each.name)) for each in fields(after)}
        return type(after)(**changed)
    return after


def _type(value: Any) -> type:
    """The type of a value; a sequence that is made later is a tuple."""
    return tuple if isinstance(value, Later) else type(value)


def _paired(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Each part of `after` with the one of `before` that has its name; None where there is none."""
    known = {_name(each): each for each in before}
    return ((known.get(_name(each)), each) for each in after)


def _name(value: Any) -> object:
    """What tells a namespace, table, chain or rule from its neighbours."""
    if hasattr(value, "statements"):
        return value.text
    return tuple(getattr(value, name, None) for name in ("id", "backend", "family", "name"))


def own_size(before: Snapshot, after: Snapshot) -> int:
    """Roughly the bytes of `after` that it does not share with `before`."""
    return _size(before, after)


def _size(before: Any, after: Any) -> int:
    if before is after:
        return 0
    size = sys.getsizeof(after, 0)
    if isinstance(after, tuple | Later):
        known = before if isinstance(before, tuple | Later) else ()
        return size + sum(_size(old, each) for old, each in _paired(known, after))
    if isinstance(after, Mapping):
        return size + sum(sys.getsizeof(key, 0) + sys.getsizeof(value, 0) for key, value in after.items())
    if is_dataclass(after) and not isinstance(after, type):
        return size + sum(_size(getattr(before, each.name, None), getattr(after, each.name)) for each in fields(after))
    return size
