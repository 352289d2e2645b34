"""HAProxy: frontends as sites, in the order in which their rules are tried.

1. `use_backend NAME if CONDITIONS` is a site with the Hosts and a route with the paths that its conditions ask for;
   `default_backend` is one for all others, behind them.
2. Rules of `http-request` come before `redirect`, and these before `use_backend`. A condition about something that is
   not known makes the rule unknown for the requests that its other conditions fit. Whether a request came by TLS says
   its door.
3. Names of servers are looked up at the start unless a server has `resolvers`; HAProxy does not start with a name that
   it cannot look up, unless `init-addr` lets it.
Source: HAProxy's configuration manual (3.0), sections 4 and 7.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from engine.model.application.proxy import (
    Action,
    ConfigPlace,
    ProxyDoor,
    ProxyRoute,
    ProxySite,
    ProxyTable,
    ResolvedWhen,
    Upstream,
)
from engine.observe.proxies.conditions import RequestCase
from engine.observe.proxies.ends import address_of, split_end
from engine.observe.proxies.haproxy_conditions import Test, by_host, cases
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
#: A backslash that stays in its word, as in expressions: it escapes blanks, quotes, `#` and itself (section 2.2).
_KEPT = re.compile(r"\\(?![\s\"'#\\])")


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


#: Gives a file's text.
FileText = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Backends:
    """The backends by name, and what gives the text of a map's file."""

    by_name: Mapping[str, _Section]
    text: FileText | None

    def read(self, path: str) -> str | None:
        """The text of a file; None where it is not read: the rule that names it is unknown then."""
        try:
            return self.text(path) if self.text is not None else None
        except OSError:
            return None


def read(files: RootFiles, words: Sequence[str]) -> ProxyTable:
    """The table of the files that a command line names. Raises OSError."""
    named = [after for word, after in pairwise(words) if word == "-f"]
    paths = named or [next((each for each in USUAL if files.exists(each)), USUAL[0])]
    return table([line for path in paths for line in _lines(path, files.text(path))], files.text)


def _lines(path: str, text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        try:
            words = tuple(shlex.split(_KEPT.sub(r"\\\\", line) if "'" not in line else line, comments=True))
        except ValueError:
            words = tuple(line.partition("#")[0].split())
        if words:
            yield _Line(words, ConfigPlace(path, number))


def table(lines: Sequence[_Line], text: FileText | None = None) -> ProxyTable:
    """The sites of a configuration; `text` gives that of a map's file."""
    sections = list(_sections(lines))
    backends = {each.name: _with_resolvers(each, sections) for each in sections if each.kind in ("backend", "listen")}
    tcp = any(line.words[1:2] == ("tcp",) for each in sections if each.kind == "defaults" for line in each.all("mode"))
    known = _Backends(backends, text)
    sites = [site for each in sections if each.kind in ("frontend", "listen") for site in _sites(each, known, tcp=tcp)]
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


def _sites(section: _Section, known: _Backends, *, tcp: bool) -> Iterator[ProxySite]:
    backends = known.by_name
    doors = tuple(door for line in section.all("bind") for door in _doors(line))
    own_mode = next((line.words[1] for line in section.all("mode") if len(line.words) > 1), "tcp" if tcp else "http")
    conditions: dict[str, list[Test]] = {}
    for line in section.all("acl"):
        conditions.setdefault("".join(line.words[1:2]), []).append(line.words[2:])
    yield from _rejections(section, doors, conditions)
    for kind in ("http-request", "redirect", "use_backend"):
        for line in section.all(kind):
            yield from _rule(line, doors, conditions, known)
    last = next(section.all("default_backend"), None)
    if last is not None and len(last.words) > 1:
        yield ProxySite(doors, (), (_to(backends.get(last.words[1]), ProxyRoute(at=last.at), last.words[1]),), last.at)
    elif section.kind == "listen":
        own = backends.get(section.name, section)
        yield ProxySite(doors, (), (_to(own, ProxyRoute(at=section.at), section.name),), section.at)
    elif own_mode == "http":
        none = ProxyRoute(action=Action.ANSWER, status=503, at=section.at)
        yield ProxySite(doors, (), (none,), section.at)


def _rejections(
    section: _Section, doors: tuple[ProxyDoor, ...], conditions: Mapping[str, list[Test]]
) -> Iterator[ProxySite]:
    """Connections that are closed before a request is read: of the rules of one kind the first that holds counts
    (sections 4.2, tcp-request connection, session and content)."""
    for kind in ("connection", "session", "content"):
        accepted: list[tuple[str, ...]] = []
        for line in section.all("tcp-request"):
            if line.words[1:3] == (kind, "accept"):
                accepted.append(line.words[3:])
            elif line.words[1:3] == (kind, "reject"):
                closed = ProxyRoute(action=Action.REFUSE, status=0, words="closes the connection", at=line.at)
                yield from _for_cases(line, doors, closed, cases(line.words[3:], conditions, before=accepted))


def _for_cases(
    line: _Line, doors: tuple[ProxyDoor, ...], route: ProxyRoute, found: Iterable[RequestCase]
) -> Iterator[ProxySite]:
    """A rule as sites, one for each case in which it holds."""
    for case in found:
        fitting = tuple(door for door in doors if case.tls in (None, door.tls))
        end = ProxyRoute(words=" ".join(line.words), at=line.at) if case.unknown else route
        routes = tuple(replace(end, pattern=each.pattern, match=each.match, folded=each.folded) for each in case.paths)
        if fitting:
            yield ProxySite(fitting, case.names, routes, line.at, clients=case.clients)


def _doors(line: _Line) -> Iterator[ProxyDoor]:
    tls = "ssl" in line.words
    for end in "".join(line.words[1:2]).split(","):
        host, port = split_end(end.removeprefix("ipv4@").removeprefix("ipv6@"), 0)
        yield ProxyDoor(address_of(host), port, tls, at=line.at)


def _rule(
    line: _Line,
    doors: tuple[ProxyDoor, ...],
    conditions: Mapping[str, list[Test]],
    known: _Backends,
) -> Iterator[ProxySite]:
    """A rule that sends requests on, or answers them."""
    words = list(line.words)
    place = next((number for number, word in enumerate(words) if word in ("if", "unless")), len(words))
    plain, mapped = ProxyRoute(at=line.at), by_host("".join(words[1:2]))
    text = known.read(mapped.file) if mapped is not None and place == len(words) else None
    if mapped is not None and text is not None:
        for name, backend in mapped.pairs(text):
            yield ProxySite(doors, (name,) if name else (), (_to(known.by_name.get(backend), plain, backend),), line.at)
        return
    if words[0] == "use_backend":
        route = _to(known.by_name.get(words[1]), plain, words[1]) if len(words) > 1 else plain
    else:
        answer = _answer(words[:place], plain)
        if answer is None:
            return
        route = answer
    yield from _for_cases(line, doors, route, cases(line.words[place:], conditions))


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
    copied = (replace(line, words=line.words[1:]) for line in section.all("server-template") if len(line.words) > 3)
    servers += tuple(_server(line, checked=checked) for line in copied)
    alone = (line for line in section.all("http-request", "redirect") if not {"if", "unless"} & set(line.words))
    answer = next((found for line in alone if (found := _answer(list(line.words), plain)) is not None), None)
    if answer is not None:
        return replace(answer, at=section.at)
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
