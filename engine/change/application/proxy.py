"""A proxy's configuration: a server that a line names, changed by sed(1), and the configuration read again.

A file that is mounted into a container is written in place, since one that is moved over it would not be seen there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from shlex import quote

from engine.model.application.proxy import ConfigPlace, Proxy, ProxyKind, ProxyRoute, ProxySite, ProxyTable, Upstream
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace

#: What names and addresses are made of.
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,253}")
#: How each program reads its configuration again; HAProxy has to be started again where it runs without a master.
RELOADS: dict[ProxyKind, tuple[str, ...]] = {
    ProxyKind.NGINX: ("nginx", "-s", "reload"),
    ProxyKind.CADDY: ("caddy", "reload", "--config", "/etc/caddy/Caddyfile"),
    ProxyKind.APACHE: ("apachectl", "graceful"),
}


#: The signal on which httpd reads its configuration again (httpd.apache.org/docs/2.4/stopping.html).
GRACEFUL = "USR1"


@dataclass(frozen=True, slots=True)
class ReloadProxy(Change):
    """A proxy reads its configuration again, and looks names up. `command` is what has it do so."""

    kind: ProxyKind
    netns: str
    pid: int
    command: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, proxy: Proxy) -> ReloadProxy | None:
        """That of a proxy, by its engine's client where it is in a container; None where no command is known."""
        container = next((each for each in snapshot.containers if each.id == proxy.container), None)
        if not proxy.pids:
            return None
        own = RELOADS.get(proxy.kind) if proxy.table.reloads else None
        if container is None:
            return cls(proxy.kind, proxy.netns, proxy.pids[0], own or ("systemctl", "reload", str(proxy.kind)))
        if own is None:
            words: tuple[str, ...] = ("restart", container.name)
        elif proxy.kind is ProxyKind.APACHE and container.pid == proxy.pids[0]:
            words = ("kill", "--signal", GRACEFUL, container.name)
        else:
            words = ("exec", container.name, *own)
        return cls(proxy.kind, proxy.netns, proxy.pids[0], (*(container.command or (container.engine,)), *words))

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - the command finds its program
        """`nginx -s reload`, through the engine's client where the proxy is in a container."""
        return (self.command,)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The proxy asks the addresses that its names have now."""
        return with_proxy(snapshot, self.netns, self.pid, lambda proxy: replace(proxy, reloaded=True))


@dataclass(frozen=True, slots=True)
class SetUpstream(Change):
    """Another host and port for a server that a line of a proxy's configuration names.

    `path` is where the file is for the user who runs the command: `enter` is what runs a shell where that is, empty
    here. A configuration is a stranger's text: a host that is not plain is refused, since sed's script could run it.
    """

    netns: str
    pid: int
    at: ConfigPlace
    old: tuple[str, int]
    new: tuple[str, int]
    path: str
    enter: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for host, _ in (self.old, self.new):
            if not is_plain(host):
                raise ValueError(f"{host!r} is no host that a command may hold")

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a file is where it is
        """sed(1) on that line, written in place."""
        after = f"{self.new[0]}:{self.new[1]}"
        bare = self.old[0].replace(".", r"\.")
        pattern = rf"s#{bare}\(:{self.old[1]}\)\{{0,1\}}\([/;[:space:]]\|$\)#{after}\2#"
        path = quote(self.path)
        script = f"new=$(sed '{self.at.line}{pattern}' {path}) && printf '%s\\n' \"$new\" > {path}"
        return ((*self.enter, "sh", "-c", script),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The table with the other server."""
        return with_proxy(snapshot, self.netns, self.pid, lambda proxy: replace(proxy, table=self._table(proxy.table)))

    def _table(self, table: ProxyTable) -> ProxyTable:
        sites = tuple(self._site(site) for site in table.sites)
        if sites == table.sites:
            raise StaleChange(f"{self.at} names no server {self.old[0]}:{self.old[1]}")
        return replace(table, sites=sites)

    def _site(self, site: ProxySite) -> ProxySite:
        return replace(site, routes=tuple(self._route(route) for route in site.routes))

    def _route(self, route: ProxyRoute) -> ProxyRoute:
        return replace(route, upstreams=tuple(self._upstream(each) for each in route.upstreams))

    def _upstream(self, server: Upstream) -> Upstream:
        if server.at != self.at or (server.host, server.port) != self.old:
            return server
        return replace(server, host=self.new[0], port=self.new[1])


def is_plain(host: str) -> bool:
    """Whether a host is made of the characters of names and addresses alone."""
    return _PLAIN.fullmatch(host) is not None


def with_proxy(snapshot: Snapshot, netns: str, pid: int, change: Callable[[Proxy], Proxy]) -> Snapshot:
    """The snapshot with another proxy in the place of one. Raises StaleChange where none has that process."""
    if not any(each.netns == netns and pid in each.pids for each in snapshot.proxies):
        raise StaleChange(f"no proxy has the process {pid} in {netns}")
    proxies = tuple(change(each) if each.netns == netns and pid in each.pids else each for each in snapshot.proxies)
    return replace(snapshot, proxies=proxies)
