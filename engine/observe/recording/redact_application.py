"""Other names in what is above the packet: hosts files, search lists, resolvers' records, sites of proxies.

A name of several labels gets another word for each of them, so that a domain stays the domain of its names, and a
search list leads to the same one. Asterisks and empty labels stay, and so does what everybody has (`localhost`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

Json = dict[str, Any]
#: Names that say nothing about whose host it is.
EVERYBODYS = frozenset(
    (
        *("", "*", "localhost", "localdomain", "localhost4", "localhost6", "localdomain4", "localdomain6", "internal"),
        *("ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters"),
        *("host", "docker", "gateway", "containers", "podman", "dns"),
    )
)


def is_address(text: str) -> bool:
    """Whether a host is written as its address, which is another rule's matter."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def labels_of(recording: Json) -> Iterator[str]:
    """Every label of a name in a recording, but those that everybody has."""
    for name in _names(recording):
        if not is_address(name) and not name.startswith("~"):
            yield from (label for label in name.split(".") if label not in EVERYBODYS)


def _names(recording: Json) -> Iterator[str]:
    for container in recording.get("containers", ()):
        for place in container.get("attachments", ()):
            yield from place.get("aliases", ())
        yield from _hosts(container.get("client_proxy") or {})
    for config in recording.get("name_configs", ()):
        yield config.get("hostname", "")
        yield from config.get("search", ())
        for line in config.get("hosts", ()):
            yield from line["names"]
    for resolver in recording.get("resolvers", ()):
        for zone in resolver.get("zones", ()):
            yield from (record["name"] for record in zone.get("records", ()))
    for site in _sites(recording):
        yield from site.get("names", ())
        for route in site.get("routes", ()):
            yield route.get("host", "")
            yield from (server["host"] for server in route.get("upstreams", ()))
    yield from (answer["name"] for answer in recording.get("name_answers", ()))


def _hosts(named: Json) -> Iterator[str]:
    """The names in what an environment says of proxies."""
    places = (named.get("http", ""), named.get("https", ""), *named.get("exempt", ()))
    yield from (host for place in places if not _no_name(host := place.partition(":")[0]))


def _no_name(host: str) -> bool:
    return "/" in host or host.startswith("[") or is_address(host)


def _sites(recording: Json) -> Iterator[Json]:
    for proxy in recording.get("proxies", ()):
        yield from proxy["table"].get("sites", ())


class Renaming:
    """Puts other names into a recording: `name` gives that of a label or a name of one, `text` those in a text."""

    def __init__(self, name: Callable[[str], str], text: Callable[[str], str]) -> None:
        self._name, self._text = name, text

    def dns(self, name: str) -> str:
        """Another name, label by label."""
        if is_address(name):
            return name
        if name.startswith("~"):
            return self._text(name)
        whole = self._name(name)
        return whole if whole != name else ".".join(map(self._name, name.split(".")))

    def apply(self, recording: Json) -> None:
        """Changes the recording in place."""
        for container in recording.get("containers", ()):
            self._container(container)
        for config in recording.get("name_configs", ()):
            self._config(config)
        for resolver in recording.get("resolvers", ()):
            for zone in resolver.get("zones", ()):
                if "network" in zone:
                    zone["network"] = self._name(zone["network"])
                for record in zone.get("records", ()):
                    record["name"] = self.dns(record["name"])
        for site in _sites(recording):
            self._site(site)
        for answer in recording.get("name_answers", ()):
            answer["name"] = self.dns(answer["name"])

    def _container(self, container: Json) -> None:
        for place in container.get("attachments", ()):
            if "aliases" in place:
                place["aliases"] = [self.dns(alias) for alias in place["aliases"]]
        if named := container.get("client_proxy"):
            for scheme in ("http", "https"):
                named[scheme] = self._place(named.get(scheme, ""))
            named["exempt"] = [self._place(entry) for entry in named.get("exempt", ())]
        if "labels" in container:
            container["labels"] = [[self._text(key), self._text(value)] for key, value in container["labels"]]
        for number, mount in enumerate(container.get("mounts", ()), 1):
            mount["source"] = f"/srv/{container['name']}/mount-{number}"
            mount["target"] = self._text(mount["target"])

    def _place(self, place: str) -> str:
        """A host with or without its port; what has an address or a network for a host is another rule's matter."""
        host, colon, port = place.partition(":")
        return place if _no_name(host) else f"{self.dns(host)}{colon}{port}"

    def _config(self, config: Json) -> None:
        for key in ("hosts_file", "resolv_file", "unread"):
            if key in config:
                config[key] = self._text(config[key])
        if "hostname" in config:
            config["hostname"] = self.dns(config["hostname"])
        if "search" in config:
            config["search"] = [self.dns(name) for name in config["search"]]
        for line in config.get("hosts", ()):
            line["names"] = [self.dns(name) for name in line["names"]]

    def _paths(self, place: Json) -> None:
        """Rewrites, tried paths and folders of a site or a route."""
        if "tries" in place:
            place["tries"] = [self._text(word) for word in place["tries"]]
        for rewrite in place.get("rewrites", ()):
            for key in ("pattern", "onto", "words"):
                rewrite[key] = self._text(rewrite.get(key, ""))
        folder = place.get("folder") or {}
        for key in ("index", "files", "missing"):
            if key in folder:
                folder[key] = [self._text(name) for name in folder[key]]
        if folder:
            folder["path"] = self._text(folder["path"])

    def _site(self, site: Json) -> None:
        if "names" in site:
            site["names"] = [self.dns(name) for name in site["names"]]
        self._paths(site)
        for route in site.get("routes", ()):
            self._paths(route)
            for key in ("pattern", "location", "words", "onto"):
                if route.get(key):
                    route[key] = self._text(route[key])
            for test in (each for tests in route.get("tests", ()) for each in tests):
                test["pattern"] = self._text(test.get("pattern", "/"))
            if "host" in route:
                route["host"] = self.dns(route["host"])
            for server in route.get("upstreams", ()):
                server["host"] = self.dns(server["host"])
