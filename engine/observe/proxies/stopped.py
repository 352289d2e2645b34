"""Proxies whose containers do not run: their configuration is where the host mounts it from.

What is in the image alone is out of reach. A file is read below the folder that is mounted, so that a link in it leads
nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine.model.application.proxy import Proxy, ProxyKind, ProxyTable
from engine.model.container import Container, Mount
from engine.observe.base.errors import words_for
from engine.observe.base.inside_root import Root
from engine.observe.proxies import apache, haproxy
from engine.observe.proxies.caddy import configuration as caddy
from engine.observe.proxies.nginx import configuration as nginx
from engine.observe.proxies.nginx.syntax import NginxReader
from engine.observe.proxies.root_files import RootFiles
from engine.observe.proxies.running import READERS
from engine.observe.proxies.trouble import SyntaxTrouble

#: Folders of configurations, by program: a mount in one of them says what the container is.
FOLDERS = {
    "/etc/nginx": ProxyKind.NGINX,
    "/usr/local/etc/haproxy": ProxyKind.HAPROXY,
    "/etc/haproxy": ProxyKind.HAPROXY,
    "/etc/caddy": ProxyKind.CADDY,
    "/usr/local/apache2": ProxyKind.APACHE,
    "/etc/apache2": ProxyKind.APACHE,
}
_USUAL = {
    ProxyKind.NGINX: nginx.USUAL,
    ProxyKind.HAPROXY: haproxy.USUAL,
    ProxyKind.CADDY: (caddy.USUAL,),
    ProxyKind.APACHE: apache.USUAL,
}
#: What the official nginx image includes in its `http` block.
_SITES = "/etc/nginx/conf.d"


def stopped(containers: Iterable[Container], host: str) -> Iterator[Proxy]:
    """A proxy without processes for each container that does not run and has such a mount; `host` is the id of the
    host's namespace."""
    for container in containers:
        if container.state in ("running", "paused"):
            continue
        for mount in container.mounts:
            kind = next((kind for folder, kind in FOLDERS.items() if f"{mount.target}/".startswith(f"{folder}/")), None)
            if kind is not None:
                later: Any = read_mounted, (kind, container.mounts)
                yield Proxy(kind, host, (), later, container.id)
                break


class MountedFiles(RootFiles):
    """The files of mounts, by their paths in the container. The image has others."""

    whole = False

    def __init__(self, mounts: tuple[Mount, ...]) -> None:
        self._mounts = sorted(mounts, key=lambda each: -len(each.target))

    def text(self, path: str) -> str:
        """A file as text. Raises OSError; FileNotFoundError for one that no mount has."""
        folder, name = self._place(path)
        with Root(folder) as root:
            return RootFiles(root).text(name)

    def listed(self, folder: str) -> list[str]:
        """The names in a folder, sorted. Raises OSError."""
        where, name = self._place(folder)
        with Root(where) as root:
            return root.listed(name)

    def exists(self, path: str) -> bool:
        """Whether a mount has such a file."""
        try:
            folder, name = self._place(path)
            with Root(folder) as root:
                return root.exists(name)
        except OSError:
            return False

    def _place(self, path: str) -> tuple[str, str]:
        """The folder of the host, and the path below it."""
        for mount in self._mounts:
            if path == mount.target:
                folder, _, name = mount.source.rpartition("/")
                return folder or "/", name
            if path.startswith(f"{mount.target.rstrip('/')}/"):
                return mount.source, path[len(mount.target.rstrip("/")) + 1 :]
        raise FileNotFoundError(2, "no mount has it", path)


def read_mounted(what: tuple[ProxyKind, tuple[Mount, ...]]) -> ProxyTable:
    """The table of a container that does not run. Raises nothing."""
    kind, mounts = what
    files = MountedFiles(mounts)
    try:
        if kind is ProxyKind.NGINX and not any(map(files.exists, _USUAL[kind])):
            return nginx.sites(NginxReader(files.text, files.listed, "/etc/nginx"), _SITES)
        return READERS[kind](files, ())
    except SyntaxTrouble as error:
        return ProxyTable(unread=f"its configuration is not understood: {error}")
    except OSError as error:
        path = f"{error.filename}: " if error.filename else ""
        return ProxyTable(unread=f"its configuration cannot be read: {path}{words_for(error)}")
