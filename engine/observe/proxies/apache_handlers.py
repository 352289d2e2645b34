"""Apache's SetHandler with a server behind it, as PHP's FastCGI servers are named, and what leads to it.

A handler takes the files of its block: by the file's name in `<FilesMatch>` and `<Files>`, by the path in `<Location>`
and `<LocationMatch>`, else all. A folder's path leads to its DirectoryIndex, a path without a file to FallbackResource
or to a front controller of mod_rewrite; where that file is not known to be missing, it is taken to be there.
Sources: httpd.apache.org/docs/2.4/mod/mod_proxy.html (handler), mod_proxy_fcgi.html, mod_dir.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate

from engine.model.application.expressions import fits_expression
from engine.model.application.proxy import Action, ConfigPlace, PathMatch, ProxyRoute, Upstream
from engine.observe.proxies.ends import TLS, split_url
from engine.observe.proxies.root_files import Exists
from engine.records import dataclass, replace

_PROXY = "proxy:"
#: How a pattern of a file's name is one of its path.
_NAME = "(?:^|/)"


@dataclass(frozen=True, slots=True)
class Handled:
    """A directive with its words, and the blocks around it, the inmost last: (name, argument)."""

    name: str
    words: tuple[str, ...]
    at: ConfigPlace
    around: tuple[tuple[str, str], ...]


def handlers(lines: Iterable[Handled]) -> Iterator[ProxyRoute]:
    """The routes of handlers that pass requests on."""
    for line in lines:
        if line.name == "sethandler" and line.words and line.words[0].startswith(_PROXY):
            pattern, match = _pattern(line.around)
            yield _to(line.words[0].removeprefix(_PROXY), ProxyRoute(pattern, match, at=line.at))


def led_to(lines: Iterable[Handled], routes: Iterable[ProxyRoute], exists: Exists | None) -> Iterator[ProxyRoute]:
    """The routes of paths without a file of their own, where one of `routes` has the file that they lead to."""
    own, given = list(lines), list(routes)
    index = [word for line in own if line.name == "directoryindex" for word in line.words] or ["index.html"]
    root = next((line.words[0].rstrip("/") for line in own if line.name == "documentroot" and line.words), "")
    first = next((name for name in index if exists is None or exists(f"{root}/{name.lstrip('/')}")), None)
    if first is not None:
        yield from _as(f"/{first.lstrip('/')}", given, "/", PathMatch.EXACT)
    fallback = next((line.words[0] for line in own if line.name == "fallbackresource" and line.words), None)
    fallback = fallback or next((line.words[1] for line in own if _is_front(line)), None)
    if fallback is not None and fallback != "disabled":
        yield from _as(f"/{fallback.lstrip('/')}", given, r"/[^./]*$", PathMatch.REGEX)


def _is_front(line: Handled) -> bool:
    """Whether a rule leads every path to one file of the site."""
    plain = line.name == "rewriterule" and len(line.words) > 1 and line.words[0] in (".", "^", "^.*$", ".*", "^(.*)$")
    return plain and re.fullmatch(r"/?[\w.-]+\.\w+", line.words[1]) is not None


def _as(file: str, routes: Iterable[ProxyRoute], pattern: str, match: PathMatch) -> Iterator[ProxyRoute]:
    """The route of a file, for other paths."""
    for route in routes:
        if route.match is PathMatch.REGEX and fits_expression(route.pattern, file, folded=route.folded):
            yield replace(route, pattern=pattern, match=match, onto=None)
            return


def _pattern(around: tuple[tuple[str, str], ...]) -> tuple[str, PathMatch]:
    for name, argument in reversed(around):
        plain = argument.removeprefix("~").strip().strip('"')
        if name == "filesmatch" or (name == "files" and argument.startswith("~")):
            return (_NAME + plain[1:] if plain.startswith("^") else plain), PathMatch.REGEX
        if name == "files":
            return _NAME + translate(plain).replace(r"\Z", "$").removeprefix("(?s:").replace(")$", "$"), PathMatch.REGEX
        if name == "locationmatch" or (name == "location" and argument.startswith("~")):
            return plain, PathMatch.REGEX
        if name == "location":
            return plain, PathMatch.PREFIX
    return "/", PathMatch.PREFIX


def _to(target: str, plain: ProxyRoute) -> ProxyRoute:
    scheme, host, port, _ = split_url(target)
    if target.startswith("unix:") or not host or "$" in host or "%" in host:
        return replace(plain, words=f"SetHandler {_PROXY}{target}")
    return replace(plain, action=Action.PASS, upstreams=(Upstream(host, port, scheme in TLS, plain.at),))
