"""Apache httpd: virtual hosts as sites; RewriteRule, ProxyPass and Redirect, in this order, as routes.

1. Of a door's virtual hosts the first one is for Hosts that none has; outside of any the main server's directives hold.
2. ProxyPass directives are tried in the order in which they are written; `!` lets a path be served from files.
3. A worker's name is looked up for its first request and kept (mod_proxy, "Workers").
4. Rules of mod_rewrite that end a request come first (`apache_rewrite`), once for each name that a condition may ask
   for; those of mod_alias come last, whatever the order in the file.
Sources: httpd.apache.org/docs/2.4/vhosts/, mod/mod_proxy.html.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
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
from engine.observe.proxies.apache_handlers import Handled, handlers, led_to
from engine.observe.proxies.apache_rewrite import DIRECT, RewriteLine, asks_for_host
from engine.observe.proxies.apache_rewrite import routes as rewritten
from engine.observe.proxies.ends import TLS, address_of, split_end, split_url
from engine.observe.proxies.root_files import Exists, RootFiles
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.records import dataclass, replace

USUAL = (
    "/usr/local/apache2/conf/httpd.conf",
    "/etc/apache2/apache2.conf",
    "/etc/httpd/conf/httpd.conf",
    "/etc/apache2/httpd.conf",
)
MOST_LINES, MOST_FILES, DEEPEST = 100_000, 200, 24
#: So many names of a virtual host are looked at one by one.
MOST_NAMES = 64
_INCLUDES = frozenset({"include", "includeoptional"})
#: Blocks that hold or not by how httpd was built or called: they are taken to hold.
_CONDITIONS = frozenset({"ifmodule", "ifversion", "ifdefine", "iffile", "directory", "files", "limit", "requireall"})
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class _Line:
    """A directive, in lower case, with its words and the blocks around it, the inmost last: (name, argument, line)."""

    name: str
    words: tuple[str, ...]
    at: ConfigPlace
    around: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Scope:
    """What all virtual hosts share: balancers by name, doors, the main server's directives, and the files there."""

    balancers: dict[str, tuple[Upstream, ...]]
    listened: list[ProxyDoor]
    main: list[_Line]
    exists: Exists | None = None


class _Reader:
    def __init__(self, files: RootFiles, home: str) -> None:
        self._files, self._home = files, home
        self._count = self._read = 0
        self._values: dict[str, str] = {}

    def file(self, path: str, around: tuple[tuple[str, str, int], ...] = (), depth: int = 0) -> Iterator[_Line]:
        """The directives of a file and of those that it includes. Raises OSError, SyntaxTrouble."""
        self._read += 1
        if self._read > MOST_FILES or depth > DEEPEST:
            raise SyntaxTrouble(f"{path}: too many files")
        blocks = list(around)
        for number, line in _joined(self._files.text(path)):
            self._count += 1
            if self._count > MOST_LINES:
                raise SyntaxTrouble(f"more than {MOST_LINES} lines")
            if line.startswith("</"):
                if len(blocks) > len(around):
                    blocks.pop()
                continue
            if line.startswith("<"):
                name, _, rest = line.strip("<>").partition(" ")
                blocks.append((name.lower(), rest.strip().strip('"'), self._count))
                continue
            yield from self._directive(line, ConfigPlace(path, number), tuple(blocks), depth)

    def _directive(
        self, line: str, at: ConfigPlace, around: tuple[tuple[str, str, int], ...], depth: int
    ) -> Iterator[_Line]:
        words = _split(_VARIABLE.sub(lambda found: self._values.get(found[1], found[0]), line))
        if not words:
            return
        name, rest = words[0].lower(), tuple(words[1:])
        if name == "define" and len(rest) > 1:
            self._values[rest[0]] = rest[1]
        if name == "serverroot" and rest:
            self._home = rest[0]
        if name in _INCLUDES and rest:
            yield from self._included(rest[0], around, depth)
            return
        yield _Line(name, rest, at, around)

    def _included(self, pattern: str, around: tuple[tuple[str, str, int], ...], depth: int) -> Iterator[_Line]:
        path = pattern if pattern.startswith("/") else f"{self._home}/{pattern}"
        folder, _, name = path.rstrip("/").rpartition("/")
        try:
            names = [each for each in self._files.listed(folder) if fnmatchcase(each, name)]
        except OSError:
            return
        for each in names:
            yield from self.file(f"{folder}/{each}", around, depth + 1)


