"""Which reverse proxies run: their processes, each with its children, and the table of each, read when it is met.

A proxy's processes are those of its program in one namespace that come of one first process: that one's command line
names the configuration, and the others answer. A process counts by the name of its file: busybox has an httpd, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.model.application.proxy import Proxy, ProxyKind, ProxyTable
from engine.model.container import Container
from engine.observe.base.errors import words_for
from engine.observe.base.files import small
from engine.observe.base.inside_root import Root
from engine.observe.proc.processes import ProcessTable, Running, container_of
from engine.observe.proxies import apache, haproxy, traefik
from engine.observe.proxies.caddy import configuration as caddy
from engine.observe.proxies.nginx import configuration as nginx
from engine.observe.proxies.root_files import RootFiles
from engine.observe.proxies.traefik_files import Provided, provided
from engine.observe.proxies.trouble import SyntaxTrouble
from engine.records import dataclass

#: Names of processes, by program.
PROGRAMS: Mapping[str, ProxyKind] = {
    "nginx": ProxyKind.NGINX,
    "openresty": ProxyKind.NGINX,
    "haproxy": ProxyKind.HAPROXY,
    "caddy": ProxyKind.CADDY,
    "apache2": ProxyKind.APACHE,
    "httpd": ProxyKind.APACHE,
    "traefik": ProxyKind.TRAEFIK,
}
READERS: Mapping[ProxyKind, Callable[[RootFiles, Sequence[str]], ProxyTable]] = {
    ProxyKind.NGINX: nginx.read,
    ProxyKind.HAPROXY: haproxy.read,
    ProxyKind.CADDY: caddy.read,
    ProxyKind.APACHE: apache.read,
}
#: nginx writes what it is before its command line (ngx_setproctitle).
_TITLE = "nginx: master process "


@dataclass(frozen=True, slots=True)
class ProxyPlace:
    """Where a proxy's configuration is found: by the command line and root of its first process."""

    kind: ProxyKind
    pid: int


def running(table: ProcessTable, ids: Mapping[int, str], containers: tuple[Container, ...]) -> Iterator[Proxy]:
    """The proxies in namespaces that have an id (by inode). Labels of the `containers` are what Traefik reads."""
    for name, kind in PROGRAMS.items():
        parents = {each: each.parent for each in table.program(name) if each.netns in ids}
        pids = {each.pid for each in parents}
        for first, parent in parents.items():
            if parent not in pids:
                own = sorted(_family(first, parents), key=lambda each: each.pid)
                place = ProxyPlace(kind, first.pid)
                later: Any = (read_labels, (place, containers)) if kind is ProxyKind.TRAEFIK else (read_table, place)
                pids_of_it = tuple(each.pid for each in own)
                yield Proxy(kind, ids[first.netns], pids_of_it, later, container_of(first.pid))


def _family(first: Running, parents: Mapping[Running, int]) -> Iterator[Running]:
    """A process and all that came of it."""
    yield first
    for each, parent in parents.items():
        if parent == first.pid:
            yield from _family(each, parents)


def read_table(place: ProxyPlace) -> ProxyTable:
    """The table of a proxy; of one whose files cannot be read or understood it says why. Raises nothing."""
    try:
        words = _words(small(f"/proc/{place.pid}/cmdline"))
        with Root(f"/proc/{place.pid}/root") as root:
            return READERS[place.kind](RootFiles(root), words)
    except SyntaxTrouble as error:
        return ProxyTable(unread=f"its configuration is not understood: {error}")
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        return ProxyTable(unread=f"its configuration cannot be read: {path}{words_for(error)}")
    except RecursionError:
        return ProxyTable(unread="its configuration is nested too deep")


def read_labels(what: tuple[ProxyPlace, tuple[Container, ...]]) -> ProxyTable:
    """The table of a Traefik, whose routers are labels of containers. Raises nothing."""
    place, containers = what
    try:
        words = _words(small(f"/proc/{place.pid}/cmdline"))
        with Root(f"/proc/{place.pid}/root") as root:
            files = RootFiles(root)
            options = traefik.options_of(words, files)
            more = _of_files(options, files)
    except SyntaxTrouble as error:
        return ProxyTable(unread=f"its configuration is not understood: {error}")
    except OSError as error:
        return ProxyTable(unread=f"its configuration cannot be read: {words_for(error)}")
    inside = container_of(place.pid)
    return traefik.table(options, next((each for each in containers if each.id == inside), None), containers, more)


def _of_files(options: Mapping[str, str], files: RootFiles) -> list[Provided] | None:
    """What Traefik's files have; None where one is not read or understood, as a template is."""
    try:
        return provided(options, files)
    except (OSError, SyntaxTrouble):
        return None


def _words(line: bytes) -> list[str]:
    text = line.decode("utf-8", "replace").rstrip("\0")
    if text.startswith(_TITLE):
        return text.removeprefix(_TITLE).replace("\0", " ").split()
    return text.split("\0")
