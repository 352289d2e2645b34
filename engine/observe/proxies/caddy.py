"""Caddy: site blocks of a Caddyfile as sites, handlers as routes.

1. A site whose address names a host and no port is served by TLS on 443, and its port 80 redirects there, unless it
   begins with `http://` or `auto_https` is off. An address without a host takes every Host (caddyserver.com, "Automatic
   HTTPS").
2. Handlers are sorted by kind, whatever order they are written in (Caddyfile directives, "Directive order"); of one
   kind the longer of two paths comes first.
3. `handle` and `route` blocks are looked into. A site for many names is one for each that a matcher asks for, too
   (`caddy_matchers`).
4. JSON, and what a Caddy that builds its configuration from containers' labels has saved of it, is read by
   `caddy_json`.
5. A Host that no site has is answered with an empty 200.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cmp_to_key
from itertools import pairwise

from engine.model.application.proxy import (
    FILES,
    Action,
    ConfigPlace,
    PathMatch,
    ProxyDoor,
    ProxyRoute,
    ProxySite,
    ProxyTable,
    Upstream,
)
from engine.observe.proxies import caddy_json
from engine.observe.proxies.caddy_matchers import ALL, EVERY, Paths, hosts_in, matched, named
from engine.observe.proxies.caddy_syntax import CaddyLine, parse
from engine.observe.proxies.ends import TLS, address_of, split_end, split_url
from engine.observe.proxies.root_files import RootFiles
from engine.records import dataclass, replace

USUAL = "/etc/caddy/Caddyfile"
#: Handlers that end a request, in the order in which they are tried.
_ORDER = (
    "redir",
    "abort",
    "error",
    "handle",
    "handle_path",
    "route",
    "respond",
    "reverse_proxy",
    "php_fastcgi",
    "file_server",
)
_NONE: Mapping[str, CaddyLine] = {}
#: So many names of a site's matchers are looked at one by one.
MOST_NAMES = 64
#: Words for the status of a redirect; "html" is a page that leads on.
_CODES = {"permanent": 301, "temporary": 302, "html": 200}


def read(files: RootFiles, words: Sequence[str]) -> ProxyTable:
    """The table of the file that a command line names. Raises OSError, SyntaxTrouble."""
    options = dict(pairwise(words))
    if "reverse-proxy" in words:
        return _by_words(words, options)
    saved = next((each for each in caddy_json.SAVED if files.exists(each)), "")
    path = options.get("--config", options.get("-c", USUAL))
    if saved and ("--resume" in words or "docker-proxy" in words):
        path = saved
    if path.endswith(".json"):
        return caddy_json.table(files.text(path), path)
    return table(parse(files, path))


def table(entries: Sequence[CaddyLine]) -> ProxyTable:
    """The sites of a Caddyfile."""
    plain_only = any(
        option.words[:2] in (("auto_https", "off"), ("auto_https", "disable_redirects"))
        for each in entries
        if each.words == ()
        for option in each.block or ()
    )
    blocks = [each for each in entries if each.words and each.block is not None and not each.words[0].startswith("(")]
    if not blocks and entries:  # a file with one site may leave out its braces
        head = next((each for each in entries if each.words), None)
        blocks = [replace(head, block=tuple(entries[1:]))] if head is not None else []
    sites = [site for block in blocks for site in _sites(block, automatic=not plain_only)]
    # Sites that take every Host come last.
    silent = any(option.words == ("admin", "off") for each in entries if not each.words for option in each.block or ())
    return ProxyTable(tuple(sorted(sites, key=lambda site: not site.names)), reloads=not silent)


def _by_words(words: Sequence[str], options: Mapping[str, str]) -> ProxyTable:
    """`caddy reverse-proxy --from ADDRESS --to SERVER`: one site, without a file."""
    servers = [after for word, after in pairwise(words) if word in ("--to", "-t")]
    line = CaddyLine((options.get("--from", options.get("-f", "localhost")),), ConfigPlace(" ".join(words)))
    inner = CaddyLine(("reverse_proxy", *servers), line.at)
    return ProxyTable(tuple(_sites(replace(line, block=(inner,)), automatic=True)), reloads=False)


def _sites(block: CaddyLine, *, automatic: bool) -> Iterator[ProxySite]:
    own_tls = any(each.words[:1] == ("tls",) for each in block.block or ())
    for written in (part for word in block.words for part in word.split(",") if part):
        scheme, separator, rest = written.partition("://")
        scheme, rest = (scheme, rest) if separator else ("", written)
        end = rest.partition("/")[0]
        host, port = split_end(end, 0)
        by_name = bool(host) and address_of(host) is None
        tls = scheme == "https" or own_tls or (not scheme and port in (0, 443) and by_name) or port == 443
        if scheme == "http" or (port == 80 and not own_tls):
            tls = False
        elif not scheme and port not in (0, 443) and by_name and automatic:
            tls = True
        names = (host.lower(),) if host and host != EVERY else ()
        door = ProxyDoor(None, port or (443 if tls else 80), tls, at=block.at)
        exact = bool(names) and EVERY not in host
        for one in () if exact else list(dict.fromkeys(hosts_in(block, names)))[:MOST_NAMES]:
            yield ProxySite((door,), (one,), tuple(_routes(block, one)), block.at)
        yield ProxySite((door,), names, tuple(_routes(block, host.lower() if exact else "")), block.at)
        if tls and automatic and not scheme and port in (0, 443) and by_name:
            away = ProxyRoute(action=Action.REDIRECT, status=308, location="https://$host$request_uri", at=block.at)
            yield ProxySite((ProxyDoor(None, 80, at=block.at),), names, (away,), block.at)


def _routes(block: CaddyLine, host: str, around: Mapping[str, CaddyLine] = _NONE) -> Iterator[ProxyRoute]:
    """The handlers of a block for requests of a host ("": of any that no matcher has), in the order in which they are
    tried. `around` are the matchers of the blocks around it."""
    matchers = {**around, **named(block)}
    found: list[tuple[int, _Handler]] = []
    for each in block.block or ():
        if each.words and each.words[0] in _ORDER:
            kind = _ORDER.index(each.words[0])
            found.append((3 if kind in (3, 4, 5) else kind, _handler(each, matchers, host)))
    found.sort(key=cmp_to_key(_before))
    yield from (route for _, handler in found for route in handler.routes)


@dataclass(frozen=True, slots=True)
class _Handler:
    """A handler's routes, and the one path that it is for: "" for several or for something else, None for all."""

    path: str | None
    routes: tuple[ProxyRoute, ...]


