"""Names of servers for which a proxy does not start: nginx and HAProxy end where one has no address at that time.

`[emerg] host not found in upstream` of nginx (ngx_http_upstream_init_round_robin), `could not resolve address` of
HAProxy (init-addr, without `none`).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from engine.model.application.proxy import ConfigPlace, Proxy, ProxyKind, ResolvedWhen, Upstream
from engine.model.container import Container
from engine.model.host import Snapshot
from engine.path.naming.answers import HOST_NAMES, names_of

_STRICT = frozenset({ProxyKind.NGINX, ProxyKind.HAPROXY})


def nameless_servers(snapshot: Snapshot, container: Container) -> tuple[str, ...]:
    """What keeps a stopped container's proxy from starting, as far as the engine's names tell: a sentence for each
    name."""
    proxy = next((each for each in snapshot.proxies if each.container == container.id and not each.pids), None)
    if proxy is None or proxy.kind not in _STRICT:
        return ()
    return tuple(_told(snapshot, container, proxy))


def _told(snapshot: Snapshot, container: Container, proxy: Proxy) -> Iterator[str]:
    seen: set[str] = set()
    for at, server in _servers(proxy):
        name = server.host.lower()
        if name in seen or _is_address(name) or ("." in name and name not in HOST_NAMES) or name == "localhost":
            continue
        seen.add(name)
        why = _why(snapshot, container, name)
        if why:
            yield f"{proxy.kind} does not start while a server has no address: {at} names {name}, {why}"


def _servers(proxy: Proxy) -> Iterator[tuple[ConfigPlace, Upstream]]:
    for site in proxy.table.sites:
        for route in site.routes:
            if route.when is ResolvedWhen.START:
                yield from ((server.at if server.at.file else route.at, server) for server in route.upstreams)


def _why(snapshot: Snapshot, container: Container, name: str) -> str:
    """Why the engine has no address of that name for the container; "" where it has one."""
    mine = {place.network for place in container.attachments}
    holders = [
        (each, place)
        for each in snapshot.containers
        for place in each.attachments
        if each.engine == container.engine and name in (*names_of(each, place), each.service.lower())
    ]
    running = [(each, place) for each, place in holders if each.state in ("running", "paused")]
    if any(place.network in mine for _, place in running):
        return ""
    if running:
        return f"which is in {', '.join(dict.fromkeys(place.network for _, place in running))} only"
    if holders:
        return f"which is not running ({holders[0][0].state}): start {holders[0][0].name} first"
    return "which no container is called"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
