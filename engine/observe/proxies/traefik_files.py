"""Traefik's file provider: routers, middlewares and services of YAML or TOML files, as labels would have them.

Source: doc.traefik.io/traefik, "File" provider (3.x).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.model.application.proxy import ConfigPlace
from engine.model.application.proxy import Upstream as Server
from engine.observe.proxies import static_file
from engine.observe.proxies.ends import TLS, split_url
from engine.observe.proxies.root_files import RootFiles
from engine.records import dataclass, field

#: Files of one folder that are read, and services of one file.
MOST_FILES, MOST_SERVICES = 50, 2000
_ENDINGS = (".yml", ".yaml", ".toml")


@dataclass(frozen=True, slots=True)
class Provided:
    """What one file has: its routers and middlewares as labels, and its services' servers by name."""

    at: ConfigPlace
    labels: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, tuple[Server, ...]] = field(default_factory=dict)


def provided(options: Mapping[str, str], files: RootFiles) -> list[Provided]:
    """The files that the options name. Raises OSError, SyntaxTrouble."""
    paths = [options[key] for key in ("--providers.file.filename",) if key in options]
    folder = options.get("--providers.file.directory", "").rstrip("/")
    if folder:
        paths += [f"{folder}/{name}" for name in files.listed(folder) if name.endswith(_ENDINGS)][:MOST_FILES]
    return [_of_file(static_file.parse(files.text(path), path), ConfigPlace(path)) for path in paths]


def _of_file(values: dict[str, Any], at: ConfigPlace) -> Provided:
    http = _block(values, "http")
    labels: dict[str, str] = {}
    for name, router in _blocks(http, "routers"):
        labels |= {f"traefik.http.routers.{name}.{key}": text for key, text in _router(router)}
    for name, middleware in _blocks(http, "middlewares"):
        for key, value in _block(middleware, "redirectscheme").items():
            labels[f"traefik.http.middlewares.{name}.redirectscheme.{key}"] = _text(value)
    services = {name: tuple(_servers(each, at)) for name, each in list(_blocks(http, "services"))[:MOST_SERVICES]}
    return Provided(at, labels, services)


def _router(router: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in router.items():
        lower = str(key).lower()
        if lower == "tls":
            yield "tls", "true"
        elif isinstance(value, list):
            yield lower, ",".join(map(str, value))
        else:
            yield lower, _text(value)


def _servers(service: Mapping[str, Any], at: ConfigPlace) -> Iterator[Server]:
    listed = _block(service, "loadbalancer").get("servers")
    for each in listed if isinstance(listed, list) else ():
        url = each.get("url") if isinstance(each, dict) else None
        if isinstance(url, str):
            scheme, host, port, _ = split_url(url)
            yield Server(host, port, scheme in TLS, at)


def _block(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A block by its name, whose keys are in lower case."""
    found = next((value for key, value in values.items() if str(key).lower() == name), None)
    return {str(key).lower(): value for key, value in found.items()} if isinstance(found, dict) else {}


def _blocks(values: Mapping[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The blocks in a block, by their names; a dot in one would be two words of a label."""
    for key, value in _block(values, name).items():
        if isinstance(value, dict):
            yield key.replace(".", "-"), value


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