def read(files: RootFiles, words: Sequence[str]) -> ProxyTable:
    """The table of the file that a command line names. Raises OSError, SyntaxTrouble."""
    options = dict(pairwise(words))
    home = options.get("-d", "")
    named = options.get("-f")
    path = named if named and named.startswith("/") else f"{home}/{named}" if named else ""
    path = path or next((each for each in USUAL if files.exists(each)), USUAL[0])
    home = home or path.rpartition("/")[0].removesuffix("/conf")
    return table(list(_Reader(files, home).file(path)), files.exists if files.whole else None)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments; one that ends with a backslash goes on in the next."""
    begun, first = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        first = first or number
        if stripped.endswith("\\"):
            begun += stripped[:-1] + " "
            continue
        whole = (begun + stripped).strip()
        if whole and not whole.startswith("#"):
            yield first, whole
        begun, first = "", 0


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line, posix=True)
    except ValueError:
        return line.split()


def table(lines: Sequence[_Line], exists: Exists | None = None) -> ProxyTable:
    """The sites of a configuration: its virtual hosts, then the main server for doors that none has. `exists` says
    which files are there."""
    listened = [door for line in lines if line.name == "listen" and line.words for door in [_listen(line)]]
    balancers = _balancers(lines)
    hosts: dict[int, list[_Line]] = {}
    arguments: dict[int, str] = {}
    main: list[_Line] = []
    for line in lines:
        block = next((each for each in line.around if each[0] == "virtualhost"), None)
        if block is None:
            main.append(line)
        else:
            hosts.setdefault(block[2], []).append(line)
            arguments[block[2]] = block[1]
    scope = _Scope(balancers, listened, main, exists)
    sites = [site for key, own in hosts.items() for site in _hosts(arguments[key], own, scope)]
    taken = {(door.address, door.port) for site in sites for door in site.doors}
    left = tuple(door for door in listened if (door.address, door.port) not in taken)
    if left:
        routes = tuple(_routes(main, replace(scope, main=[]), _values("", tls=False)))
        sites.append(ProxySite(left, (), routes, left[0].at))
    return ProxyTable(tuple(sites))


def _listen(line: _Line) -> ProxyDoor:
    host, port = split_end(line.words[0], 80) if not line.words[0].isdecimal() else ("", int(line.words[0]))
    return ProxyDoor(address_of(host), port, tls="https" in line.words[1:], at=line.at)


def _hosts(argument: str, lines: list[_Line], scope: _Scope) -> Iterator[ProxySite]:
    """A virtual host as a site; as several where its rules do one thing for a name and another for others. What is for
    other names comes first, as a door's first site takes them."""
    at = lines[0].at
    tls = any(line.name == "sslengine" and line.words[:1] == ("on",) for line in lines)
    names = [word.lower() for line in lines if line.name in ("servername", "serveralias") for word in line.words]
    doors = []
    for end in argument.split():
        host, port = split_end(end, 0)
        ports = [port] if port else [door.port for door in scope.listened]
        doors += [ProxyDoor(address_of(host), each, tls, at=at) for each in ports]
    plain = [split_end(name.partition("://")[2] or name, 0)[0] for name in names]
    by_name = asks_for_host(_rules(lines))
    found: dict[tuple[ProxyRoute, ...], list[str]] = {}
    for name in list(dict.fromkeys(("", *plain)))[:MOST_NAMES] if by_name else ("",):
        found.setdefault(tuple(_routes(lines, scope, _values(name, tls=tls))), []).append(name)
    for routes, own in found.items():
        kept = tuple(name for name in own if name) if by_name else tuple(plain)
        yield ProxySite(tuple(doors), kept or ("",), routes, at)


def _values(name: str, *, tls: bool) -> dict[str, str]:
    """What is known of a request by a scheme and a Host ("" is any other one)."""
    values = {**DIRECT, "HTTPS": "on" if tls else "off", "REQUEST_SCHEME": "https" if tls else "http"}
    return values | ({"HTTP_HOST": name, "SERVER_NAME": name} if name and "*" not in name else {})


