"""nginx: server blocks as sites, locations as routes.

1. A site's names are exact, `*.tail`, `head.*` or `~expression` (server_names). Of a door the site with default_server
   is first, else the one that stands first in the configuration.
2. Names of servers are looked up once, when the configuration is read; only an address with a variable is looked up for
   each request, at the `resolver` (ngx_http_proxy_module, proxy_pass).
3. What `set`, `if` and `return` do is followed for a plain request (`nginx_rewrite`), once for each scheme and name of
   a site. Other variables, maps, Lua and rewrites are not understood: their route is unknown.
Sources: nginx.org/en/docs/http/ngx_http_core_module.html, ngx_http_proxy_module.html, ngx_http_upstream_module.html,
request_processing.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from engine.model.application.proxy import (
    Action,
    Certificate,
    ConfigPlace,
    PathMatch,
    ProxyDoor,
    ProxyRoute,
    ProxySite,
    ProxyTable,
    ResolvedWhen,
    Upstream,
)
from engine.observe.proxies.certificate import read_certificate
from engine.observe.proxies.ends import PORTS, TLS, address_of, split_end
from engine.observe.proxies.nginx_names import PASSES, others, varies
from engine.observe.proxies.nginx_rewrite import DIRECT, VARIABLE, run
from engine.observe.proxies.nginx_syntax import Directive, NginxReader
from engine.observe.proxies.root_files import RootFiles
from engine.records import dataclass, field, replace

#: So many names of a site are looked at one by one.
MOST_NAMES = 64
#: Where the configuration is that no command line names: of Debian and the official image, of OpenResty, of a build.
USUAL = (
    "/etc/nginx/nginx.conf",
    "/usr/local/openresty/nginx/conf/nginx.conf",
    "/usr/local/nginx/conf/nginx.conf",
)
#: Directives that decide where a request goes, by means that are not followed.
_STRANGE = frozenset({"rewrite", "auth_request", "mirror", "js_content", "perl", "access_by_lua_block"})
_LUA = re.compile(r"(content|rewrite|access|balancer)_by_lua(_block|_file)?")
#: A server behind which a variable gives the path: `http://app:3000$request_uri`.
_WITH_PATH = re.compile(
    r"([^$]+:\d+|[^$:]+\.[^$:]+|[^$:]+)\$(?:request_uri|uri|is_args|args|\d|\{?\w*(?:uri|path)\}?).*"
)
_OF_CLIENT = re.compile(r"\$\{?(host|http_host|server_name)\}?(:.*)?")
_PROXY_HOST = re.compile(r"\$\{?proxy_host\b")
_PLAIN_NAME = re.compile(r"[a-z0-9_.-]+")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


#: Gives the certificate in a file that a line names.
Certificates = Callable[[str, ConfigPlace], Certificate | None]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What holds where a directive stands: servers of upstream blocks, variables with constant values, resolvers."""

    groups: Mapping[str, tuple[Upstream, ...]]
    values: Mapping[str, str]
    resolvers: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def within(self, block: Directive) -> _Scope:
        """The same with the resolvers that a block names, and with its headers: these replace all that hold outside."""
        own = tuple(word for each in block.all("resolver") for word in each.words if "=" not in word)
        pairs = (each.words for each in block.all("proxy_set_header") if len(each.words) == 2)
        headers = {name.lower(): value for name, value in pairs}
        scope = replace(self, resolvers=own) if own else self
        return replace(scope, headers=headers) if headers else scope

    def of(self, host: str, *, tls: bool) -> _Scope:
        """The same for requests of one scheme and name; "" is any other name."""
        values = {**DIRECT, "scheme": "https" if tls else "http", "https": "on" if tls else ""}
        if host and _PLAIN_NAME.fullmatch(host):
            values |= {"host": host, "http_host": host}
        return replace(self, values=values)


def table(top: tuple[Directive, ...], seen: Certificates = lambda _path, _at: None) -> ProxyTable:
    """The sites of a configuration. `seen` gives the certificate in a file, where it may be opened."""
    http = [block for block in top if block.name == "http" and block.block is not None]
    sites: list[ProxySite] = []
    for block in http:
        groups = {each.words[0]: tuple(_group(each)) for each in block.all("upstream") if each.words}
        scope = _Scope(groups, {}).within(block)
        shared = block.first("ssl_certificate")
        servers = [each for each in block.all("server") if each.block is not None]
        for each in servers:
            own = each.first("ssl_certificate") or shared
            found = seen(own.words[0], own.at) if own is not None and own.words else None
            sites += (replace(site, certificate=found) for site in _sites(each, scope, others(each, servers)))
    return ProxyTable(tuple(sites))


