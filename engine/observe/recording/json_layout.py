"""A snapshot as indented JSON text, straight from its nouns: who writes which line of a recording.

1. The parts of objects and lists named in `_OPEN` or `_LARGE` get lines of their own, and so does each entry of any
   list of objects. Everything else is one line, which `codec` and the JSON encoder write.
2. An entry that is the very same value in several lists (readers share equal routes and rules among namespaces) is
   written once and its line used again.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import Any

from engine.observe.base.fork_pool import by_processes
from engine.observe.recording.codec import codec_of, parts_of

_OPEN = frozenset({"firewall", "sysctls", "tables", "chains"})
#: The list that has nearly everything; its entries are opened as well.
_LARGE = "namespaces"

one_line = json.JSONEncoder(separators=(", ", ": "), allow_nan=False, check_circular=False).encode
_key = cache(one_line)

#: Lines by the identity of their entry, which the snapshot keeps alive while it is written.
Lines = dict[int, str]
#: Adds a value's text at an indent to the text so far.
Add = Callable[[Any, str, list[str], Lines], None]


def written(noun: Any, schema: str) -> str:
    """The document of a dataclass, with its schema in front, ending with a newline."""
    out = [f'{{\n "schema": {one_line(schema)}']
    _parts(noun, "", out, {}, ",\n")
    out.append("\n}\n")
    return "".join(out)


def _parts(noun: Any, indent: str, out: list[str], lines: Lines, opening: str) -> str:
    """Adds a line for each part that is not its default; gives back what the next one would begin with."""
    kind: Any = type(noun)
    for name, key, default, add in _adders(kind):
        value = getattr(noun, name)
        if value is not default and value != default:
            out.append(f"{opening}{indent} {key}: ")
            opening = ",\n"
            add(value, f"{indent} ", out, lines)
    return opening


def _object(noun: Any, indent: str, out: list[str], lines: Lines) -> None:
    begun = _parts(noun, indent, out, lines, "{\n")
    out.append(f"\n{indent}}}" if begun != "{\n" else "{}")


@cache
def _adders(kind: Any) -> tuple[tuple[str, str, Any, Add], ...]:
    """Name, name as JSON, default, and how it is written, of each field of a dataclass."""
    return tuple((name, _key(name), default, _adder(name, hint)) for name, hint, default in parts_of(kind))


def _adder(name: str, hint: Any) -> Add:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    item: Any = arguments[0] if origin is Sequence or (origin is tuple and arguments[1:] == (Ellipsis,)) else None
    if name in _OPEN and is_dataclass(hint):
        return _object
    if name == _LARGE:
        return _large
    if name in _OPEN and hint == Mapping[str, int]:
        return _numbers
    if item is not None and hasattr(item, "__dataclass_fields__"):
        return _list(_object if name in _OPEN else _entry(codec_of(item).write))
    write = codec_of(hint).write
    if hint is int:
        return lambda value, _indent, out, _lines: out.append(str(value))
    return lambda value, _indent, out, _lines: out.append(one_line(write(value)))


def _entry(write: Callable[[Any], Any]) -> Add:
    def add(value: Any, _indent: str, out: list[str], lines: Lines) -> None:
        line = lines.get(id(value))
        if line is None:
            line = lines[id(value)] = one_line(write(value))
        out.append(line)

    return add


def _list(add_item: Add) -> Add:
    def add(value: Sequence[Any], indent: str, out: list[str], lines: Lines) -> None:
        opening = f"[\n{indent} "
        for item in value:
            out.append(opening)
            opening = f",\n{indent} "
            add_item(item, f"{indent} ", out, lines)
        out.append(f"\n{indent}]")

    return add


def _large(value: tuple[Any, ...], indent: str, out: list[str], _lines: Lines) -> None:
    """A list that is most of the document: two processes write it, where that pays."""

    def texts(items: Iterator[Any]) -> list[str]:
        shared: Lines = {}
        found = []
        for item in items:
            text: list[str] = []
            _object(item, f"{indent} ", text, shared)
            found.append("".join(text))
        return found

    between = f",\n{indent} "
    out.append(f"[\n{indent} {between.join(by_processes(texts, value))}\n{indent}]")


def _numbers(value: Mapping[str, int], indent: str, out: list[str], _lines: Lines) -> None:
    entries = [f"\n{indent} {_key(name)}: {value[name]}" for name in sorted(value)]
    out.append(f"{{{','.join(entries)}\n{indent}}}")
