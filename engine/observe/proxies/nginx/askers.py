"""Who may ask an nginx location: `allow` and `deny`, `auth_basic`, `satisfy`, each inherited where a level has none.

Source: nginx.org/en/docs/http/ngx_http_access_module.html, ngx_http_auth_basic_module.html, ngx_http_core_module.html.
"""

from __future__ import annotations

from ipaddress import ip_network

from engine.model.address import IPNetwork
from engine.model.application.proxy import AccessRule, ConfigPlace, ProxyRoute
from engine.observe.proxies.nginx.syntax import Directive
from engine.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Askers:
    """Rules in order, where a password is asked for, whether there is a file of passwords, and whether one of both is
    enough."""

    rules: tuple[AccessRule, ...] = ()
    login: ConfigPlace | None = None
    known: bool = False
    either: bool = False

    def within(self, block: Directive) -> Askers:
        """The same with what a block says of it."""
        own = [each for each in block.block or () if each.name in ("allow", "deny")]
        found = replace(self, rules=tuple(_rule(each) for each in own if _is_one(each))) if own else self
        for each in block.block or ():
            if each.name == "auth_basic" and each.words:
                found = replace(found, login=None if each.words[0] == "off" else each.at)
            elif each.name == "auth_basic_user_file":
                found = replace(found, known=True)
            elif each.name == "satisfy":
                found = replace(found, either=each.words == ("any",))
        return found

    def of(self, route: ProxyRoute) -> ProxyRoute:
        """A route with them."""
        return replace(route, access=self.rules, login=self.login if self.known else None, either=self.either)


ANYBODY = Askers()


def _is_one(each: Directive) -> bool:
    """Whether a rule is about clients that have an address; `unix:` are others."""
    return bool(each.words) and (each.words[0] == "all" or _network(each.words[0]) is not None)


def _rule(each: Directive) -> AccessRule:
    return AccessRule(_network(each.words[0]), each.name == "allow", each.at)


def _network(word: str) -> IPNetwork | None:
    try:
        return ip_network(word, strict=False)
    except ValueError:
        return None
