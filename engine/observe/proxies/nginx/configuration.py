"""nginx: server blocks as sites, locations as routes.

1. A site's names are exact, `*.tail`, `head.*` or `~expression` (server_names). Of a door the site with default_server
   is first, else the one that stands first in the configuration.
2. Names of servers are looked up once, when the configuration is read; only an address with a variable is looked up for
   each request, at the `resolver` (ngx_http_proxy_module, proxy_pass).
3. What `set`, `if` and `return` do is followed for a plain request (`rewrite`), once for each scheme and name of
   a site, with what a `map` gives for these. Rewrites of a path are kept, as is what `try_files` tries: who asks has
   the path. Other variables and Lua are not understood: their route is unknown.
Sources: nginx.org/en/docs/http/ngx_http_core_module.html, ngx_http_proxy_module.html, ngx_http_upstream_module.html,
request_processing.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise

from engine.model.application.proxy import (
    Certificate,
    ConfigPlace,
    PathMatch,
    ProxyDoor,
    ProxyRoute,
    ProxySite,
    ProxyTable,
    Upstream,
)
from engine.model.application.web_paths import Rewrite
from engine.observe.proxies.certificate import read_certificate
from engine.observe.proxies.ends import address_of, split_end
from engine.observe.proxies.nginx.folders import NOWHERE, FolderScope
from engine.observe.proxies.nginx.locations import Scope, locations, of_block
from engine.observe.proxies.nginx.maps import is_map, names_in, of_request, with_maps
from engine.observe.proxies.nginx.names import others, uses, varies
from engine.observe.proxies.nginx.rewrite import DIRECT, run
from engine.observe.proxies.nginx.syntax import Directive, NginxReader
from engine.observe.proxies.root_files import RootFiles
from engine.records import replace

#: So many names of a site are looked at one by one.
MOST_NAMES = 64
#: Where the configuration is that no command line names: of Debian and the official image, of OpenResty, of a build.
USUAL = (
    "/etc/nginx/nginx.conf",
    "/usr/local/openresty/nginx/conf/nginx.conf",
    "/usr/local/nginx/conf/nginx.conf",
)
#: Where a relative `root` is: the prefix of Debian's build, and of the official image's.
PREFIXES = ("/usr/share/nginx", "/etc/nginx")
_PLAIN_NAME = re.compile(r"[a-z0-9_.-]+")


#: Gives the certificate in a file that a line names.
Certificates = Callable[[str, ConfigPlace], Certificate | None]


def table(
    top: tuple[Directive, ...],
    seen: Certificates = lambda _path, _at: None,
    files: FolderScope = NOWHERE,
) -> ProxyTable:
    """The sites of a configuration. `seen` gives the certificate in a file, where it may be opened, and `files` says
    where others are looked for."""
    http = [block for block in top if block.name == "http" and block.block is not None]
    sites: list[ProxySite] = []
    for block in http:
        groups = {each.words[0]: tuple(_group(each)) for each in block.all("upstream") if each.words}
        maps = tuple(filter(is_map, block.block or ()))
        scope = Scope(groups, {}, files=files, maps=maps).within(block)
        shared = block.first("ssl_certificate")
        servers = [each for each in block.all("server") if each.block is not None]
        for each in servers:
            own = each.first("ssl_certificate") or shared
            found = seen(own.words[0], own.at) if own is not None and own.words else None
            asked = names_in(maps) if uses(each, of_request(maps)) else ()
            sites += (replace(site, certificate=found) for site in _sites(each, scope, others(each, servers, asked)))
    return ProxyTable(tuple(sites))


def _group(block: Directive) -> Iterator[Upstream]:
    for each in block.all("server"):
        if each.words:
            host, port = split_end(each.words[0], 80)
            yield Upstream(host, port, at=each.at, spare="backup" in each.words, off="down" in each.words)


def _sites(block: Directive, scope: Scope, others: tuple[str, ...]) -> Iterator[ProxySite]:
    """A server block as a site; as several where its directives do one thing for a scheme or name and another for
    others. What is for `others` comes first, as a door's first site takes them."""
    scope = scope.within(block)
    scope = replace(scope, files=scope.files.naming(block))
    plain = _site(block, _of(scope, "", tls=False))
    if not varies(block, of_request(scope.maps)):
        yield plain
        return
    for tls in (False, True):
        doors = tuple(door for door in plain.doors if door.tls is tls)
        found: dict[tuple[tuple[ProxyRoute, ...], tuple[Rewrite, ...]], list[str]] = {}
        for name in list(dict.fromkeys(("", *plain.names, *others)))[:MOST_NAMES] if doors else ():
            site = _site(block, _of(scope, name, tls=tls))
            found.setdefault((site.routes, site.rewrites), []).append(name)
        for (routes, rewrites), names in found.items():
            own = tuple(name for name in names if name) or ("",)
            own += plain.names[MOST_NAMES:] if "" in names else ()
            yield replace(plain, doors=doors, names=own, routes=routes, rewrites=rewrites)


def _of(scope: Scope, host: str, *, tls: bool) -> Scope:
    """The same for requests of one scheme and name; "" is any other name."""
    values = {**DIRECT, "scheme": "https" if tls else "http", "https": "on" if tls else ""}
    if host and _PLAIN_NAME.fullmatch(host):
        values |= {"host": host, "http_host": host}
    return replace(scope, values=with_maps(scope.maps, values))


def _site(block: Directive, scope: Scope) -> ProxySite:
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
    whole = replace(of_block(block, scope, "/", PathMatch.PREFIX), rewrites=())
    if end.decides is not None or end.unknown is not None:
        # A server's own return comes before its locations, unless a rewrite leads to one first.
        first = end.rewrites[0] if end.rewrites else None
        if first is not None:
            whole = ProxyRoute(words=first.words, at=replace(block.at, line=first.line))
        return ProxySite(doors, names or ("",), (whole,), block.at)
    routes = list(locations(block, scope))
    if not any(route.pattern == "/" and route.match is PathMatch.PREFIX and not route.within for route in routes):
        routes.append(whole)
    # Without a name of its own it is only there for a door's other Hosts.
    folder = scope.files.folder() if any(each.test for each in end.rewrites) else None
    return ProxySite(doors, names or ("",), tuple(routes), block.at, rewrites=end.rewrites, folder=folder)


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

    prefix = options.get("-p", "").rstrip("/") or next(
        (each for each in PREFIXES if files.exists(each)), home.removesuffix("/conf")
    )
    return table(
        NginxReader(files.text, files.listed, home).file(path),
        seen,
        FolderScope(cache(files.exists) if files.whole else None, prefix),
    )


def sites(reader: NginxReader, folder: str) -> ProxyTable:
    """The table of the server blocks in a folder alone, which a configuration out of reach includes. Raises OSError,
    SyntaxTrouble."""
    blocks = reader.matching(f"{folder}/*.conf")
    return table((Directive("http", (), ConfigPlace(folder), tuple(blocks)),))
