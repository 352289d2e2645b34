"""What can stand in the fields of a question, as rows to choose from: who asks, what for, at which port. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.model.host import Netns, Snapshot
from engine.model.verdict import Url
from engine.records import dataclass
from views.topology.facts import DOCKER_RESOLVER
from views.verdict.ask import Ask, suggestions

#: So many rows are shown.
MOST = 8
#: A site's name that can stand in a URL.
_PLAIN = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class FieldOffer:
    """A value for a field, and what it is."""

    value: str
    words: str = ""


def offers(snapshot: Snapshot, recent: Sequence[Ask] = ()) -> Mapping[str, tuple[FieldOffer, ...]]:
    """The rows of each field, by its name. Whole questions are in the port's, the recent ones first: `FROM>TO:PORT`."""
    return {
        "from": tuple(_from(snapshot)),
        "to": tuple(_to(snapshot)),
        "port": tuple(_questions(snapshot, recent)),
        "protocol": tuple(map(FieldOffer, ("tcp", "udp", "sctp", "icmp"))),
    }


def fitting(found: Sequence[FieldOffer], text: str) -> list[FieldOffer]:
    """The rows that have the text; those whose value begins with it first. Without a text all."""
    wanted = text.casefold().strip()
    has = [each for each in found if wanted in f"{each.value} {each.words}".casefold()]
    return sorted(has, key=lambda each: not each.value.casefold().startswith(wanted))[:MOST]


def served_port(snapshot: Snapshot, name: str, port: str) -> str:
    """The port to ask a container for: the one that is written, where it serves that; else its first. "" for a name
    that is no container's."""
    container = next((each for each in snapshot.containers if each.name == name), None)
    if container is None:
        return ""
    netns = snapshot.by_id.get(container.netns or "")
    ports = [each.container_port for each in container.published] + list(_listens(netns) if netns else ())
    known = [str(each) for each in dict.fromkeys(ports)]
    return port if port in known or not known else known[0]


def _from(snapshot: Snapshot) -> Iterator[FieldOffer]:
    yield FieldOffer("host", "this host itself")
    for container in snapshot.containers:
        yield FieldOffer(container.name, f"container · {_addresses(snapshot, container.netns)}".rstrip(" ·"))
    inside = {each.netns for each in snapshot.containers}
    for netns in snapshot.namespaces:
        if netns.id != snapshot.host and netns.id not in inside:
            yield FieldOffer(f"ns:{netns.id}", f"namespace · {_addresses(snapshot, netns.id)}".rstrip(" ·"))


def _to(snapshot: Snapshot) -> Iterator[FieldOffer]:
    for container in snapshot.containers:
        ports = [f":{each.host_port}→{each.container_port}" for each in container.published]
        netns = snapshot.by_id.get(container.netns or "")
        behind = {each.container_port for each in container.published}
        ports += [f":{each}" for each in (_listens(netns) if netns else ()) if each not in behind]
        words = (_addresses(snapshot, container.netns), " ".join(dict.fromkeys(ports)))
        yield FieldOffer(container.name, "  ".join(filter(None, words)))
    yield from _sites(snapshot)
    for one in snapshot.host_netns.addresses:
        if one.scope != "link":
            link = snapshot.host_netns.links_by_index.get(one.link)
            yield FieldOffer(str(one.address), f"this host · {link.name}" if link else "this host")


def _sites(snapshot: Snapshot) -> Iterator[FieldOffer]:
    """The sites of proxies as URLs, at the port that their container publishes."""
    seen: set[str] = set()
    for proxy in snapshot.proxies:
        published = {
            each.container_port: each.host_port
            for container in snapshot.containers_in(proxy.netns)
            for each in container.published
        }
        for site in proxy.table.sites:
            for door in site.doors:
                for name in site.names:
                    url = Url("https" if door.tls else "http", name, published.get(door.port, door.port))
                    if _PLAIN.fullmatch(name) and str(url) not in seen:
                        seen.add(str(url))
                        yield FieldOffer(str(url), f"site of {proxy.kind} in {proxy.netns}")


def _questions(snapshot: Snapshot, recent: Sequence[Ask]) -> Iterator[FieldOffer]:
    seen: set[str] = set()
    for asks, words in ((recent, "asked before"), (suggestions(snapshot), "")):
        for ask in asks:
            value = f"{ask.source}>{ask.target}"
            if value not in seen:
                seen.add(value)
                yield FieldOffer(value, words)


def _addresses(snapshot: Snapshot, netns: str | None) -> str:
    found = snapshot.by_id.get(netns or "")
    own = (str(one.address) for one in (found.addresses if found else ()) if one.scope == "global")
    return next(own, "")


def _listens(netns: Netns) -> list[int]:
    own = (each.port for each in netns.listeners if each.address != DOCKER_RESOLVER)
    return list(dict.fromkeys(own))
