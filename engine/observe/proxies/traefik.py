"""Traefik: routers of containers' labels and of files as sites, in the order of their priority.

1. Entry points are those of its command line, and of its file where no command line names options; without any there is
   one at port 80. A router without `entrypoints` is at all of them. An entry point may redirect all of its requests to
   another one, and so may a middleware of a router (redirectscheme, redirectregex for every URL).
2. A rule is a site for each of its cases (`traefik_rules`); one about anything but Hosts, paths and methods is unknown
   there. The longer rule comes first (`priority`).
3. A router's service is the one that it names, in its own provider or behind an @, else the only one of its container.
4. A container's server is at its address in the network that `traefik.docker.network` names, else the provider's, else
   in its first one, and at the port of its label, else at the only one that it publishes.
Source: doc.traefik.io/traefik, "Docker" provider and "Routers" (3.x).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from engine.model.application.proxy import Action, ConfigPlace, ProxyDoor, ProxyRoute, ProxySite, ProxyTable
from engine.model.application.proxy import Upstream as Server
from engine.model.container import Container
from engine.observe.proxies import static_file
from engine.observe.proxies.ends import address_of, split_end
from engine.observe.proxies.root_files import RootFiles
from engine.observe.proxies.traefik_files import Provided
from engine.observe.proxies.traefik_rules import cases
from engine.records import dataclass, replace

_ROUTER = re.compile(r"traefik\.http\.routers\.([^.]+)\.(\w+|tls\..+)")
_PORT = re.compile(r"traefik\.http\.services\.([^.]+)\.loadbalancer\.server\.port")
_ENTRY = re.compile(r"--entrypoints\.([^.]+)\.address")
_REDIRECT = re.compile(r"traefik\.http\.middlewares\.([^.]+)\.redirectscheme\.(\w+)")
#: Its file, where no command line names options.
USUAL = tuple(f"/etc/traefik/traefik.{end}" for end in ("yml", "yaml", "toml"))
#: Blocks within blocks of a file that are looked into.
_DEEPEST = 12


def options_of(words: Sequence[str], files: RootFiles) -> dict[str, str]:
    """The options of the static configuration, in lower case: of the command line, else of the file. Raises OSError,
    SyntaxTrouble."""
    given = {key.lower(): value or "true" for key, _, value in (word.partition("=") for word in words[1:])}
    own = {key.lower(): value for key, value in pairwise(words) if key.startswith("--") and not value.startswith("-")}
    named = own.get("--configfile", given.get("--configfile", ""))
    if any(key.startswith("--") and key != "--configfile" for key in given):
        return given
    path = named or next((each for each in USUAL if files.exists(each)), "")
    return dict(_flat("-", static_file.parse(files.text(path), path), 0)) if path else given


def _flat(key: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    """A file's values by their keys, as the command line writes them. An empty block counts as true."""
    if isinstance(value, dict) and value and depth < _DEEPEST:
        for name, inner in value.items():
            yield from _flat(f"{key}{'-' if key == '-' else '.'}{str(name).lower()}", inner, depth + 1)
    else:
        yield key, "true" if value in ({}, None, True) else "false" if value is False else str(value)


def table(
    options: Mapping[str, str],
    own: Container | None,
    containers: Sequence[Container],
    more: Sequence[Provided] | None = None,
) -> ProxyTable:
    """The routers of all containers that run; `own` is Traefik's container. `more` are those of its files, None where
    they were not read."""
    doors = dict(_doors(options)) or {"web": ProxyDoor(None, 80)}
    exposed = options.get("--providers.docker.exposedbydefault", "true").lower() != "false"
    network = options.get("--providers.docker.network", "")
    own_kind = (each for each in containers if each.state == "running" and (own is None or each.engine == own.engine))
    sources = [_of_container(each, network) for each in own_kind if _is_enabled(each, exposed=exposed)]
    sources += [_Source(each.at, each.labels, "file", each.services) for each in more or ()]
    every = {f"{name}@{each.provider}": found for each in sources for name, found in each.services.items()}
    sites = [found for each in sources for found in _routers(each, doors, every)]
    sites.sort(key=lambda each: -each[0])
    away = list(_redirected(options, doors))
    gone = {door.port for site in away for door in site.doors}
    kept = (_without(site, gone) for _, site in sites)
    unread = more is None and any(key.startswith("--providers.file") for key in options)
    others = _unknown(tuple(doors.values()), "routers of a file (providers.file)") if unread else ()
    return ProxyTable((*away, *(site for site in kept if site.doors), *others), reloads=False)


def _is_enabled(container: Container, *, exposed: bool) -> bool:
    return dict(container.labels).get("traefik.enable", str(exposed)).lower() == "true"


def _unknown(doors: tuple[ProxyDoor, ...], words: str) -> tuple[ProxySite, ...]:
    """What is for requests that no label has a router for, where other routers may have one."""
    at = ConfigPlace("its file provider")
    return (ProxySite(doors, (), (ProxyRoute(at=at, words=words),), at),)


def _without(site: ProxySite, ports: set[int]) -> ProxySite:
    return replace(site, doors=tuple(door for door in site.doors if door.port not in ports))


def _doors(options: Mapping[str, str]) -> Iterator[tuple[str, ProxyDoor]]:
    for key, value in options.items():
        found = _ENTRY.fullmatch(key)
        if found:
            host, port = split_end(value.partition("/")[0], 80)
            tls = any(each.startswith(f"--entrypoints.{found[1]}.http.tls") for each in options)
            yield found[1], ProxyDoor(address_of(host), port, tls)


