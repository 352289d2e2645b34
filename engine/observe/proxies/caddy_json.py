"""Caddy's own configuration, JSON: servers as doors, their routes by name and path.

1. A matcher set asks for hosts and paths; one that asks for anything else makes its route unknown. Several sets are
   alternatives.
2. Handlers of a route run in their order; the first that answers ends the request. `subroute` has routes of its own.
3. A server speaks TLS that has a policy for it, or names to get certificates for, unless that is switched off, and that
   is not at port 80. Its names are redirected there from port 80 (Automatic HTTPS).
Source: caddyserver.com/docs/json/apps/http/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
from engine.observe.proxies.caddy_matchers import is_covered
from engine.observe.proxies.ends import address_of, split_end
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.records import dataclass, replace

#: Where Caddy keeps the configuration that it was given last, by its packages (`--resume`).
SAVED = tuple(
    f"{folder}/caddy/autosave.json"
    for folder in ("/config", *(f"{home}/.config" for home in ("/root", "/var/lib/caddy")))
)
#: Handlers that let a request go on as it is.
_PASSING = frozenset(
    {"rewrite", "headers", "encode", "vars", "request_body", "log_append", "tracing", "map", "push", "copy_response"}
)
_HTTP, _HTTPS = 80, 443


@dataclass(frozen=True, slots=True)
class _Case:
    """Requests of some hosts (none: all) that fall to a route."""

    hosts: tuple[str, ...]
    route: ProxyRoute


def table(text: str, path: str) -> ProxyTable:
    """The sites of a configuration. Raises SyntaxTrouble."""
    try:
        servers = json.loads(text)["apps"]["http"]["servers"].values()
        sites = [site for server in servers for site in _sites(server, ConfigPlace(path))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SyntaxTrouble(f"{path} is no configuration of Caddy's HTTP servers: {type(error).__name__}") from None
    return ProxyTable(tuple(sorted(sites, key=lambda site: not site.names)))


def _sites(server: Mapping[str, Any], at: ConfigPlace) -> Iterator[ProxySite]:
    """A site for each name that the routes ask for, then one for all other names."""
    cases = [case for route in server.get("routes", ()) for case in _cases(route, ProxyRoute(at=at), ())]
    names = tuple(dict.fromkeys(host for case in cases for host in case.hosts))
    automatic = server.get("automatic_https") or {}
    secure = bool(server.get("tls_connection_policies")) or bool(names and not automatic.get("disable"))
    doors = tuple(_door(end, at, secure=secure) for end in server.get("listen", ()))
    for name in names:
        own = tuple(
            case.route for case in cases if not case.hosts or any(is_covered(name, host) for host in case.hosts)
        )
        yield ProxySite(doors, (name,), own, at)
    if left := tuple(case.route for case in cases if not case.hosts):
        yield ProxySite(doors, (), left, at)
    if names and any(door.tls and door.port == _HTTPS for door in doors) and not automatic.get("disable_redirects"):
        away = ProxyRoute(action=Action.REDIRECT, status=308, location="https://$host$request_uri", at=at)
        yield ProxySite((ProxyDoor(None, _HTTP, at=at),), names, (away,), at)


def _door(end: str, at: ConfigPlace, *, secure: bool) -> ProxyDoor:
    host, port = split_end(end.rpartition("/")[2], 0)
    return ProxyDoor(address_of(host), port, secure and port != _HTTP, at=at)


def _cases(entry: Mapping[str, Any], plain: ProxyRoute, hosts: tuple[str, ...]) -> Iterator[_Case]:
    """What a route does with the requests that its matchers let in, below those of the routes around it."""
    matchers: Sequence[Mapping[str, Any]] = entry.get("match") or ({},)
    for matcher in matchers:
        asked = tuple(str(host).lower() for host in matcher.get("host", ())) or hosts
        if set(matcher) - {"host", "path"}:
            yield _Case(asked, replace(plain, words=f"a matcher of {', '.join(sorted(set(matcher)))}"))
            continue
        for pattern, match in [_path(str(path)) for path in matcher.get("path", ())] or [(plain.pattern, plain.match)]:
            yield from _handled(entry.get("handle", ()), replace(plain, pattern=pattern, match=match), asked)


def _path(pattern: str) -> tuple[str, PathMatch]:
    if pattern.endswith("*"):
        return pattern[:-1] or "/", PathMatch.PREFIX
    return pattern, PathMatch.EXACT


def _handled(handlers: Sequence[Mapping[str, Any]], plain: ProxyRoute, hosts: tuple[str, ...]) -> Iterator[_Case]:
    for each in handlers:
        kind = each.get("handler")
        if kind == "subroute":
            inner = plain
            for entry in each.get("routes", ()):
                inner = inner if entry.get("match") else _rewritten(entry, inner)
                yield from _cases(entry, inner, hosts)
        elif kind not in _PASSING:
            yield _Case(hosts, _ends(str(kind), each, plain))
            return


def _rewritten(entry: Mapping[str, Any], plain: ProxyRoute) -> ProxyRoute:
    """The routes behind one that takes the prefix off a path, as `handle_path` does."""
    strips = any("strip_path_prefix" in each for each in entry.get("handle", ()))
    return replace(plain, onto="/") if strips else plain


def _ends(kind: str, handler: Mapping[str, Any], plain: ProxyRoute) -> ProxyRoute:
    """The route of a handler that answers."""
    if kind == "reverse_proxy":
        return _passed(handler, plain)
    if kind in ("static_response", "error"):
        status = handler.get("status_code", 200 if kind == "static_response" else 500)
        code = int(status) if str(status).isdecimal() else 200
        location = (handler.get("headers") or {}).get("Location")
        if location:
            target = (
                str(location[0]).replace("{http.request.host}", "$host").replace("{http.request.uri}", "$request_uri")
            )
            return replace(plain, action=Action.REDIRECT, status=code, location=target)
        return replace(plain, action=Action.ANSWER, status=code)
    if kind == "file_server":
        return replace(plain, action=Action.ANSWER, words=FILES)
    return replace(plain, words=f"handler {kind}")


def _passed(handler: Mapping[str, Any], plain: ProxyRoute) -> ProxyRoute:
    dials = [str(each.get("dial", "")) for each in handler.get("upstreams", ())]
    if not dials or any("{" in dial or dial.startswith("unix/") for dial in dials):
        return replace(plain, words="handler reverse_proxy")
    tls = "tls" in (handler.get("transport") or {})
    checked = "active" in (handler.get("health_checks") or {})
    ends = [split_end(dial.removeprefix("tcp/"), _HTTPS if tls else _HTTP) for dial in dials]
    servers = tuple(Upstream(host or "localhost", port, tls, plain.at, checked) for host, port in ends)
    return replace(plain, action=Action.PASS, upstreams=servers)
