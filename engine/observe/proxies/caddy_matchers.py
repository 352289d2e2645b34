"""Caddy's request matchers: which paths a handler takes, for requests of one name.

A matcher's lines all have to hold. A direct client sends GET and no headers of other proxies or websockets; what a
matcher asks for besides is not known. Source: caddyserver.com/docs/caddyfile/matchers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.model.application.proxy import PathMatch
from engine.observe.proxies.caddy_syntax import CaddyLine

EVERY = "*"
#: Headers that a plain client sends.
_SENT = frozenset({"host", "user-agent", "accept", "accept-encoding", "accept-language"})

#: Paths that a matcher lets in: a pattern and how it is compared.
Paths = list[tuple[str, PathMatch]]
ALL: Paths = [("/", PathMatch.PREFIX)]


def named(block: CaddyLine) -> dict[str, CaddyLine]:
    """The matchers of a block, by their names (with the @)."""
    return {each.words[0]: each for each in block.block or () if each.words and each.words[0].startswith("@")}


def hosts_in(block: CaddyLine, covers: Sequence[str]) -> Iterator[str]:
    """The names that matchers of a block ask for, of those that its site has (none: every one)."""
    for entry in block.block or ():
        for line in _lines(entry) if entry.words[:1] and entry.words[0].startswith("@") else ():
            for host in map(str.lower, line[1:] if line[:1] == ("host",) else ()):
                if EVERY not in host and (not covers or any(is_covered(host, name) for name in covers)):
                    yield host


def is_covered(host: str, name: str) -> bool:
    """Whether a site's or matcher's name is that of a host: an asterisk stands for one label."""
    parts, own = host.split("."), name.lower().split(".")
    return len(parts) == len(own) and all(mine in (EVERY, part) for part, mine in zip(parts, own, strict=True))


def matched(words: Sequence[str], matchers: Mapping[str, CaddyLine], host: str) -> tuple[Paths | None, list[str]]:
    """The paths that a handler's first word asks for, and its other words: none where requests of that host ("": of
    none that a matcher has) do not fit, None where it is not known."""
    if not words or not words[0].startswith(("/", EVERY, "@")):
        return ALL, list(words)
    first, *rest = words
    if first == EVERY:
        return ALL, rest
    if first.startswith("/"):
        return [_path(first)], rest
    matcher = matchers.get(first)
    return (None if matcher is None else _together(list(_lines(matcher)), host)), rest


def _lines(matcher: CaddyLine) -> Iterator[tuple[str, ...]]:
    """What a matcher asks for: in its own line, or one in each of its block."""
    if len(matcher.words) > 1:
        yield tuple(matcher.words[1:])
    for each in matcher.block or ():
        yield each.words if each.block is None else ("", *each.words)


def _together(lines: Sequence[tuple[str, ...]], host: str) -> Paths | None:
    """The paths of lines that all have to hold."""
    paths: Paths | None = None
    for line in lines:
        own = _of_line(line, host)
        if own == []:
            return []
        if own is None or (own != ALL and paths is not None):
            return None
        paths = own if own != ALL else paths
    return ALL if paths is None else paths


def _of_line(line: tuple[str, ...], host: str) -> Paths | None:
    kind, *values = line
    if kind == "path":
        return [_path(each) for each in values]
    if kind == "path_regexp" and values:
        return [(values[-1], PathMatch.REGEX)]
    if kind == "host":
        if any(EVERY in each for each in values) and not host:
            return None
        return ALL if host and any(is_covered(host, each) for each in values) else []
    if kind == "method":
        return ALL if "GET" in values else []
    if kind == "header" and values and not values[0].startswith("!"):
        return [] if values[0].lower() not in _SENT else None
    if kind == "not" and values[:1] == ["path"] and len(values) > 1:
        return [(f"^{''.join(map(_outside, values[1:]))}", PathMatch.REGEX)]
    return None


def _outside(pattern: str) -> str:
    """An expression that fits where a path does not."""
    text, match = _path(pattern)
    return f"(?!{re.escape(text)}{'' if match is PathMatch.PREFIX else '$'})"


def _path(pattern: str) -> tuple[str, PathMatch]:
    if pattern.endswith(EVERY) and EVERY not in pattern[:-1]:
        return pattern[:-1], PathMatch.PREFIX
    if EVERY in pattern:
        parts = map(re.escape, pattern.split(EVERY))
        return f"^{'.*'.join(parts)}$", PathMatch.REGEX
    return pattern, PathMatch.EXACT
