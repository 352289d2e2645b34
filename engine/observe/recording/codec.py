"""Frozen dataclasses to plain JSON values and back, driven by nothing but their type hints.

1. `codec_of(type)` is built once for each type: a pair of functions, and those of a dataclass call those of
   its fields. No noun knows how it is written, and a new field needs no code here.
2. A dataclass is an object with its fields in their order; a field that has its default is left out. Sets
   and mappings are sorted. So equal values have equal texts.
3. In a union of dataclasses each is tagged with its name under "is".
4. Reading is strict: a wrong type, an unknown field or tag, or a value that its own class refuses is an
   `Unreadable` with the place where it is. Types are not recursive, so neither is reading.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from engine.observe.recording.codec_values import (
    ADDRESS,
    NETWORK,
    PLAIN,
    Codec,
    Unreadable,
    as_it_is,
    enum_codec,
    found_kind,
)

#: The key that names the class in a union; no field is called so.
TAG = "is"
#: Classes that files name otherwise than the code does: a class may get another name, a file keeps its.
TAGS = {"RuleVerdict": "Verdict"}


@cache
def codec_of(hint: Any) -> Codec:
    """The codec of a type. Raises TypeError for a type that has no place in a recording."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin in _GENERIC:
        return _GENERIC[origin](arguments)
    if isinstance(hint, type):
        if hint in PLAIN:
            return PLAIN[hint]
        if is_dataclass(hint):
            return _dataclass(hint)
        if issubclass(hint, StrEnum):
            return enum_codec(hint)
    raise TypeError(f"{hint} has no place in a recording")


# --- collections ----------------------------------------------------------------------------------------


def _list_of(item: Codec, build: Callable[[list[Any]], Any], order: Callable[[Any], Any]) -> Codec:
    """A JSON list of items; `order` arranges what is written, `build` makes the value of what is read."""
    write_item, read_item = item.write, item.read

    def write(value: Any) -> list[Any]:
        return [write_item(part) for part in order(value)]

    def read(value: Any) -> Any:
        if type(value) is not list:
            raise Unreadable(f"expected a list, found {found_kind(value)}")
        found: list[Any] = []
        try:
            for part in value:
                found.append(read_item(part))
        except Unreadable as error:
            raise error.within(f"[{len(found)}]") from None
        return build(found)

    return Codec(write, read, frozenset({list}))


def _tuple(arguments: tuple[Any, ...]) -> Codec:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return _list_of(codec_of(arguments[0]), tuple, as_it_is)
    parts = [codec_of(argument) for argument in arguments]

    def write(value: Any) -> list[Any]:
        return [codec.write(part) for codec, part in zip(parts, value, strict=True)]

    def read(value: Any) -> Any:
        if type(value) is not list or len(value) != len(parts):
            raise Unreadable(f"expected a list of {len(parts)}")
        found: list[Any] = []
        try:
            for codec, part in zip(parts, value, strict=True):
                found.append(codec.read(part))
        except Unreadable as error:
            raise error.within(f"[{len(found)}]") from None
        return tuple(found)

    return Codec(write, read, frozenset({list}))


def _mapping(arguments: tuple[Any, ...]) -> Codec:
    key, item = (codec_of(argument) for argument in arguments)
    if key.kinds != frozenset({str}):
        raise TypeError("the keys of a recorded mapping are text")

    def write(value: Any) -> dict[str, Any]:
        return {name: item.write(value[name]) for name in sorted(value)}

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise Unreadable(f"expected an object, found {found_kind(value)}")
        found: dict[Any, Any] = {}
        for name, part in value.items():
            try:
                found[key.read(name)] = item.read(part)
            except Unreadable as error:
                raise error.within(f"[{name!r:.60}]") from None
        return found

    return Codec(write, read, frozenset({dict}))


_GENERIC: dict[Any, Callable[[tuple[Any, ...]], Codec]] = {
    tuple: _tuple,
    Sequence: lambda arguments: _list_of(codec_of(arguments[0]), tuple, as_it_is),
    frozenset: lambda arguments: _list_of(codec_of(arguments[0]), frozenset, sorted),
    Mapping: _mapping,
}


