"""A client that nginx turns away, let in by a rule before the one that does, written by sed(1)."""

from __future__ import annotations

from ipaddress import ip_network
from shlex import quote

from engine.change.application.proxy import with_proxy
from engine.model.address import IPAddress
from engine.model.application.proxy import AccessRule, ConfigPlace, ProxyRoute, ProxyTable
from engine.model.host import Snapshot
from engine.model.plan import Change, StaleChange
from engine.model.where import Argvs, Where
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class LetIn(Change):
    """Writes `allow CLIENT;` before the `deny` on a line of a proxy's configuration.

    `path` is where the file is for the user who runs the command, `enter` is what runs a shell where that is, empty
    here, as in `SetUpstream`.
    """

    netns: str
    pid: int
    at: ConfigPlace
    client: IPAddress
    path: str
    enter: tuple[str, ...] = ()

    def argv(self, where: Where) -> Argvs:  # noqa: ARG002 - a file is where it is
        """sed(1) on that line, written in place."""
        path, word = quote(self.path), r"\(^\|[;{[:space:]]\)deny\([[:space:]]\)"
        pattern = rf"{self.at.line}s#{word}#\1allow {self.client}; deny\2#"
        script = f"new=$(sed '{pattern}' {path}) && printf '%s\\n' \"$new\" > {path}"
        return ((*self.enter, "sh", "-c", script),)

    def applied(self, snapshot: Snapshot) -> Snapshot:
        """The table with the rule, wherever the line counts."""
        return with_proxy(snapshot, self.netns, self.pid, lambda proxy: replace(proxy, table=self._table(proxy.table)))

    def _table(self, table: ProxyTable) -> ProxyTable:
        sites = tuple(replace(site, routes=tuple(self._route(route) for route in site.routes)) for site in table.sites)
        if sites == table.sites:
            raise StaleChange(f"{self.at} has no deny rule")
        return replace(table, sites=sites)

    def _route(self, route: ProxyRoute) -> ProxyRoute:
        first = next((n for n, each in enumerate(route.access) if each.at == self.at and not each.allows), None)
        if first is None:
            return route
        rule = AccessRule(ip_network(self.client), True, self.at)
        return replace(route, access=(*route.access[:first], rule, *route.access[first:]))