def _group(block: Directive) -> Iterator[Upstream]:
    for each in block.all("server"):
        if each.words:
            host, port = split_end(each.words[0], 80)
            yield Upstream(host, port, at=each.at, spare="backup" in each.words, off="down" in each.words)


def _sites(block: Directive, scope: _Scope, others: tuple[str, ...]) -> Iterator[ProxySite]:
    """A server block as a site; as several where its directives do one thing for a scheme or name and another for
    others. What is for `others` comes first, as a door's first site takes them."""
    plain = _site(block, scope.of("", tls=False))
    if not varies(block):
        yield plain
        return
    for tls in (False, True):
        doors = tuple(door for door in plain.doors if door.tls is tls)
        found: dict[tuple[ProxyRoute, ...], list[str]] = {}
        for name in list(dict.fromkeys(("", *plain.names, *others)))[:MOST_NAMES] if doors else ():
            found.setdefault(_site(block, scope.of(name, tls=tls)).routes, []).append(name)
        for routes, names in found.items():
            own = tuple(name for name in names if name) or ("",)
            own += plain.names[MOST_NAMES:] if "" in names else ()
            yield replace(plain, doors=doors, names=own, routes=routes)


def _site(block: Directive, scope: _Scope) -> ProxySite:
    scope = scope.within(block)
    old = block.first("ssl")
    tls = old is not None and old.words == ("on",)
    doors = tuple(_door(each, tls=tls) for each in block.all("listen") if each.words) or (
        ProxyDoor(None, 80, at=block.at),
    )
    names = tuple(
        word.lower() for each in block.all("server_name") for word in each.words if word not in ("_", '""', "")
    )
    end = run(block, scope.values)
    scope = replace(scope, values=end.values)
    whole = next(iter(_of_directives(block, scope, "/", PathMatch.PREFIX)), None)
    routes = [route for each in block.all("location") for route in _location(each, scope)]
    if whole is not None and (end.decides is not None or end.unknown is not None):
        routes = [whole]  # a server's own return comes before its locations
    elif not any(route.pattern == "/" and route.match is PathMatch.PREFIX for route in routes):
        routes.append(whole or ProxyRoute(action=Action.ANSWER, status=404, at=block.at))
    # Without a name of its own it is only there for a door's other Hosts.
    return ProxySite(doors, names or ("",), tuple(routes), block.at)


def _door(listen: Directive, *, tls: bool) -> ProxyDoor:
    end, *options = listen.words
    first = "default_server" in options or "default" in options
    tls = tls or "ssl" in options or "quic" in options
    if end.isdecimal():
        return ProxyDoor(None, int(end), tls, first, listen.at)
    if end.startswith("unix:"):
        return ProxyDoor(None, 0, tls, first, listen.at)
    host, port = split_end(end, 80)
    return ProxyDoor(address_of(host), port, tls, first, listen.at)


def _location(block: Directive, scope: _Scope) -> Iterator[ProxyRoute]:
    """A location's route, and those of the locations in it."""
    sign, pattern = block.words if len(block.words) == 2 else ("", block.words[0] if block.words else "/")
    if pattern.startswith("@"):
        return
    match = {"=": PathMatch.EXACT, "^~": PathMatch.FIRM, "~": PathMatch.REGEX, "~*": PathMatch.REGEX}.get(
        sign, PathMatch.PREFIX
    )
    scope = scope.within(block)
    for each in block.all("location"):
        yield from _location(each, scope)
    for route in _of_directives(block, scope, pattern, match):
        yield replace(route, folded=sign == "~*")


