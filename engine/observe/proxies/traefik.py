"""Traefik: routers of containers' labels as sites, in the order of their priority.

1. Entry points are those of its command line; without any there is one at port 80. A router without `entrypoints` is at
   all of them.
2. A rule of `Host`, `PathPrefix` and `Path`, joined by `&&` and `||`, is a site with names and paths; any other one is
   a route that is unknown. The longer rule comes first (`priority`).
3. A container's server is at its address in the network that `traefik.docker.network` names, else the provider's, else
   in its first one, and at the port of its label, else at the only one that it publishes.
Source: doc.traefik.io/traefik, "Docker" provider and "Routers" (3.x).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.model.application.proxy import Action, ConfigPlace, PathMatch, ProxyDoor, ProxyRoute, ProxySite, ProxyTable
from engine.model.application.proxy import Upstream as Server
from engine.model.container import Container
from engine.observe.proxies.ends import address_of, split_end
from engine.records import replace

_ROUTER = re.compile(r"traefik\.http\.routers\.([^.]+)\.(\w+)")
_PORT = re.compile(r"traefik\.http\.services\.([^.]+)\.loadbalancer\.server\.port")
_MATCHER = re.compile(r"\s*(Host|PathPrefix|Path)\(([^()]*)\)\s*")
_WORD = re.compile(r"[`'\"]([^`'\"]*)[`'\"]")
_ENTRY = re.compile(r"--entrypoints\.([^.]+)\.address=(\S+)", re.IGNORECASE)


def table(words: Sequence[str], own: Container | None, containers: Sequence[Container]) -> ProxyTable:
    """The routers of all containers that run; `own` is Traefik's container."""
    options = {key.lower(): value for key, _, value in (word.partition("=") for word in words)}
    doors = dict(_doors(words)) or {"web": ProxyDoor(None, 80)}
    exposed = options.get("--providers.docker.exposedbydefault", "true").lower() != "false"
    network = options.get("--providers.docker.network", "")
    sites = [
        (priority, site)
        for each in containers
        if each.state == "running" and (own is None or each.engine == own.engine)
        for priority, site in _routers(each, doors, network, exposed=exposed)
    ]
    sites.sort(key=lambda each: -each[0])
    return ProxyTable(tuple(site for _, site in sites), reloads=False)


def _doors(words: Sequence[str]) -> Iterator[tuple[str, ProxyDoor]]:
    for word in words:
        found = _ENTRY.fullmatch(word)
        if found:
            host, port = split_end(found[2].partition("/")[0], 80)
            yield found[1].lower(), ProxyDoor(address_of(host), port)


def _routers(
    container: Container, doors: Mapping[str, ProxyDoor], network: str, *, exposed: bool
) -> Iterator[tuple[int, ProxySite]]:
    labels = dict(container.labels)
    if labels.get("traefik.enable", str(exposed)).lower() != "true":
        return
    routers: dict[str, dict[str, str]] = {}
    for key, value in labels.items():
        found = _ROUTER.fullmatch(key)
        if found:
            routers.setdefault(found[1], {})[found[2]] = value
    at = ConfigPlace(f"labels of {container.name}")
    server = _server(container, labels, network, at)
    for router in routers.values():
        rule = router.get("rule", "")
        names = [each.strip().lower() for each in router.get("entrypoints", "").split(",") if each.strip()]
        tls = router.get("tls", "").lower() == "true"
        own = tuple(replace(door, tls=tls, at=at) for name, door in doors.items() if not names or name in names)
        priority = router.get("priority", "")
        for site in _sites(rule, own, ProxyRoute(at=at, action=Action.PASS, upstreams=(server,))):
            yield int(priority) if priority.isdecimal() else len(rule), site


def _sites(rule: str, doors: tuple[ProxyDoor, ...], route: ProxyRoute) -> Iterator[ProxySite]:
    """A site for each alternative of a rule."""
    for part in rule.split("||"):
        hosts: list[str] = []
        paths: list[tuple[str, PathMatch]] = []
        for term in part.split("&&"):
            found = _MATCHER.fullmatch(term)
            if found is None:
                unknown = replace(route, action=Action.UNKNOWN, upstreams=(), words=f"rule {rule}")
                yield ProxySite(doors, (), (unknown,), route.at)
                return
            values = _WORD.findall(found[2])
            if found[1] == "Host":
                hosts += [value.lower() for value in values]
            else:
                match = PathMatch.PREFIX if found[1] == "PathPrefix" else PathMatch.EXACT
                paths += [(value, match) for value in values]
        routes = tuple(replace(route, pattern=path, match=match) for path, match in paths or [("/", PathMatch.PREFIX)])
        yield ProxySite(doors, tuple(hosts), routes, route.at)


def _server(container: Container, labels: Mapping[str, str], network: str, at: ConfigPlace) -> Server:
    wanted = labels.get("traefik.docker.network", network)
    places = [each for each in container.attachments if each.address is not None]
    place = next((each for each in places if each.network == wanted), places[0] if places else None)
    ports = [value for key, value in labels.items() if _PORT.fullmatch(key)]
    ports += [str(each.container_port) for each in container.published]
    port = next((int(each) for each in ports if each.isdecimal() and int(each) <= 65535), 80)
    return Server(str(place.address) if place is not None else container.name, port, at=at)
