"""Who may ask nginx: rules by the client's address, and a password, before a location passes a request on.

The rules of the innermost level that has any count, the first that has the address decides, and no rule lets in. All
who are let in give a password where one is asked for; by `satisfy any` one of both is enough.
Source: ngx_http_access_module.c, ngx_http_auth_basic_module.c, ngx_http_core_module.c (ngx_http_core_access_phase).
"""

from __future__ import annotations

from engine.model.address import IPAddress
from engine.model.application.proxy import FILES, AccessRule, Action, ConfigPlace, Proxy, ProxyRoute
from engine.records import replace

#: The statuses of one who may not ask, and of one who has not said who he is.
FORBIDDEN, UNAUTHORIZED = 403, 401


def as_asked_by(proxy: Proxy, client: IPAddress) -> Proxy:
    """The proxy as one client finds it: locations that turn that one away do so instead of what they do for others."""
    if not any(route.access or route.login for site in proxy.table.sites for route in site.routes):
        return proxy
    sites = tuple(
        replace(site, routes=tuple(_for_client(route, client) for route in site.routes)) for site in proxy.table.sites
    )
    return replace(proxy, table=replace(proxy.table, sites=sites))


def _for_client(route: ProxyRoute, client: IPAddress) -> ProxyRoute:
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
