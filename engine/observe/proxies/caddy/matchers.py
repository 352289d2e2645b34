"""A Caddyfile's request matchers as the JSON has them: lines that all have to hold, as a set of kinds.

Values of one kind are alternatives, also in several lines; of expressions the last line counts
(caddyserver.com/docs/caddyfile/matchers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.observe.proxies.caddy.syntax import CaddyLine
from engine.observe.proxies.caddy.tree import Settings

#: What a directive's first word stands for: the names of matchers (with the @), and their sets.
Named = Mapping[str, Settings]
EVERY = "*"
_LISTS = frozenset({"path", "host", "method", "remote_ip", "client_ip", "query", "vars"})
#: Short forms of placeholders, with the long ones.
_PLACEHOLDERS = {
    "{host}": "{http.request.host}",
    "{uri}": "{http.request.uri}",
    "{path}": "{http.request.uri.path}",
    "{query}": "{http.request.uri.query}",
    "{hostport}": "{http.request.hostport}",
    "{scheme}": "{http.request.scheme}",
    "{upstream_hostport}": "{http.reverse_proxy.upstream.hostport}",
    "{http.request.orig_uri.path}": "{http.request.uri.path}",
}


def long_form(text: str) -> str:
    """A text with its placeholders in their long forms."""
    for short, long in _PLACEHOLDERS.items():
        text = text.replace(short, long)
    return text.replace("{re.", "{http.regexp.").replace("{file_match.", "{http.matchers.file.")


def named_in(lines: tuple[CaddyLine, ...]) -> dict[str, Settings]:
    """The matchers of a block, by their names."""
    return {each.words[0]: matcher_set(_parts(each)) for each in lines if each.words[:1] and each.words[0][:1] == "@"}


def taken(words: tuple[str, ...], named: Named) -> tuple[tuple[Settings, ...], tuple[str, ...]]:
    """The matcher sets that the first of a directive's words asks for (none: every request), and its other words."""
    first = words[0] if words else ""
    if first == EVERY:
        return (), words[1:]
    if first.startswith("/"):
        return ({"path": [first]},), words[1:]
    if first.startswith("@"):
        return (named.get(first, {first: True}),), words[1:]
    return (), words


def _parts(line: CaddyLine) -> Iterator[CaddyLine]:
    """What a named matcher asks for: in its own line, or one in each of its block."""
    if len(line.words) > 1:
        yield CaddyLine(line.words[1:], line.at, line.block)
    else:
        yield from line.block or ()


def matcher_set(lines: Iterator[CaddyLine] | tuple[CaddyLine, ...]) -> Settings:
    """Lines as one set."""
    found: dict[str, Any] = {}
    for line in lines:
        kind, values = line.words[0], list(line.words[1:])
        if kind in _LISTS:
            found.setdefault(kind, []).extend(values)
        elif kind == "not":
            found.setdefault(kind, []).append(matcher_set(tuple(_parts(line))))
        elif kind == "header" and values:
            _header(found.setdefault(kind, {}), values)
        elif kind == "path_regexp" and values:
            found[kind] = {"name": values[0] if len(values) > 1 else "", "pattern": values[-1]}
        elif kind == "protocol" and values:
            found[kind] = values[0]
        elif kind == "file":
            found[kind] = _file(line)
        else:
            found[kind] = values
    return found


def _header(fields: dict[str, Any], values: list[str]) -> None:
    name = values[0].removeprefix("!")
    if name != values[0]:
        fields[name] = None
    else:
        fields[name] = [*(fields.get(name) or ()), *values[1:]]


def _file(line: CaddyLine) -> Settings:
    """`file NAMES`, or a block of options."""
    options: dict[str, Any] = {each.words[0]: list(each.words[1:]) for each in line.block or () if each.words}
    names = [*line.words[1:], *options.pop("try_files", ())]
    return {**options, "try_files": [long_form(each) for each in names]}
