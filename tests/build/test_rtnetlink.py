"""Addresses and routes in the words that the netlink library takes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest

from engine.build.rtnetlink import SCOPES, address_words, route_words
from engine.model.link import Address
from engine.model.route import NextHop, Route

NET = ip_network("10.8.0.0/16")
GATEWAY = NextHop(2, IPv4Address("10.9.0.1"))


@pytest.mark.parametrize(
    ("route", "verb", "scope"),
    [
        (Route(NET, nexthops=(GATEWAY,)), "add", "global"),
        (Route(NET, nexthops=(NextHop(2),)), "add", "link"),
        (Route(NET, nexthops=(NextHop(2),)), "del", "nowhere"),
        (Route(NET, kind="local", nexthops=(NextHop(1),)), "add", "host"),
        (Route(NET, kind="blackhole"), "add", "global"),
        (Route(NET, scope="host", nexthops=(NextHop(1),)), "del", "host"),
        (Route(ip_network("fd00::/64"), nexthops=(NextHop(2),)), "add", "global"),
    ],
)
def test_a_route_gets_the_scope_that_ip_would_give_it(route: Route, verb: str, scope: str) -> None:
    assert route_words(route, verb)["scope"] == SCOPES[scope]


def test_a_route_says_no_more_than_it_must() -> None:
    assert route_words(Route(ip_network("0.0.0.0/0"), nexthops=(GATEWAY,)), "add") == {
        "dst": "default",
        "table": 254,
        "type": "unicast",
        "scope": 0,
        "proto": "boot",
        "gateway": "10.9.0.1",
        "oif": 2,
    }


def test_several_next_hops_have_their_weights_from_zero() -> None:
    route = Route(NET, nexthops=(GATEWAY, NextHop(3, IPv4Address("10.9.0.2"), weight=4, flags=frozenset({"onlink"}))))
    assert route_words(route, "add")["multipath"] == [
        {"gateway": "10.9.0.1", "oif": 2, "hops": 0},
        {"gateway": "10.9.0.2", "oif": 3, "hops": 3, "flags": 4},
    ]


def test_an_address_with_a_peer_names_both_ends() -> None:
    address = Address(0, IPv4Address("10.0.0.1"), 32, peer=IPv4Address("10.0.0.2"))
    words = {"address": "10.0.0.2", "local": "10.0.0.1", "prefixlen": 32, "scope": 0}
    assert address_words(address) == words
    assert address_words(Address(0, IPv6Address("fe80::1"), 64, scope="link"))["scope"] == 253