def _of_directives(block: Directive, scope: _Scope, pattern: str, match: PathMatch) -> Iterator[ProxyRoute]:
    """What a block does with a request, as one route: a block that says nothing of that answers from files."""
    plain = ProxyRoute(pattern, match, at=block.at, resolvers=scope.resolvers)
    end = run(block, scope.values, PASSES)
    scope = replace(scope, values=end.values)
    if end.unknown is not None:
        yield replace(plain, words=" ".join((end.unknown.name, *end.unknown.words)), at=end.unknown.at)
        return
    if end.decides is not None:
        yield _returned(plain, end.decides)
        return
    if end.passes is not None:
        yield _passed(plain, end.passes, scope)
        return
    strange = next((each for each in block.block or () if each.name in _STRANGE or _LUA.fullmatch(each.name)), None)
    passed = next((each for each in block.block or () if each.name in PASSES and each.words), None)
    if strange is not None and strange.name != "rewrite":
        yield replace(plain, words=" ".join((strange.name, *strange.words)), at=strange.at)
    elif passed is not None:
        yield _passed(plain, passed, scope)
    elif strange is not None:
        yield replace(plain, words=" ".join((strange.name, *strange.words)), at=strange.at)
    else:
        yield replace(plain, action=Action.ANSWER, words="files")


def _returned(plain: ProxyRoute, returned: Directive) -> ProxyRoute:
    words = returned.words
    if returned.name == "rewrite":
        status = 301 if "permanent" in words else 302
        return replace(plain, action=Action.REDIRECT, status=status, location=words[1], at=returned.at)
    status = int(words[0]) if words and words[0].isdecimal() else 302
    location = words[-1] if words and (len(words) > 1 or not words[0].isdecimal()) else ""
    if status in _REDIRECTS or (words and not words[0].isdecimal()):
        return replace(plain, action=Action.REDIRECT, status=status, location=location, at=returned.at)
    return replace(plain, action=Action.ANSWER, status=status, at=returned.at)


def _passed(plain: ProxyRoute, passed: Directive, scope: _Scope) -> ProxyRoute:
    """Where proxy_pass leads: a group of servers, a name or an address."""
    written = passed.words[0]
    target = VARIABLE.sub(lambda found: scope.values.get(found[1] or found[2], found[0]), written)
    scheme, separator, rest = target.partition("://")
    if not separator:
        scheme, rest = "http", target
    end = rest.partition("/")[0]
    end = found[1] if (found := _WITH_PATH.fullmatch(end)) else end
    plain = replace(plain, at=passed.at)
    if "$" in end or rest.startswith("unix:"):
        return replace(plain, words=f"{passed.name} {written}")
    plain = _sent(plain, end, rest if "$" not in written else "", scope)
    tls = scheme in TLS
    when = ResolvedWhen.EACH if "$" in written else ResolvedWhen.START
    plain = replace(plain, action=Action.PASS, when=when)
    if end in scope.groups:
        return replace(plain, upstreams=tuple(replace(each, tls=tls) for each in scope.groups[end]))
    host, port = split_end(end, PORTS.get(scheme, 80))
    return replace(plain, upstreams=(Upstream(host, port, tls, passed.at),))


def _sent(plain: ProxyRoute, end: str, rest: str, scope: _Scope) -> ProxyRoute:
    """What a server is asked for: by default the name that proxy_pass has as Host; a path behind that name stands in
    the place of the location's (proxy_set_header, proxy_pass)."""
    host = scope.headers.get("host", "$proxy_host")
    if _OF_CLIENT.fullmatch(host):
        host = ""
    elif _PROXY_HOST.match(host):
        host = split_end(end, 80)[0]
    else:
        host = "" if "$" in host else host.partition(":")[0]
    _, slash, path = rest.partition("/")
    onto = f"/{path}" if slash and plain.match is not PathMatch.REGEX else None
    return replace(plain, host=host.lower(), onto=onto)


def read(files: RootFiles, words: Sequence[str]) -> ProxyTable:
    """The table of the configuration that a command line names. Raises OSError, SyntaxTrouble."""
    options = dict(pairwise(words))
    path = options.get("-c") or next((each for each in USUAL if files.exists(each)), USUAL[0])
    home = path.rpartition("/")[0]
    if not path.startswith("/"):
        home = options.get("-p", "/usr/share/nginx").rstrip("/")
        path = f"{home}/{path}"

    def seen(file: str, at: ConfigPlace) -> Certificate | None:
        return read_certificate(files, file if file.startswith("/") else f"{home}/{file}", at)

    return table(NginxReader(files.text, files.listed, home).file(path), seen)


def sites(reader: NginxReader, folder: str) -> ProxyTable:
    """The table of the server blocks in a folder alone, which a configuration out of reach includes. Raises OSError,
    SyntaxTrouble."""
    blocks = reader.matching(f"{folder}/*.conf")
    return table((Directive("http", (), ConfigPlace(folder), tuple(blocks)),))
