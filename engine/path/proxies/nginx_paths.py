"""nginx's way from a path to the route that answers it: rewrites, locations in locations, try_files and index files.

1. Of locations the exact one, else the longest prefix and, unless that is firm, the first expression that fits; then
   the same again among those that stand in it (ngx_http_core_module.c, ngx_http_core_find_location).
2. A rewrite, try_files or an index file may lead to another path, for which a location is chosen again, at most ten
   times (NGX_HTTP_MAX_URI_CHANGES).
3. Of a file that the configuration does not name it is not known whether it is there. Tried, it is taken to be there
   where its name has an ending; answered from files, it is taken to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.model.application.expressions import fits_expression, found_in
from engine.model.application.proxy import FILES, Action, PathMatch, ProxyRoute, ProxySite
from engine.model.application.web_paths import SAME, Folder, Rewrite, RewriteThen
from engine.path.proxies.access import is_decided
from engine.path.proxies.rewriting import Located, filled
from engine.records import dataclass, replace

MOST_TURNS = 10


@dataclass(frozen=True, slots=True)
class _Way:
    """A request on its way: its path, whether that is still the client's own (valid_unparsed_uri), and whether a
    rewrite has fixed it (valid_location)."""

    path: str
    own: bool = True
    moved: bool = False


@dataclass(frozen=True, slots=True)
class _Next:
    """A location is chosen again; `fresh`: as for a new request, with the site's own rewrites."""

    way: _Way
    fresh: bool


def locate(site: ProxySite, path: str) -> Located:
    """The route of a site that answers a path, which has no query."""
    way, fresh = _Way(path), True
    for _ in range(MOST_TURNS + 1):
        if fresh:
            led = _rewritten(site.rewrites, way, site.folder)
            if led.route is not None:
                return Located(led.route, led.way.path)
            way = led.way
        found = _led(site, way)
        if isinstance(found, Located):
            return found
        way, fresh = found.way, found.fresh
    words = f"{path} leads to {way.path} and so on, and to no file that is there"
    return Located(ProxyRoute(action=Action.ANSWER, status=500, at=site.at, words=words), way.path)


def _led(site: ProxySite, way: _Way) -> Located | _Next:
    """What a location makes of a request: the end, or the next path."""
    slash = _with_slash(site, way.path)
    if slash is not None:
        return Located(slash, way.path)
    route = _location(site.routes, way.path, 0)
    if route is None:
        return Located(None, way.path)
    return _within(site, route, way)


def _within(site: ProxySite, route: ProxyRoute, way: _Way) -> Located | _Next:
    """What one location makes of a request. In an `if` that is met try_files does not count."""
    led = _rewritten(route.rewrites, way, route.folder)
    way, decided = led.way, is_decided(route)
    if led.route is not None:
        return Located(led.route, way.path)
    if led.then is RewriteThen.AGAIN or (led.then is RewriteThen.GO_ON and not decided):
        return _Next(way, False)
    if led.then is RewriteThen.STAY and decided:
        return Located(replace(route, action=Action.UNKNOWN, words=led.words), way.path)
    if route.tries and not decided and not led.met:
        tried = _tried(route, way.path)
        if isinstance(tried, Located):
            return tried
        word, ends = tried
        if ends:
            return _fallback(site, route, way, word)
        if route.onto is not None or not way.own or route.action is not Action.PASS:
            way = replace(way, path=word)  # without a path of its own proxy_pass sends the client's
    if route.action is Action.ANSWER and route.words == FILES:
        return _from_files(route, way.path)
    return Located(route, way.path, way.moved)


def _fallback(site: ProxySite, route: ProxyRoute, way: _Way, word: str) -> Located | _Next:
    """The last word of a try_files: a path, or a location's name."""
    if not word.startswith("@"):
        return _Next(_Way(word, own=False), True)
    named = next((each for each in site.routes if (each.match, each.pattern) == (PathMatch.NAMED, word)), None)
    if named is None or named is route:
        return Located(replace(route, action=Action.ANSWER, status=500, words=f"there is no location {word}"), way.path)
    return _within(site, replace(named, tries=()) if named.tries[-1:] == (word,) else named, way)


# --- locations ------------------------------------------------------------------------------------------


def _inside(routes: Sequence[ProxyRoute], outer: int) -> Iterator[tuple[int, ProxyRoute]]:
    """The routes that stand in one, with their numbers."""
    return ((number, each) for number, each in enumerate(routes, 1) if each.within == outer and number > outer)


