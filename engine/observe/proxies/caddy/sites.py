"""Servers as sites: one for each name that a route asks for, and one for all other names.

A server speaks TLS, but not at the port of HTTP, that has a policy for it, or, unless that is switched off, names to
get certificates for or the port of HTTPS. From the port of HTTP its names are redirected there, and so is every other
name that no site of that port has (caddyserver.com, "Automatic HTTPS"; modules/caddyhttp/autohttps.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.model.application.proxy import Action, ProxyDoor, ProxyRoute, ProxySite, ProxyTable
from engine.observe.proxies.caddy.conditions import Asker, condition
from engine.observe.proxies.caddy.flattening import flattened
from engine.observe.proxies.caddy.tree import CaddyRoute, CaddyServer, Settings
from engine.observe.proxies.ends import address_of
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.records import replace

#: More names of a server are not looked at.
MOST_NAMES = 2000


def table(servers: Iterable[CaddyServer], path: str, *, reloads: bool = True) -> ProxyTable:
    """The sites of servers. Raises SyntaxTrouble."""
    listed = list(servers)
    try:
        own = [site for server in listed for site in _sites(server)]
        away = [site for server in listed for site in _sent_on(server)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SyntaxTrouble(f"{path} is no configuration of Caddy's HTTP servers: {type(error).__name__}") from None
    # A site that takes every Host comes last.
    return ProxyTable(tuple(sorted((*own, *away), key=lambda site: not site.names)), reloads=reloads)


def _sites(server: CaddyServer) -> Iterator[ProxySite]:
    names, secured = _names(server), _secured(server)
    doors = [ProxyDoor(address_of(host), port, port in secured) for host, port in server.ends]
    for tls in dict.fromkeys(door.tls for door in doors):
        for name in (*names[:MOST_NAMES], ""):
            asker = Asker(name, tls)
            met = [route for route in server.routes if not condition(route.sets, asker).is_never]
            routes = flattened(met, asker)
            if met and (routes or name):
                at = met[0].at
                own = tuple(replace(door, at=at) for door in doors if door.tls is tls)
                yield ProxySite(own, (name,) if name else (), routes, at)


def _names(server: CaddyServer) -> list[str]:
    return list(dict.fromkeys(host for route in server.routes for host in _hosts_of(route) if "{" not in host))


def _hosts_of(route: CaddyRoute) -> Iterator[str]:
    """The names that a route's matchers ask for, and those of the routes within it."""
    for each in route.sets:
        yield from _asked(each)
    for step in route.handlers:
        yield from (host for inner in step.routes for host in _hosts_of(inner))


def _asked(matchers: Settings) -> Iterator[str]:
    """The names of a set of matchers, and of those that must not hold."""
    yield from (str(host).lower() for host in matchers.get("host") or ())
    for each in matchers.get("not") or ():
        yield from _asked(each)


def _secured(server: CaddyServer) -> list[int]:
    """The ports of a server at which it speaks TLS."""
    named = any(name not in server.skipped for name in _names(server))
    return [
        port
        for _, port in server.ends
        if port != server.ports.http
        and (server.policies or (server.automatic and (named or port == server.ports.https)))
    ]


def _sent_on(server: CaddyServer) -> Iterator[ProxySite]:
    """Redirects from the port of HTTP: of a server's own names, and of all others."""
    secured = _secured(server)
    if not secured or not server.redirects:
        return
    hosts = dict.fromkeys(host for host, port in server.ends if port in secured)
    doors = tuple(ProxyDoor(address_of(host), server.ports.http, at=server.at) for host in hosts)
    own = secured[0]
    names = tuple(name for name in _names(server) if name not in server.skipped)
    for some, port in ((names, own), ((), server.ports.https)) if names else (((), own),):
        there = "" if port == server.ports.https else f":{port}"
        location = f"https://$host{there}$request_uri"
        away = ProxyRoute(action=Action.REDIRECT, status=308, location=location, at=server.at)
        yield ProxySite(doors, some, (away,), server.at)