def _before(one: tuple[int, _Handler], other: tuple[int, _Handler]) -> int:
    """The order of two handlers: by kind, then the longer one of two paths, or the one that is not for all; else that
    in which they are written (caddyconfig/httpcaddyfile/directives.go, sortRoutes)."""
    mine, theirs = one[1].path, other[1].path
    if one[0] != other[0]:
        return one[0] - other[0]
    if mine and theirs:
        return len(theirs) - len(mine)
    return (mine is None) - (theirs is None)


def _handler(entry: CaddyLine, matchers: Mapping[str, CaddyLine], host: str) -> _Handler:
    """One handler, for requests of a host."""
    paths, words = matched(entry.words[1:], matchers, host)
    if paths is None:
        return _Handler("", (ProxyRoute(at=entry.at, words=" ".join(entry.words)),))
    single = len(paths) == 1 and paths[0][1] is not PathMatch.REGEX
    routes = tuple(_paths(entry, paths, words, lambda: _routes(entry, host, matchers)))
    return _Handler(None if paths == ALL else paths[0][0] if single else "", routes)


def _paths(
    entry: CaddyLine, paths: Paths, words: list[str], inside: Callable[[], Iterator[ProxyRoute]]
) -> Iterator[ProxyRoute]:
    """A handler's routes for some paths; `inside` gives those of its block."""
    name, plain = entry.words[0], ProxyRoute(at=entry.at)
    for pattern, match in paths:
        here = replace(plain, pattern=pattern, match=match)
        if name in ("handle", "handle_path", "route"):
            inner = tuple(inside())
            onto = "/" if name == "handle_path" else None
            yield from (
                replace(each, pattern=pattern, match=match, onto=onto)
                if each.pattern == "/" or name == "handle_path"
                else each
                for each in inner
            )
            if not any(each.pattern == "/" for each in inner):
                yield replace(here, action=Action.ANSWER, words="nothing")
        else:
            yield _does(name, words, entry, here)


def _does(name: str, words: list[str], entry: CaddyLine, here: ProxyRoute) -> ProxyRoute:
    if name in ("reverse_proxy", "php_fastcgi"):
        return _passed(words, entry, here)
    if name == "redir":
        code = "".join(words[1:2])
        status = int(code) if code.isdecimal() else _CODES.get(code, 302)
        target = (words or [""])[0].replace("{host}", "$host").replace("{uri}", "$request_uri")
        return replace(here, action=Action.REDIRECT, status=status, location=target)
    if name in ("respond", "error"):
        numbers = [int(word) for word in words if word.isdecimal()]
        return replace(here, action=Action.ANSWER, status=numbers[0] if numbers else 200 if name == "respond" else 500)
    if name == "file_server":
        return replace(here, action=Action.ANSWER, words=FILES)
    return replace(here, words=" ".join((name, *words)))


def _passed(words: list[str], entry: CaddyLine, here: ProxyRoute) -> ProxyRoute:
    """reverse_proxy: servers in its line, and in the `to` lines of its block."""
    inner = entry.block or ()
    targets = [(word, entry.at) for word in words]
    targets += [(word, each.at) for each in inner if each.words[:1] == ("to",) for word in each.words[1:]]
    tls = any(
        word.startswith("tls")
        for each in inner
        if each.words[:1] == ("transport",)
        for part in each.block or ()
        for word in part.words[:1]
    )
    checked = any(each.words[0] in ("health_uri", "health_port") for each in inner if each.words)
    if not targets or any("{" in word or word.startswith("unix/") for word, _ in targets):
        return replace(here, words=" ".join(entry.words))
    servers = []
    for word, at in targets:
        scheme, host, port, _ = split_url(word)
        servers.append(Upstream(host or "localhost", port, tls or scheme in TLS, at, checked))
    return replace(here, action=Action.PASS, upstreams=tuple(servers))