def _redirected(options: Mapping[str, str], doors: Mapping[str, ProxyDoor]) -> Iterator[ProxySite]:
    """Entry points that send all of their requests to another one."""
    for name, door in doors.items():
        start = f"--entrypoints.{name}.http.redirections.entrypoint"
        wanted = options.get(f"{start}.to", "")
        if not wanted:
            continue
        target = doors.get(wanted.lower())
        port = target.port if target is not None else int(wanted[1:]) if wanted[1:].isdecimal() else 443
        lasting = options.get(f"{start}.permanent", "true") != "false"
        scheme = options.get(f"{start}.scheme", "https")
        usual = {"https": 443, "http": 80}.get(scheme) == port
        location = f"{scheme}://$host{'' if usual else f':{port}'}$request_uri"
        at = ConfigPlace(f"entry point {name}")
        route = ProxyRoute(action=Action.REDIRECT, status=301 if lasting else 302, location=location, at=at)
        yield ProxySite((door,), (), (route,), at)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where routers come from: their labels, the provider's name, and its services' servers. `usual` is the server of a
    router that names none."""

    at: ConfigPlace
    labels: Mapping[str, str]
    provider: str
    services: Mapping[str, tuple[Server, ...]]
    usual: tuple[Server, ...] = ()

    def servers(self, router: Mapping[str, str], every: Mapping[str, tuple[Server, ...]]) -> tuple[Server, ...] | None:
        """The servers of a router; None for a service that is not known. `every` has those of all providers."""
        named = router.get("service", "").lower().replace(".", "-")
        if not named:
            return next(iter(self.services.values())) if len(self.services) == 1 else self.usual or None
        if "@" not in named and named in self.services:
            return self.services[named]
        return every.get(named if "@" in named else f"{named}@{self.provider}")


def _of_container(container: Container, network: str) -> _Source:
    """A container's labels, and the servers of the services that they name."""
    labels = dict(container.labels)
    at = ConfigPlace(f"labels of {container.name}")
    usual = _server(container, labels, network, at)
    ports = {found[1].lower(): value for key, value in labels.items() if (found := _PORT.fullmatch(key))}
    services = {
        name: (replace(usual, port=int(value)),)
        for name, value in ports.items()
        if value.isdecimal() and int(value) <= 65535
    }
    return _Source(at, labels, "docker", services, (usual,))


def _routers(
    source: _Source, doors: Mapping[str, ProxyDoor], every: Mapping[str, tuple[Server, ...]]
) -> Iterator[tuple[int, ProxySite]]:
    routers: dict[str, dict[str, str]] = {}
    for key, value in source.labels.items():
        found = _ROUTER.fullmatch(key)
        if found:
            # `tls`, and `tls.certresolver` and whatever else there is below it, all switch TLS on.
            switch = "tls" if found[2].startswith("tls.") else found[2]
            routers.setdefault(found[1], {})[switch] = "true" if switch != found[2] else value
    for router in routers.values():
        rule = router.get("rule", "")
        names = [each.strip().lower() for each in router.get("entrypoints", "").split(",") if each.strip()]
        tls = router.get("tls", "").lower() == "true"
        own = tuple(
            replace(door, tls=tls or door.tls, at=source.at)
            for name, door in doors.items()
            if not names or name in names
        )
        priority = router.get("priority", "")
        route = _away(router, source.labels, source.at) or _to(router, source, every)
        for site in _sites(rule, own, route):
            yield int(priority) if priority.isdecimal() else len(rule), site


def _to(router: Mapping[str, str], source: _Source, every: Mapping[str, tuple[Server, ...]]) -> ProxyRoute:
    """Where a router passes requests on to."""
    plain = ProxyRoute(at=source.at)
    named = router.get("service", "")
    if named.endswith("@internal"):
        return replace(plain, action=Action.ANSWER, words=named)
    servers = source.servers(router, every)
    if servers is None:
        return replace(plain, words=f"service {named}" if named else "a router without a service")
    return replace(plain, action=Action.PASS, upstreams=servers)


def _away(router: Mapping[str, str], labels: Mapping[str, str], at: ConfigPlace) -> ProxyRoute | None:
    """The redirect of a router's middleware, where it has one among these labels."""
    wanted = {name.strip().partition("@")[0] for name in router.get("middlewares", "").split(",")}
    found = [(each[1], each[2], value) for key, value in labels.items() if (each := _REDIRECT.fullmatch(key))]
    known = {key.lower(): value for name, key, value in found if name in wanted}
    if "scheme" not in known:
        return None
    status = 301 if known.get("permanent", "").lower() == "true" else 302
    port = f":{known['port']}" if known.get("port") else ""
    return ProxyRoute(
        action=Action.REDIRECT, status=status, location=f"{known['scheme']}://$host{port}$request_uri", at=at
    )


def _sites(rule: str, doors: tuple[ProxyDoor, ...], route: ProxyRoute) -> Iterator[ProxySite]:
    """A site for each case of a rule."""
    for case in cases(rule):
        end = replace(route, action=Action.UNKNOWN, upstreams=(), words=f"rule {rule}") if case.unknown else route
        routes = tuple(replace(end, pattern=each.pattern, match=each.match) for each in case.paths)
        yield ProxySite(doors, case.names, routes, route.at)


def _server(container: Container, labels: Mapping[str, str], network: str, at: ConfigPlace) -> Server:
    wanted = labels.get("traefik.docker.network", network)
    places = [each for each in container.attachments if each.address is not None]
    place = next((each for each in places if each.network == wanted), places[0] if places else None)
    ports = [value for key, value in labels.items() if _PORT.fullmatch(key)]
    ports += [str(each.container_port) for each in container.published]
    port = next((int(each) for each in ports if each.isdecimal() and int(each) <= 65535), 80)
    return Server(str(place.address) if place is not None else container.name, port, at=at)
