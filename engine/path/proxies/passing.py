"""What a proxy does with a request: its site, its route, its own connection, and the status that comes of it.

1. A request by TLS to a plain door, or the other way round, gets no further.
2. Servers are tried one after the other until one answers, spare ones last. A health check takes out those that do not
   answer, so that there is none left to ask.
3. nginx looked names up when it read its configuration. A name that has another address since, or none, is asked at the
   old one until nginx reads it again: tracked flows of its namespace tell which that is.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, ip_address

from engine.model.address import IPAddress
from engine.model.application.naming import NameConfig
from engine.model.application.proxy import (
    CIRCLE,
    FILES,
    Action,
    ConfigPlace,
    HttpAnswer,
    PathMatch,
    Proxy,
    ProxyKind,
    ProxyRoute,
    ProxySite,
    ResolvedWhen,
    Upstream,
)
from engine.model.host import Netns
from engine.model.packet import Protocol
from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation, Symptom
from engine.model.verdict import Question, Source, Url
from engine.path.naming.lookup import config_of, look_up
from engine.path.naming.servers import NameAsker
from engine.path.proxies.choosing import Chosen, choose
from engine.path.proxies.statuses import UpstreamEnd, end_of, status_for
from engine.path.world import World
from engine.records import dataclass, replace

UNSPECIFIED = IPv4Address(0)
#: So many names of a certificate are shown.
MOST_NAMES = 6
#: So many servers of a route are tried.
MOST_SERVERS = 8
#: The status of a plain request at a door that speaks TLS. HAProxy closes the connection.
_PLAIN_AT_TLS = {ProxyKind.HAPROXY: 0}


@dataclass(frozen=True, slots=True)
class Passing:
    """A request at a proxy. `ask` walks a question."""

    world: World
    proxy: Proxy
    url: Url
    ask: Callable[[Question], Conversation]

    def answer(self, address: IPAddress, port: int) -> tuple[HttpAnswer, Conversation | None]:
        """What the client is answered that came in at that address and port, and the proxy's own conversation."""
        if self._here in self.url.via:
            at = self.proxy.table.sites[0].at if self.proxy.table.sites else ConfigPlace()
            plain = self._plain(_IN_A_CIRCLE.get(self.proxy.kind, 0), at)
            return replace(plain, served=False, reason="HTTP_REDIRECT_LOOP", words=CIRCLE), None
        chosen = choose(self.proxy, address, port, self._host, self.url.path)
        if chosen is None:
            return self._no_site(port), None
        if chosen.door.tls is not self.url.tls:
            return self._wrong_speech(chosen), None
        refused = self._certificate(chosen) if self.url.tls else None
        if refused is not None:
            return refused, None
        if chosen.route is None:
            plain = self._plain(404 if self.proxy.kind is not ProxyKind.CADDY else 200, chosen.site.at)
            return replace(plain, served=False, reason="HTTP_NO_ROUTE_FOR_PATH"), None
        return self._routed(chosen, chosen.route)

    @property
    def _here(self) -> str:
        """The proxy and what it is asked for."""
        return f"{self.proxy.kind} {self.proxy.pids[:1]} {self.url.host}{self.url.path}"

    @property
    def _host(self) -> str:
        """The Host that sites are chosen by: HAProxy compares it with the port that the client writes behind it."""
        usual = self.url.port == (443 if self.url.tls else 80)
        return (
            self.url.host if usual or self.proxy.kind is not ProxyKind.HAPROXY else f"{self.url.host}:{self.url.port}"
        )

    def _plain(self, status: int, at: ConfigPlace) -> HttpAnswer:
        return HttpAnswer(str(self.url), status, str(self.proxy.kind), self.proxy.netns, self._ref(at))

    def _ref(self, at: ConfigPlace) -> Ref | None:
        return Ref(RefKind.FILE, self.proxy.netns, (at.file, at.line), str(at)) if at.file else None

    def _no_site(self, port: int) -> HttpAnswer:
        """No site of the door has the Host's name, and none takes every other one."""
        tables = [site for site in self.proxy.table.sites if any(door.port == port for door in site.doors)]
        if not tables:
            why = self.proxy.table.unread or f"no site of its configuration is at port {port}"
            return replace(self._plain(0, ConfigPlace()), reason="INFO_DEPENDS", served=False, words=why)
        statuses = {ProxyKind.CADDY: 200, ProxyKind.HAPROXY: 503}
        plain = self._plain(statuses.get(self.proxy.kind, 404), tables[0].at)
        return replace(plain, served=False, reason="HTTP_NO_SERVER_FOR_HOST")

    def _wrong_speech(self, chosen: Chosen) -> HttpAnswer:
        if self.url.tls:
            return replace(self._plain(0, chosen.door.at), served=False, reason="HTTP_TLS_TO_PLAIN")
        status = _PLAIN_AT_TLS.get(self.proxy.kind, 400)
        return replace(self._plain(status, chosen.door.at), served=False, reason="HTTP_PLAIN_TO_TLS")

    def _certificate(self, chosen: Chosen) -> HttpAnswer | None:
        """Why a client that verifies the certificate ends the connection; None where it need not, or none was read."""
        shown = chosen.site.certificate
        if shown is None:
            return None
        ended = replace(self._plain(0, shown.at), served=False)
        now = self.world.now
        if now is not None and shown.until and shown.until < now:
            return replace(ended, reason="TLS_EXPIRED", words=date_of(shown.until))
        if not shown.is_for(self.url.host):
            return replace(ended, reason="TLS_NAME_MISMATCH", words=", ".join(shown.names[:MOST_NAMES]) or "none")
        return None

    def _routed(self, chosen: Chosen, route: ProxyRoute) -> tuple[HttpAnswer, Conversation | None]:
        plain = self._plain(route.status, route.at)
        if route.action is Action.UNKNOWN:
            return replace(plain, status=0, served=False, reason="INFO_DEPENDS", words=route.words), None
        if route.action is Action.REFUSE:
            return replace(plain, served=False, reason="HTTP_ACCESS_DENIED", words=route.words), None
        if route.action is Action.PASS:
            if chosen.moved:  # where a rewrite has made the path, proxy_pass sends that as it is
                route = replace(route, onto=None)
            return self._passed(route, chosen.path)
        if route.action is Action.REDIRECT:
            loops = _same(self.url, route.location)
            return replace(
                plain, served=not loops, reason="HTTP_REDIRECT_LOOP" if loops else "", words=route.location
            ), None
        others = any(site is not chosen.site for site in self.proxy.table.sites if _shares(site, chosen))
        if not chosen.named and others:
            return replace(plain, served=False, reason="HTTP_NO_SERVER_FOR_HOST"), None
        if route.status >= 400:
            words = route.words if route.words != FILES else ""
            return replace(plain, served=False, reason="HTTP_NO_ROUTE_FOR_PATH", words=words), None
        return plain, None

    def _passed(self, route: ProxyRoute, path: str) -> tuple[HttpAnswer, Conversation | None]:
        """The servers of a route, one after the other, each asked for what the route makes of a path."""
        asked = path_for(route, path)
        plain = self._plain(200, route.at)
        servers = sorted((each for each in route.upstreams if not each.off), key=lambda each: each.spare)
        found: tuple[HttpAnswer, Conversation | None] = (
            replace(
                plain,
                status=status_for(self.proxy.kind, UpstreamEnd.NONE_LEFT),
                served=False,
                reason="HTTP_UPSTREAM_UNHEALTHY",
            ),
            None,
        )
        for server in servers[:MOST_SERVERS]:
            talk = self._connects(route, server, asked)
            used = talk.name.used if talk.name is not None else None
            address = used or _address(server.host)
            plain = replace(plain, upstream=server, address=address, at=self._ref(server.at) or plain.at)
            if talk.works:
                return plain, talk
            found = self._failed(plain, server, talk), talk
        return found

    def _failed(self, plain: HttpAnswer, server: Upstream, talk: Conversation) -> HttpAnswer:
        end = end_of(talk.symptom)
        down = server.checked and end is not UpstreamEnd.SILENT
        status = status_for(self.proxy.kind, UpstreamEnd.NONE_LEFT if down else end)
        if talk.http is not None and talk.symptom is Symptom.CONNECTED:
            return replace(plain, status=talk.http.status, served=False, reason=talk.http.reason)
        reason = "HTTP_UPSTREAM_UNHEALTHY" if down else _REASONS.get(end, "HTTP_UPSTREAM_REFUSED")
        return replace(plain, status=status, served=False, reason=reason)

    def _connects(self, route: ProxyRoute, server: Upstream, path: str) -> Conversation:
        """The proxy's own connection to a server, which is asked for a path."""
        source = Source(self.proxy.netns)
        scheme = "https" if server.tls else "http"
        via = (*self.url.via, self._here)
        url = Url(scheme, route.host or self.url.host, server.port, path, via)
        address = _address(server.host)
        if address is not None:
            return self.ask(Question(source, address, server.port, url=url))
        asked = Question(source, UNSPECIFIED, server.port, name=server.host, url=url)
        if route.when is ResolvedWhen.START:
            return self._as_looked_up(asked)
        config = config_of(self.world.snapshot, source)
        own = tuple(
            found for each in route.resolvers if (found := _address(each.rpartition(":")[0] or each)) is not None
        )
        if config is None or not own:
            return self.ask(asked)
        return self._by_own_resolver(asked, replace(config, servers=own, sources=("dns",), search=()))

    def _by_own_resolver(self, asked: Question, config: NameConfig) -> Conversation:
        """A proxy that looks names up at servers of its own, without hosts file and search list."""
        lookup = look_up(NameAsker(self.world, config, self.ask), asked.source, asked.name)
        if not lookup.addresses:
            return replace(self.ask(replace(asked, name=f"{asked.name}.")), name=lookup, symptom=Symptom.NAME_NOT_FOUND)
        talk = self.ask(replace(asked, address=lookup.addresses[0], name=""))
        return replace(talk, name=replace(lookup, used=lookup.addresses[0]))

    def _as_looked_up(self, asked: Question) -> Conversation:
        """A name that was looked up when the proxy read its configuration."""
        talk = self.ask(asked)
        now = talk.name.addresses if talk.name is not None else ()
        old = _asked_lately(self.world.netns(self.proxy.netns), asked.port)
        if self.proxy.reloaded or old is None or old in now or old in self._of_others(asked):
            return talk
        stale = self.ask(replace(asked, address=old, name=""))
        return replace(stale, name=replace(talk.name, used=old) if talk.name is not None else None)

    def _of_others(self, asked: Question) -> set[IPAddress]:
        """The addresses of the proxy's other servers at that port: a flow to one of them tells nothing of this name."""
        servers = (each for site in self.proxy.table.sites for route in site.routes for each in route.upstreams)
        hosts = dict.fromkeys(each.host for each in servers if each.port == asked.port and each.host != asked.name)
        config = config_of(self.world.snapshot, asked.source)
        found: set[IPAddress] = set()
        for host in list(hosts)[:MOST_SERVERS]:
            address = _address(host)
            if address is not None:
                found.add(address)
            elif config is not None:
                found.update(look_up(NameAsker(self.world, config, self.ask), asked.source, host).addresses)
        return found


