"""Caddy's configuration as the program has it: servers with routes, which have matchers and handlers.

A Caddyfile and JSON both become this. Settings and matchers are those of the JSON, whose kinds are handlers'
(`reverse_proxy`, `static_response`, ...) and not directives'. Source: caddyserver.com/docs/json/apps/http/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.model.application.proxy import ConfigPlace
from engine.records import dataclass

#: An object of Caddy's JSON.
Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaddyHandler:
    """One step of a route. `routes` are those of a `subroute`; `words` is how it is written."""

    kind: str
    settings: Settings
    at: ConfigPlace
    words: str
    routes: tuple[CaddyRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class CaddyRoute:
    """Steps for requests that one of its matcher sets lets in (none: all). Of the routes of a group ("": none) only the
    first that fits is taken; behind the steps of a terminal one an empty answer comes."""

    handlers: tuple[CaddyHandler, ...]
    at: ConfigPlace
    sets: tuple[Settings, ...] = ()
    group: str = ""
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class CaddyPorts:
    """The ports that count as those of HTTP and of HTTPS."""

    http: int = 80
    https: int = 443


@dataclass(frozen=True, slots=True)
class CaddyServer:
    """What accepts at some hosts ("": all) and ports.

    `policies` says that it has words on how to speak TLS, `automatic` that it does so without where it has names to get
    certificates for (but those `skipped`), and `redirects` that plain requests are sent there.
    """

    ends: tuple[tuple[str, int], ...]
    routes: tuple[CaddyRoute, ...]
    at: ConfigPlace
    policies: bool = False
    automatic: bool = True
    redirects: bool = True
    skipped: tuple[str, ...] = ()
    ports: CaddyPorts = CaddyPorts()


SUBROUTE, REWRITE = "subroute", "rewrite"
