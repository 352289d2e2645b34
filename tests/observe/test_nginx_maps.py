"""What nginx's maps give for a name, a scheme, and another map's value."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.model.application.proxy import Action, Proxy, ProxyKind
from engine.path.proxies.choosing import choose
from tests.hosts.named import table

BY_HOST = "map $host $to { default one; B.test two; ~^c\\. three; }"
BY_NAMES = "map $host $to { hostnames; default one; *.b.test two; *.x.b.test four; .d.test three; }"
CHAINED = "map $host $key { default x; b.test y; } map $key $to { x one; y two; }"
OF_PATH = "map $uri $to { default one; /x two; }"


@pytest.mark.parametrize(
    ("maps", "names", "host", "found"),
    [
        (BY_HOST, "a.test b.test c.test", "a.test", "one"),
        (BY_HOST, "a.test b.test c.test", "b.test", "two"),
        (BY_HOST, "a.test b.test c.test", "c.test", "three"),
        (BY_HOST, "_", "b.test", "two"),
        (BY_HOST, "_", "other.test", ""),  # an expression of the map may fit it
        (CHAINED, "_", "b.test", "two"),
        (CHAINED, "_", "other.test", "one"),
        (BY_NAMES, "a.b.test a.x.b.test d.test", "a.b.test", "two"),
        (BY_NAMES, "a.b.test a.x.b.test d.test", "a.x.b.test", "four"),
        (BY_NAMES, "a.b.test a.x.b.test d.test", "d.test", "three"),
        (OF_PATH, "_", "any.test", ""),
    ],
)
def test_a_server_is_chosen_by_a_map(maps: str, names: str, host: str, found: str) -> None:
    site = f"{maps} server {{ listen 80; server_name {names}; location / {{ proxy_pass http://$to:80; }} }}"
    chosen = choose(Proxy(ProxyKind.NGINX, "web", (1,), table(site)), ip_address("10.0.0.1"), 80, host, "/")
    assert chosen is not None
    assert chosen.route is not None
    assert (chosen.route.action is Action.UNKNOWN) is (not found)
    assert [each.host for each in chosen.route.upstreams] == ([found] if found else [])