def _location(routes: Sequence[ProxyRoute], path: str, outer: int) -> ProxyRoute | None:
    """The location for a path, of those that stand in the one of that number."""
    here = list(_inside(routes, outer))
    exact = next((each for _, each in here if each.match is PathMatch.EXACT and each.pattern == path), None)
    if exact is not None:
        return exact
    prefixes = [
        (number, each)
        for number, each in here
        if each.match in (PathMatch.PREFIX, PathMatch.FIRM) and path.startswith(each.pattern)
    ]
    number, longest = max(prefixes, key=lambda each: len(each[1].pattern), default=(0, None))
    within = _location(routes, path, number) if longest is not None else None
    if within is not None and (within.match in (PathMatch.EXACT, PathMatch.REGEX) or longest is None):
        return within
    if longest is None or longest.match is not PathMatch.FIRM:
        for number, each in here:
            if each.match is PathMatch.REGEX and fits_expression(each.pattern, path, folded=each.folded):
                return _location(routes, path, number) or each
    return within or longest


def _with_slash(site: ProxySite, path: str) -> ProxyRoute | None:
    """The redirect of a path to the location that is the same with a slash, where that passes requests on."""
    if path.endswith("/") or any(each.pattern == path and _is_static(each) for each in site.routes if not each.within):
        return None
    found = next((each for each in site.routes if each.pattern == f"{path}/" and _is_static(each)), None)
    if found is None or found.within or not found.slashed:
        return None
    return replace(found, action=Action.REDIRECT, status=301, location=f"{path}/", rewrites=(), tries=())


def _is_static(route: ProxyRoute) -> bool:
    return route.match in (PathMatch.PREFIX, PathMatch.FIRM, PathMatch.EXACT)


# --- rewrites -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Led:
    """What rewrites make of a request: the route where they end it, what follows (None: none fitted), the words of the
    last that fitted, and whether the condition of one was met."""

    way: _Way
    then: RewriteThen | None = None
    route: ProxyRoute | None = None
    words: str = ""
    met: bool = False


def _rewritten(rewrites: Iterable[Rewrite], way: _Way, folder: Folder | None) -> _Led:
    """The path that rewrites make of one."""
    led = _Led(way)
    for each in rewrites:
        path = led.way.path
        if each.test and _is_there(folder, path, also_folder="e" in each.test) is each.test.startswith("!"):
            continue
        led = replace(led, met=led.met or bool(each.test))
        found = found_in(each.pattern, path)
        if found is None:
            continue
        onto, ends = filled(each.onto, path, found), each.then is RewriteThen.STAY
        if each.then is RewriteThen.REDIRECT:
            location = each.onto if onto is None else onto
            return replace(led, route=ProxyRoute(action=Action.REDIRECT, status=each.status, location=location))
        if onto is None:
            return replace(led, route=ProxyRoute(words=each.words))
        if each.onto != SAME:
            led = replace(led, way=_Way(onto, own=False, moved=led.way.moved or ends))
        led = replace(led, then=each.then, words=each.words)
        if each.then is not RewriteThen.GO_ON:
            break
    return led


# --- files ----------------------------------------------------------------------------------------------


def _tried(route: ProxyRoute, path: str) -> Located | tuple[str, bool]:
    """What try_files finds: the file's path, or the last word filled and True."""
    *tries, last = route.tries
    for word in tries:
        there = filled(word, path)
        if there is None:
            continue
        if word.endswith("/"):
            if there.strip("/") == "" and (route.folder is None or route.folder.there):
                return path, False
        elif _is_there(route.folder, there):
            return there, False
    if last.startswith("="):
        status = int(last[1:]) if last[1:].isdecimal() else 404
        words = f"{path} is no file in {route.folder.path}" if route.folder is not None else f"{path} is no file"
        return Located(replace(route, action=Action.ANSWER, status=status, words=words), path)
    led = last if last.startswith("@") else filled(last, path)
    return Located(replace(route, action=Action.UNKNOWN, words=last), path) if led is None else (led, True)


def _is_there(folder: Folder | None, path: str, *, also_folder: bool = False) -> bool:
    """Whether a path is a file, as far as that is known."""
    if path.endswith("/"):
        return also_folder and path == "/" and (folder is None or folder.there)
    if folder is not None and (path in folder.files or path in folder.missing):
        return path in folder.files
    return (folder is None or folder.there) and "." in path.rpartition("/")[2]


def _from_files(route: ProxyRoute, path: str) -> Located | _Next:
    """What a location answers from its files: the status, or the index file's path."""
    folder = route.folder
    if folder is None:
        return Located(route, path)
    if not folder.there:
        return Located(replace(route, status=404, words=f"there is no folder {folder.path}"), path)
    if path != "/":
        gone = path in folder.missing
        return Located(replace(route, status=404, words=f"there is no {folder.path}{path}") if gone else route, path)
    for name in folder.index:
        index = f"/{name.lstrip('/')}"
        if index in folder.files:
            return _Next(_Way(index, own=False), True)
    if folder.lists:
        return Located(route, path)
    return Located(replace(route, status=403, words=f"there is no {' or '.join(folder.index)} in {folder.path}"), path)
