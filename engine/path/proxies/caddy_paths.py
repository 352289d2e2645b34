"""Caddy's way from a path to the route that answers it: routes in routes, one after the other.

1. A route's matchers are asked when it is its turn, with what rewrites before it have made of the path; of a group only
   the first that fits is taken (modules/caddyhttp/routes.go, wrapRoute).
2. Paths are compared without doubled slashes and dots, and mostly without regard to letters' case (matchers.go,
   MatchPath, MatchPathRE).
3. Behind the last route comes an empty answer.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from posixpath import normpath
from urllib.parse import unquote

from engine.model.application.expressions import fits_expression, found_in
from engine.model.application.proxy import NOTHING, Action, PathMatch, PathTest, ProxyRoute, ProxySite
from engine.model.application.web_paths import Rewrite
from engine.path.proxies.rewriting import Located, filled
from engine.records import replace


def locate(site: ProxySite, path: str) -> Located:
    """The route of a site that answers a path, which has no query. Routes stand behind that in which they stand."""
    entered, taken = {0}, {0}
    for number, route in enumerate(site.routes, 1):
        if route.within not in entered or (route.group and route.group in taken) or not _fits(route, path):
            continue
        taken.add(route.group)
        led = _rewritten(route.rewrites, path)
        if led is None:
            return Located(replace(route, action=Action.UNKNOWN, words=route.rewrites[-1].words), path)
        path = led
        if route.action is not Action.INSIDE:
            return Located(route if route.words != NOTHING else None, path or "/")
        entered.add(number)
    return Located(None, path or "/")


def _rewritten(rewrites: tuple[Rewrite, ...], path: str) -> str | None:
    """What rewrites make of a path; None where that depends on something else."""
    for each in rewrites:
        found = found_in(each.pattern, path)
        if found is not None:
            led = filled(each.onto, path, found)
            if led is None:
                return None
            path = led
    return path


# --- fits -----------------------------------------------------------------------------------------------


def _fits(route: ProxyRoute, path: str) -> bool:
    if route.match is PathMatch.TESTS:
        return any(all(_holds(test, path) is test.holds for test in tests) for tests in route.tests)
    every = route.match is PathMatch.PREFIX and route.pattern == "/" and not route.folded
    return every or _holds(PathTest(route.pattern, route.match, route.folded), path)


def _holds(test: PathTest, path: str) -> bool:
    """Whether a path is as a test has it."""
    path = _cleaned(unquote(path))
    if test.match is PathMatch.REGEX:
        return fits_expression(test.pattern, path, folded=test.folded)
    return _COMPARED[test.match](path.lower() if test.folded else path, test.pattern)


def _cleaned(path: str) -> str:
    """A path without doubled slashes and dots; a slash at its end stays (caddyhttp.go, CleanPath)."""
    plain = normpath(path)
    if plain.startswith("//"):
        plain = plain[1:]
    return f"{plain}/" if path.endswith("/") and plain != "/" else plain


def _glob(path: str, pattern: str) -> bool:
    own, wanted = path.split("/"), pattern.split("/")
    return len(own) == len(wanted) and all(map(fnmatchcase, own, wanted))


_COMPARED: dict[PathMatch, Callable[[str, str], bool]] = {
    PathMatch.EXACT: str.__eq__,
    PathMatch.PREFIX: str.startswith,
    PathMatch.SUFFIX: str.endswith,
    PathMatch.PART: str.__contains__,
    PathMatch.GLOB: _glob,
}
