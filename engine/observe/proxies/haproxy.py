"""HAProxy: frontends as sites, in the order in which their rules are tried.

1. `use_backend NAME if CONDITIONS` is a site with the Hosts and a route with the paths that its conditions ask for;
   `default_backend` is one for all others, behind them.
2. Rules of `http-request` come before `redirect`, and these before `use_backend`. Conditions are joined by "and"; `or`,
   `||`, negations and fetches that are not known make the rule unknown, which the walk meets where the rules before it
   do not fit. Whether a request came by TLS says its door.
3. Names of servers are looked up at the start unless a server has `resolvers`; HAProxy does not start with a name that
   it cannot look up, unless `init-addr` lets it.
Source: HAProxy's configuration manual (3.0), sections 4 and 7.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from engine.model.application.proxy import (
    Action,
    ConfigPlace,
    PathMatch,
    ProxyDoor,
    ProxyRoute,
    ProxySite,
    ProxyTable,
    ResolvedWhen,
    Upstream,
)
from engine.observe.proxies.ends import address_of, split_end
from engine.observe.proxies.haproxy_conditions import asked_for, of_scheme
from engine.observe.proxies.root_files import RootFiles
from engine.records import dataclass, replace

USUAL = ("/usr/local/etc/haproxy/haproxy.cfg", "/etc/haproxy/haproxy.cfg")
_SECTIONS = frozenset(
    (
        "global",
        "defaults",
        "frontend",
        "backend",
        "listen",
        "resolvers",
        "peers",
        "userlist",
        "cache",
        "program",
        "ring",
    )
)
MOST_LINES = 100_000


@dataclass(frozen=True, slots=True)
class _Line:
    words: tuple[str, ...]
    at: ConfigPlace


@dataclass(frozen=True, slots=True)
class _Section:
    kind: str
    name: str
    lines: tuple[_Line, ...]
    at: ConfigPlace
    #: Where it looks its servers' names up alone.
    asks: tuple[str, ...] = ()

    def all(self, *names: str) -> Iterator[_Line]:
        return (line for line in self.lines if line.words[0] in names)


def read(files: RootFiles, words: Sequence[str]) -> ProxyTable:
    """The table of the files that a command line names. Raises OSError."""
    named = [after for word, after in pairwise(words) if word == "-f"]
    paths = named or [next((each for each in USUAL if files.exists(each)), USUAL[0])]
    return table([line for path in paths for line in _lines(path, files.text(path))])


def _lines(path: str, text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        try:
            words = tuple(shlex.split(line, comments=True))
        except ValueError:
            words = tuple(line.partition("#")[0].split())
        if words:
            yield _Line(words, ConfigPlace(path, number))


def table(lines: Sequence[_Line]) -> ProxyTable:
    """The sites of a configuration."""
    sections = list(_sections(lines))
    backends = {each.name: _with_resolvers(each, sections) for each in sections if each.kind in ("backend", "listen")}
    tcp = any(line.words[1:2] == ("tcp",) for each in sections if each.kind == "defaults" for line in each.all("mode"))
    sites = [
        site for each in sections if each.kind in ("frontend", "listen") for site in _sites(each, backends, tcp=tcp)
    ]
    return ProxyTable(tuple(sites))


def _with_resolvers(section: _Section, sections: Sequence[_Section]) -> _Section:
    """A backend whose servers have `resolvers`, and an `init-addr` without the C library, asks these alone."""
    options = [word for line in section.all("server", "default-server", "server-template") for word in line.words]
    named = dict(pairwise(options))
    if "libc" in named.get("init-addr", "last,libc"):
        return section
    found = (each for each in sections if (each.kind, each.name) == ("resolvers", named.get("resolvers", "")))
    return replace(
        section, asks=tuple(line.words[2] for each in found for line in each.all("nameserver") if len(line.words) > 2)
    )


def _sections(lines: Sequence[_Line]) -> Iterator[_Section]:
    head: _Line | None = None
    body: list[_Line] = []
    for line in lines:
        if line.words[0] in _SECTIONS:
            if head is not None:
                yield _Section(head.words[0], "".join(head.words[1:2]), tuple(body), head.at)
            head, body = line, []
        else:
            body.append(line)
    if head is not None:
        yield _Section(head.words[0], "".join(head.words[1:2]), tuple(body), head.at)


def _sites(section: _Section, backends: Mapping[str, _Section], *, tcp: bool) -> Iterator[ProxySite]:
    doors = tuple(door for line in section.all("bind") for door in _doors(line))
    own_mode = next((line.words[1] for line in section.all("mode") if len(line.words) > 1), "tcp" if tcp else "http")
    conditions: dict[str, list[tuple[str, ...]]] = {}
    for line in section.all("acl"):
        conditions.setdefault("".join(line.words[1:2]), []).append(line.words[2:])
    for kind in ("http-request", "redirect", "use_backend"):
        for line in section.all(kind):
            yield from _rule(line, doors, conditions, backends)
    last = next(section.all("default_backend"), None)
    if last is not None and len(last.words) > 1:
        yield ProxySite(doors, (), (_to(backends.get(last.words[1]), ProxyRoute(at=last.at), last.words[1]),), last.at)
    elif section.kind == "listen":
        own = backends.get(section.name, section)
        yield ProxySite(doors, (), (_to(own, ProxyRoute(at=section.at), section.name),), section.at)
    elif own_mode == "http":
        none = ProxyRoute(action=Action.ANSWER, status=503, at=section.at)
        yield ProxySite(doors, (), (none,), section.at)


def _doors(line: _Line) -> Iterator[ProxyDoor]:
    tls = "ssl" in line.words
    for end in "".join(line.words[1:2]).split(","):
        host, port = split_end(end.removeprefix("ipv4@").removeprefix("ipv6@"), 0)
        yield ProxyDoor(address_of(host), port, tls, at=line.at)


def _rule(
    line: _Line,
    doors: tuple[ProxyDoor, ...],
    conditions: Mapping[str, list[tuple[str, ...]]],
    backends: Mapping[str, _Section],
) -> Iterator[ProxySite]:
    """A rule that sends requests on, or answers them."""
    words = list(line.words)
    place = next((number for number, word in enumerate(words) if word in ("if", "unless")), len(words))
    asked = words[place + 1 :]
    doors, asked = of_scheme(doors, asked, conditions, unless=words[place : place + 1] == ["unless"])
    if not doors:
        return
    unconditional = not asked
    plain = ProxyRoute(at=line.at)
    if words[0] == "use_backend":
        route = _to(backends.get(words[1]), plain, words[1]) if len(words) > 1 else plain
    else:
        answer = _answer(words[:place], plain)
        if answer is None:
            return
        route = answer
    if unconditional:
        yield ProxySite(doors, (), (route,), line.at)
        return
    known = asked_for(asked, conditions) if words[place] == "if" else None
    if known is None:
        yield ProxySite(doors, (), (replace(plain, words=" ".join(words)),), line.at)
        return
    names, paths = known
    routes = tuple(
        replace(route, pattern=pattern, match=match) for pattern, match in paths or [("/", PathMatch.PREFIX)]
    )
    yield ProxySite(doors, names, routes, line.at)


def _answer(words: list[str], plain: ProxyRoute) -> ProxyRoute | None:
    """`redirect …`, `http-request redirect …`, `http-request deny|return …`; None for what lets the request go on."""
    rest = words[1:] if words[0] == "redirect" else words[2:] if words[1:2] == ["redirect"] else None
    if rest is not None:
        options = dict(pairwise(rest))
        code = options.get("code", "302")
        scheme = options.get("scheme")
        target = f"{scheme}://$host$request_uri" if scheme else options.get("location", options.get("prefix", ""))
        return replace(plain, action=Action.REDIRECT, status=int(code) if code.isdecimal() else 302, location=target)
    options = dict(pairwise(words))
    if words[1:2] == ["deny"]:
        status = options.get("deny_status", options.get("status", "403"))
        return replace(plain, action=Action.ANSWER, status=int(status) if status.isdecimal() else 403)
    if words[1:2] == ["return"]:
        status = options.get("status", "200")
        return replace(plain, action=Action.ANSWER, status=int(status) if status.isdecimal() else 200)
    return None


def _to(section: _Section | None, plain: ProxyRoute, name: str) -> ProxyRoute:
    """A backend's servers; of one that is not there it is said."""
    if section is None:
        return replace(plain, words=f"use_backend {name}")
    checked = any("check" in line.words for line in section.all("default-server"))
    servers = tuple(_server(line, checked=checked) for line in section.all("server") if len(line.words) > 2)
    own = any("resolvers" in line.words for line in section.all("server", "default-server", "server-template"))
    when = ResolvedWhen.EACH if own else ResolvedWhen.START
    return replace(plain, action=Action.PASS, upstreams=servers, when=when, resolvers=section.asks)


def _server(line: _Line, *, checked: bool) -> Upstream:
    host, port = split_end(line.words[2], 80)
    options = line.words[3:]
    return Upstream(
        host,
        port,
        tls="ssl" in options,
        at=line.at,
        checked=(checked or "check" in options) and "no-check" not in options,
        spare="backup" in options,
        off="disabled" in options,
    )
