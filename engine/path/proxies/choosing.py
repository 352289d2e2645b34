"""Which site and which route of a proxy a request falls to.

nginx: of the sites of the door that is addressed most specially the one with the Host's exact name, then the longest
`*.tail`, the longest `head.*`, the first expression that fits, else the door's first (ngx_http_core_module,
server_name); its locations are a matter of their own (`nginx_paths`), and so are Caddy's routes (`caddy_paths`), of
whose names an asterisk stands for one label. The others take the first that fits in the order of the table, which
their readers have put it in.
"""

from __future__ import annotations

from itertools import chain

from engine.model.address import IPAddress
from engine.model.application.expressions import fits_expression
from engine.model.application.proxy import PathMatch, Proxy, ProxyDoor, ProxyKind, ProxyRoute, ProxySite, is_covered
from engine.path.proxies import caddy_paths, nginx_paths
from engine.records import dataclass

#: Programs whose rules are tried one after the other, whatever site they are of.
_IN_ORDER = frozenset({ProxyKind.HAPROXY, ProxyKind.TRAEFIK})
#: Programs that lead a path on to another.
_LED = {ProxyKind.NGINX: nginx_paths.locate, ProxyKind.CADDY: caddy_paths.locate}
_At = tuple[ProxySite, ProxyDoor]
#: Stands for any port behind a name.
ANY_PORT = ":*"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The site and route for a request at a door. `named` says that the site has the Host's name. No route: none of the
    site's fits the path. `path` is what became of the path, and `moved` as `rewriting.Located` has it."""

    site: ProxySite
    door: ProxyDoor
    named: bool
    route: ProxyRoute | None
    path: str = ""
    moved: bool = False


def choose(proxy: Proxy, address: IPAddress, port: int, host: str, path: str) -> Chosen | None:
    """What a request falls to which came in at that address and port; None where no site is there for it."""
    there = _at_door(proxy, address, port)
    host = host.lower().rstrip(".")
    if proxy.kind in _IN_ORDER:
        for site, door in there:
            route = route_for(site, path)
            if route is not None and any(_closeness(name, host) > (0, 0) for name in site.names or ("*",)):
                return Chosen(site, door, host in site.names, route, path)
        return None
    found = _covering(there, host) if proxy.kind is ProxyKind.CADDY else _site(there, host, proxy.kind)
    if found is None:
        return None
    (site, door), named = found
    if proxy.kind in _LED:
        plain, mark, query = path.partition("?")
        located = _LED[proxy.kind](site, plain or "/")
        return Chosen(site, door, named, located.route, f"{located.path}{mark}{query}", located.moved)
    return Chosen(site, door, named, route_for(site, path), path)


def _at_door(proxy: Proxy, address: IPAddress, port: int) -> list[_At]:
    """The sites at a door: those of that very address, else those of every one."""
    at_port = [(site, door) for site in proxy.table.sites for door in site.doors if door.port == port]
    special = [(site, door) for site, door in at_port if door.address == address]
    return special or [(site, door) for site, door in at_port if door.address is None]


def _covering(there: list[_At], host: str) -> tuple[_At, bool] | None:
    """Caddy's site with that very name, else the first whose name covers it; else one for all names."""
    exact = (at for at in there if host in at[0].names)
    wild = (at for at in there if any(is_covered(host, name) for name in at[0].names))
    every = (at for at in there if not at[0].names)
    found = next(chain(exact, wild, every), None)
    return (found, True) if found is not None else None


def _site(there: list[_At], host: str, kind: ProxyKind) -> tuple[_At, bool] | None:
    """The site with the closest name, and whether it has one; the door's first for other Hosts where there is one."""
    best: tuple[tuple[int, int], _At] | None = None
    for at in there:
        close = max(_closeness(name, host) for name in at[0].names or ("*",))
        if close > (0, 0) and (best is None or close > best[0]):
            best = close, at
    if best is not None:
        return best[1], True
    any_first = kind in (ProxyKind.NGINX, ProxyKind.APACHE)
    first = next((at for at in there if at[1].first), there[0] if there and any_first else None)
    return (first, False) if first is not None else None


def _closeness(name: str, host: str) -> tuple[int, int]:
    """How well a site's name fits a Host: the kind of fit, then its length; (0, 0) where it does not."""
    if name.endswith(ANY_PORT):
        name, host = name.removesuffix(ANY_PORT), host.partition(":")[0]
    if name == host:
        return 5, 0
    if name == "*":
        return 1, 0
    if name.startswith("~"):
        return (2, 0) if fits_expression(name[1:], host, folded=True) else (0, 0)
    if name.startswith("*."):
        return (4, len(name)) if host.endswith(name[1:]) else (0, 0)
    if name.startswith("."):
        return (4, len(name)) if f".{host}".endswith(name) else (0, 0)
    if name.endswith(".*"):
        return (3, len(name)) if host.startswith(name[:-1]) else (0, 0)
    return 0, 0


def route_for(site: ProxySite, path: str) -> ProxyRoute | None:
    """The first route that a path falls to; None where none fits."""
    plain = path.partition("?")[0] or "/"
    return next((route for route in site.routes if _fits(route, plain)), None)


def _fits(route: ProxyRoute, path: str) -> bool:
    if route.match is PathMatch.EXACT:
        return path == route.pattern
    if route.match is PathMatch.REGEX:
        return fits_expression(route.pattern, path, folded=route.folded)
    return path.startswith(route.pattern)
