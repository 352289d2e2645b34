"""Caddy's own configuration, JSON, as servers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from engine.model.application.proxy import ConfigPlace
from engine.observe.proxies.caddy.tree import SUBROUTE, CaddyHandler, CaddyPorts, CaddyRoute, CaddyServer, Settings
from engine.observe.proxies.ends import split_end
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.records import replace

#: Routes within routes.
DEEPEST = 24


def servers(text: str, path: str) -> tuple[CaddyServer, ...]:
    """The servers of a configuration. Raises SyntaxTrouble."""
    try:
        http = json.loads(text)["apps"]["http"]
        usual = CaddyPorts()
        ports = CaddyPorts(int(http.get("http_port") or usual.http), int(http.get("https_port") or usual.https))
        return tuple(_server(each, ConfigPlace(path), ports) for each in http["servers"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SyntaxTrouble(f"{path} is no configuration of Caddy's HTTP servers: {type(error).__name__}") from None


def _server(entry: Settings, at: ConfigPlace, ports: CaddyPorts) -> CaddyServer:
    automatic = entry.get("automatic_https") or {}
    listens = [str(end).rpartition("/")[2] for end in entry.get("listen") or () if not str(end).startswith("unix/")]
    return CaddyServer(
        ends=tuple(split_end(end, ports.http) for end in listens),
        routes=_routes(entry.get("routes") or (), at, 0),
        at=at,
        policies=bool(entry.get("tls_connection_policies")),
        automatic=not automatic.get("disable"),
        redirects=not (automatic.get("disable") or automatic.get("disable_redirects")),
        skipped=tuple(str(name).lower() for name in automatic.get("skip") or ()),
        ports=ports,
    )


def _routes(entries: Sequence[Settings], at: ConfigPlace, depth: int) -> tuple[CaddyRoute, ...]:
    if depth > DEEPEST:
        raise ValueError("routes are nested too deep")
    return tuple(
        CaddyRoute(
            tuple(_handler(step, at, depth) for step in each.get("handle") or ()),
            at,
            tuple(dict(matcher) for matcher in each.get("match") or ()),
            str(each.get("group") or ""),
            bool(each.get("terminal")),
        )
        for each in entries
    )


def _handler(entry: Settings, at: ConfigPlace, depth: int) -> CaddyHandler:
    kind = str(entry.get("handler"))
    step = CaddyHandler(kind, dict(entry), at, f"handler {kind}")
    return replace(step, routes=_routes(entry.get("routes") or (), at, depth + 1)) if kind == SUBROUTE else step