def path_for(route: ProxyRoute, path: str) -> str:
    """The path that a server is asked for."""
    if route.onto is None or route.match is PathMatch.REGEX:
        return path
    found = route.onto + path[len(route.pattern) :]
    return found if found.startswith("/") else f"/{found}"


#: What a proxy answers that passes a request on to itself: it runs out of connections, or of time. Measured.
_IN_A_CIRCLE = {ProxyKind.NGINX: 502, ProxyKind.HAPROXY: 504, ProxyKind.APACHE: 502}
_REASONS = {
    UpstreamEnd.TIMEOUT: "HTTP_UPSTREAM_TIMEOUT",
    UpstreamEnd.SILENT: "HTTP_UPSTREAM_TIMEOUT",
    UpstreamEnd.NO_TLS: "HTTP_TLS_TO_PLAIN",
}


def date_of(seconds: int) -> str:
    """A day, from seconds since 1970."""
    from datetime import UTC, datetime  # noqa: PLC0415 - few certificates have expired

    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _asked_lately(netns: Netns, port: int) -> IPAddress | None:
    """The one address that tracked flows of a namespace lead to at that port; None where they tell of none or more."""
    own = netns.addresses_by_value
    flows = (
        each
        for each in netns.conntrack
        if each.protocol is Protocol.TCP and each.original.dport == port and each.original.src in own
    )
    found = {each.original.dst for each in flows}
    return next(iter(found)) if len(found) == 1 else None


def _shares(site: ProxySite, chosen: Chosen) -> bool:
    doors = {(each.address, each.port) for each in chosen.site.doors}
    return any((each.address, each.port) in doors for each in site.doors)


def _same(url: Url, location: str) -> bool:
    """Whether a redirect leads to where it was asked."""
    target = location.replace("$host", url.host).replace("$http_host", url.host).replace("$request_uri", url.path)
    target = target.replace("$server_name", url.host).replace("$uri", url.path)
    return target.rstrip("/") == str(url).rstrip("/")


def _address(text: str) -> IPAddress | None:
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        return None
