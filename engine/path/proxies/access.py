"""Who may ask: what a proxy does for one client, by its address, and whether a password is asked for.

HAProxy's rules that ask for clients (`src`) are there for these alone. Of nginx, the rules of the innermost level that
has any count, the first that has the address decides, and no rule lets in. All who are let in give a password where one
is asked for; by `satisfy any` one of both is enough.
Source: ngx_http_access_module.c, ngx_http_auth_basic_module.c, ngx_http_core_module.c (ngx_http_core_access_phase).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.application.proxy import (
    FILES,
    AccessRule,
    Action,
    ClientTest,
    ConfigPlace,
    Proxy,
    ProxyRoute,
    ProxySite,
)
from engine.records import replace

#: The statuses of one who may not ask, and of one who has not said who he is.
FORBIDDEN, UNAUTHORIZED = 403, 401


def as_asked_by(proxy: Proxy, client: IPAddress) -> Proxy:
    """The proxy as one client finds it: without what is for others, and with answers that turn it away in the place of
    what is done for others."""
    sites = proxy.table.sites
    if not any(site.clients or any(route.access or route.login for route in site.routes) for site in sites):
        return proxy
    mine = (site for site in sites if all(_is_true(test, client) for test in site.clients))
    return replace(proxy, table=replace(proxy.table, sites=tuple(_site(site, client) for site in mine)))


def _is_true(test: ClientTest, client: IPAddress) -> bool:
    return any(client in network for network in test.networks) is test.holds


def _site(site: ProxySite, client: IPAddress) -> ProxySite:
    return replace(site, routes=tuple(_for_client(route, client, chosen=bool(site.clients)) for route in site.routes))


def _for_client(route: ProxyRoute, client: IPAddress, *, chosen: bool) -> ProxyRoute:
    """What a route does for a client; `chosen` says that it is for some clients alone."""
    turned_away = route.action is Action.ANSWER and route.status in (FORBIDDEN, UNAUTHORIZED)
    if chosen and (turned_away or route.action is Action.REFUSE):
        return _turning_away(route, route.status, f"denies {client}", route.at)
    if not (route.access or route.login) or is_decided(route):
        return route
    rule = next((each for each in route.access if _is_for(each, client)), None)
    let_in, denied = rule is not None and rule.allows, rule is not None and not rule.allows
    if route.login is not None and not (route.either and let_in) and (route.either or not denied):
        return _turning_away(route, UNAUTHORIZED, "asks for a user and a password", route.login)
    return _turning_away(route, FORBIDDEN, f"denies {client}", rule.at) if rule is not None and denied else route


def _turning_away(route: ProxyRoute, status: int, words: str, at: ConfigPlace) -> ProxyRoute:
    return replace(route, action=Action.REFUSE, status=status, words=words, at=at, tries=())


def _is_for(rule: AccessRule, client: IPAddress) -> bool:
    return rule.network is None or client in rule.network


def is_decided(route: ProxyRoute) -> bool:
    """Whether a `return` has ended the request before a path, or a client, counts."""
    return route.action is Action.REDIRECT or (route.action is Action.ANSWER and route.words != FILES)
