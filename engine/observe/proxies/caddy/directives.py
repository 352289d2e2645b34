"""A Caddyfile's block as routes, as Caddy's own adapter makes them.

1. Directives are sorted by kind, whatever order they are written in, unless in a `route` block; of one kind the longer
   of two paths comes first, and what has a matcher before what has none (caddyconfig/httpcaddyfile/directives.go,
   sortRoutes).
2. Of `handle` blocks side by side only the first that fits is taken, and so of rewrites (buildSubroute).
3. Neighbours with the same matcher are one route, whose matcher is looked at once (consolidateRoutes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from engine.observe.proxies.caddy import steps
from engine.observe.proxies.caddy.matchers import EVERY, Named, named_in, taken
from engine.observe.proxies.caddy.syntax import CaddyLine
from engine.observe.proxies.caddy.tree import REWRITE, SUBROUTE, CaddyHandler, CaddyRoute
from engine.records import dataclass, replace

#: The order of directives (caddyserver.com/docs/caddyfile/directives).
_IN_ORDER = (
    "tracing map vars fs root log_append skip_log log_skip log_name header copy_response_headers request_body redir "
    "method rewrite uri try_files basicauth basic_auth forward_auth request_header encode push intercept templates "
    "invoke handle handle_path route abort error copy_response respond metrics reverse_proxy php_fastcgi file_server "
    "acme_server"
)
ORDER = tuple(_IN_ORDER.split())
#: What a block has besides, which no request meets.
_ASIDE = frozenset({"tls", "bind", "log", "handle_errors", "import"})
_BLOCKS = frozenset({"handle", "handle_path", "route"})
#: Of these only the first that fits is taken.
_EXCLUSIVE = ("rewrite", "handle")


@dataclass(frozen=True, slots=True)
class _Ordered:
    """A directive's route, and the name that it is sorted by."""

    name: str
    route: CaddyRoute

    @property
    def path(self) -> str:
        """The one path that it is for; "" for several, or where it has no matcher of paths."""
        paths = [path for each in self.route.sets for path in each.get("path", ())]
        return str(paths[0]) if len(paths) == len(self.route.sets) == 1 else ""


class Adapter:
    """Makes routes of blocks. `order` are the directives in their order."""

    def __init__(self, order: Sequence[str] = ORDER) -> None:
        self._places = {name: place for place, name in enumerate(order)}
        self._groups = count()

    def routes(self, lines: tuple[CaddyLine, ...], around: Named) -> tuple[CaddyRoute, ...]:
        """The routes of a block, sorted and grouped. `around` are the matchers of the blocks around it."""
        found = _as_sorted(self._directives(lines, around), self._before)
        for name in _EXCLUSIVE:
            same = [each for each in found if each.name == name]
            if len(same) > 1 or (same and name == REWRITE):
                group = self._group()
                found = [
                    replace(each, route=replace(each.route, group=group)) if each.name == name else each
                    for each in found
                ]
        return _together([each.route for each in found])

    def _group(self) -> str:
        return f"group{next(self._groups)}"

    def _before(self, one: _Ordered, other: _Ordered) -> bool:
        mine, theirs = self._places.get(one.name, -1), self._places.get(other.name, -1)
        if mine != theirs:
            return mine < theirs
        if one.path and other.path:
            return len(one.path) > len(other.path)
        return bool(one.route.sets) and not other.route.sets

    def _directives(self, lines: tuple[CaddyLine, ...], around: Named) -> list[_Ordered]:
        named = {**around, **named_in(lines)}
        return [
            _Ordered("handle" if line.words[0] == "handle_path" else line.words[0], route)
            for line in lines
            if line.words and line.words[0][:1] != "@" and line.words[0] not in _ASIDE
            for route in self._directive(line, named)
        ]

    def _directive(self, line: CaddyLine, named: Named) -> tuple[CaddyRoute, ...]:
        """The routes of one directive."""
        name, *rest = line.words
        if name == REWRITE and len(rest) == 1:
            rest = [EVERY, *rest]
        sets, words = taken(tuple(rest), named)
        if name in _BLOCKS:
            return (CaddyRoute((self._block(line, rest, named),), line.at, sets),)
        if name == "try_files":
            group = self._group()
            inner = tuple(replace(each, group=group) for each in steps.tried(line, words))
        elif name == "php_fastcgi":
            inner = steps.php(line, words)
        else:
            return (CaddyRoute(steps.of(line, words), line.at, sets),)
        if not sets:
            return inner
        return (CaddyRoute((CaddyHandler(SUBROUTE, {}, line.at, name, inner),), line.at, sets),)

    def _block(self, line: CaddyLine, words: Sequence[str], named: Named) -> CaddyHandler:
        lines, name = line.block or (), line.words[0]
        if name == "route":
            inner = tuple(each.route for each in self._directives(lines, named))
        else:
            inner = self.routes(lines, named)
        if name == "handle_path" and words:
            prefix = words[0].rstrip(EVERY).rstrip("/")
            step = CaddyHandler(REWRITE, {"strip_path_prefix": prefix}, line.at, " ".join(line.words))
            inner = (CaddyRoute((step,), line.at), *inner)
        return CaddyHandler(SUBROUTE, {}, line.at, " ".join(line.words), inner)


def _as_sorted(entries: list[_Ordered], before: Callable[[_Ordered, _Ordered], bool]) -> list[_Ordered]:
    """Sorted by insertion, as Go's sort.SliceStable does: what comes before what is no order of all of them."""
    found: list[_Ordered] = []
    for each in entries:
        place = len(found)
        while place and before(each, found[place - 1]):
            place -= 1
        found.insert(place, each)
    return found


def _together(routes: Sequence[CaddyRoute]) -> tuple[CaddyRoute, ...]:
    """Neighbours with the same matchers and group as one route."""
    found: list[CaddyRoute] = []
    for each in routes:
        last = found[-1] if found else None
        if last is not None and (last.sets, last.group, last.terminal) == (each.sets, each.group, each.terminal):
            found[-1] = replace(last, handlers=(*last.handlers, *each.handlers))
        else:
            found.append(each)
    return tuple(found)
