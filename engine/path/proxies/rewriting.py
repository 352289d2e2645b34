"""The path that a rewrite makes of one, and where a path was led."""

from __future__ import annotations

import re

from engine.model.application.proxy import ProxyRoute
from engine.records import dataclass

#: A longer path is not followed.
LONGEST_PATH = 4096
_GROUP = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_URI = frozenset({"uri", "document_uri"})
_NONE = frozenset({"args", "is_args", "query_string"})


@dataclass(frozen=True, slots=True)
class Located:
    """The route for a path (None: none fits), and the path that it got. `moved`: a rewrite that ended in its location
    has made the path, which a server is asked for as it is."""

    route: ProxyRoute | None
    path: str
    moved: bool = False


def filled(text: str, path: str, found: re.Match[str] | None = None) -> str | None:
    """A text without its query, with the path, and the groups of an expression; None where it has other variables."""
    unknown = False

    def value(each: re.Match[str]) -> str:
        nonlocal unknown
        name = each[1] or each[2]
        if name in _URI:
            return path
        if name in _NONE:
            return ""
        if found is not None and name.isdecimal() and int(name) <= found.re.groups:
            return found[int(name)] or ""
        unknown = True
        return ""

    led = _GROUP.sub(value, text.partition("?")[0])
    return None if unknown or len(led) > LONGEST_PATH else led