def _rules(lines: Sequence[_Line]) -> list[RewriteLine]:
    """The lines of mod_rewrite, where its engine is on."""
    if not any(line.name == "rewriteengine" and line.words[:1] in (("on",), ("On",)) for line in lines):
        return []
    own = (line for line in lines if line.name in ("rewritecond", "rewriterule"))
    return [RewriteLine(line.name, line.words, line.at) for line in own]


def _balancers(lines: Sequence[_Line]) -> dict[str, tuple[Upstream, ...]]:
    """The members of `<Proxy balancer://NAME>` blocks, by name."""
    found: dict[str, tuple[Upstream, ...]] = {}
    for line in lines:
        block = next((each for each in line.around if each[0] == "proxy"), None)
        if line.name == "balancermember" and block is not None and line.words:
            name = block[1].partition("://")[2].rstrip("/")
            found[name] = (*found.get(name, ()), _upstream(line.words[0], line.at))
    return found


def _upstream(url: str, at: ConfigPlace) -> Upstream:
    scheme, host, port, _ = split_url(url)
    return Upstream(host, port, scheme in TLS, at)


def _routes(lines: Sequence[_Line], scope: _Scope, values: Mapping[str, str]) -> Iterator[ProxyRoute]:
    """What is rewritten, then what is proxied, then redirects, each in its order, then files and their handlers."""
    found = list(_before_files(lines, scope, values))
    handled = [_handled(line) for line in (*lines, *scope.main)]
    found += handlers(handled)
    yield from found
    yield from led_to(handled, found, scope.exists)
    yield ProxyRoute(action=Action.ANSWER, words=FILES, at=lines[0].at if lines else ConfigPlace())


def _handled(line: _Line) -> Handled:
    return Handled(line.name, line.words, line.at, tuple((name, argument) for name, argument, _ in line.around))


def _before_files(lines: Sequence[_Line], scope: _Scope, values: Mapping[str, str]) -> Iterator[ProxyRoute]:
    """The main server's ProxyPass and Redirect hold in each virtual host, the former first (mod_proxy.c,
    merge_proxy_config; mod_alias.c, merge_alias_config)."""
    yield from rewritten(_rules(lines), values)
    keeps = any(
        line.name == "proxypreservehost" and line.words[:1] in (("on",), ("On",)) for line in (*lines, *scope.main)
    )
    for line in (*scope.main, *lines):
        if line.name in ("proxypass", "proxypassmatch"):
            for route in _passed(line, scope.balancers):
                server = route.upstreams[0].host if route.upstreams else ""
                yield route if keeps else replace(route, host=server)
    for line in (*lines, *scope.main):
        if line.name in ("redirect", "redirectpermanent") and line.words:
            yield from _redirect(line)


def _redirect(line: _Line) -> Iterator[ProxyRoute]:
    words = list(line.words)
    status = 301 if line.name == "redirectpermanent" else 302
    if words[0] in ("permanent", "temp", "seeother", "gone") or words[0].isdecimal():
        status = {"permanent": 301, "temp": 302, "seeother": 303, "gone": 410}.get(words[0], 0) or int(words[0][:3])
        words = words[1:]
    if len(words) > 1:
        plain = ProxyRoute(words[0], action=Action.REDIRECT, status=status, at=line.at)
        yield replace(plain, location=words[1].rstrip("/") + "$request_uri" if words[0] == "/" else words[1])


def _passed(line: _Line, balancers: dict[str, tuple[Upstream, ...]]) -> Iterator[ProxyRoute]:
    location = next((each[1] for each in line.around if each[0] == "location"), None)
    words = list(line.words)
    pattern = location if location is not None else words.pop(0) if words else "/"
    if not words:
        return
    match = PathMatch.REGEX if line.name == "proxypassmatch" else PathMatch.PREFIX
    plain = ProxyRoute(pattern, match, at=line.at)
    target = words[0]
    if target == "!":
        yield replace(plain, action=Action.ANSWER, words=FILES)
    elif target.startswith("balancer://"):
        members = balancers.get(target.partition("://")[2].partition("/")[0], ())
        yield replace(plain, action=Action.PASS, upstreams=members)
    elif target.startswith("unix:") or "$" in split_url(target)[1]:
        yield replace(plain, words=" ".join(("ProxyPass", *line.words)))
    else:
        onto = split_url(target)[3] if match is PathMatch.PREFIX else None
        yield replace(plain, action=Action.PASS, upstreams=(_upstream(target, line.at),), onto=onto)