# --- dataclasses and unions -----------------------------------------------------------------------------


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def parts_of(hint: type[Any]) -> list[tuple[str, Any, Any]]:
    """Name, type and default (MISSING: none) of each field of a dataclass that a recording has."""
    hints = typing.get_type_hints(hint)
    return [(field.name, hints[field.name], _default(field)) for field in fields(hint) if field.init]


def _dataclass(hint: type[Any]) -> Codec:
    own = [(name, codec_of(kind), default) for name, kind, default in parts_of(hint)]
    writers = [(name, codec.write, default) for name, codec, default in own]
    readers = {name: codec.read for name, codec, _ in own}
    required = [name for name, _, default in own if default is MISSING]

    def write(value: Any) -> dict[str, Any]:
        document = {}
        for name, write_field, default in writers:
            part = getattr(value, name)
            if part is not default and part != default:
                document[name] = write_field(part)
        return document

    def read(value: Any) -> Any:
        found = _fields(value, readers)
        for name in required:
            if name not in found:
                raise Unreadable(f"the field {name!r} is missing")
        try:
            return hint(**found)
        except ValueError as error:
            raise Unreadable(str(error)) from None

    return Codec(write, read, frozenset({dict}))


def _fields(value: Any, readers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """The fields of an object, each read by its reader."""
    if type(value) is not dict:
        raise Unreadable(f"expected an object, found {found_kind(value)}")
    found: dict[str, Any] = {}
    for name, part in value.items():
        if name in readers:
            try:
                found[name] = readers[name](part)
            except Unreadable as error:
                raise error.within(name) from None
        elif name != TAG:
            raise Unreadable(f"the field {name!r:.60} is unknown; a newer portscope may have written it")
    return found


def _union(arguments: tuple[Any, ...]) -> Codec:
    """A union: addresses, networks, dataclasses by their tag, anything else by its JSON type."""
    if set(arguments) - {type(None)} == {IPv4Address, IPv6Address}:
        return _optional(ADDRESS) if type(None) in arguments else ADDRESS
    if set(arguments) - {type(None)} == {IPv4Network, IPv6Network}:
        return _optional(NETWORK) if type(None) in arguments else NETWORK
    if type(None) in arguments and len(arguments) == 2:
        return _optional(codec_of(next(argument for argument in arguments if argument is not type(None))))
    return _tagged(arguments)


def _optional(inner: Codec) -> Codec:
    write_inner, read_inner = inner.write, inner.read
    return Codec(
        lambda value: None if value is None else write_inner(value),
        lambda value: None if value is None else read_inner(value),
        inner.kinds | {type(None)},
    )


def _tag(noun: type[Any]) -> str:
    """The name of a class in files."""
    return TAGS.get(noun.__name__, noun.__name__)


def _tagged(arguments: tuple[type, ...]) -> Codec:
    nouns = [argument for argument in arguments if hasattr(argument, "__dataclass_fields__")]
    classes = {_tag(noun): codec_of(noun) for noun in nouns}
    writers = {noun: (_tag(noun), codec_of(noun).write) for noun in nouns}
    others = {argument: codec_of(argument) for argument in arguments if argument not in writers}
    by_kind = {kind: codec.read for codec in others.values() for kind in codec.kinds}
    if dict in by_kind or sum(len(codec.kinds) for codec in others.values()) != len(by_kind):
        raise TypeError(f"the parts of the union {arguments} look alike in JSON")

    def write(value: Any) -> Any:
        if type(value) in writers:
            name, write_class = writers[type(value)]
            return {TAG: name, **write_class(value)}
        return others[type(value)].write(value)

    def read(value: Any) -> Any:
        if type(value) is not dict:
            if type(value) in by_kind:
                return by_kind[type(value)](value)
            raise Unreadable(f"expected one of {', '.join(classes)}, found {found_kind(value)}")
        tag = value.get(TAG)
        if type(tag) is not str or tag not in classes:
            raise Unreadable(f"expected one of {', '.join(classes)}, found {tag!r:.60}; a newer portscope may know it")
        return classes[tag].read(value)

    return Codec(write, read, frozenset({dict, *by_kind}))
