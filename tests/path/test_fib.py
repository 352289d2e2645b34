"""Routing tables: which rule applies, which route is best, which next hop is usable."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from engine.model.address import Family
from engine.model.host import Netns
from engine.model.route import PolicyRule
from engine.path.lookup.fib import Fib, FlowKey, Found
from tests.hosts.build import Space, World


def space() -> Space:
    """Two cards with a default route each (the second one's worse), and table 100, which leads by the second."""
    made = World().space("host")
    made.link("a")
    made.link("b")
    made.address("a", "10.1.0.1/24").address("b", "10.2.0.1/24")
    made.route("default via 10.1.0.254 dev a").route("default via 10.2.0.254 dev b metric 100")
    made.route("default via 10.2.0.254 dev b table 100")
    return made


def found(netns: Netns, destination: str = "192.0.2.9", **key: Any) -> Found | PolicyRule | None:
    if "source" in key:
        key["source"] = ip_address(key["source"])
    return Fib(netns).lookup(FlowKey(ip_address(destination), **key))


def device(netns: Netns, destination: str = "192.0.2.9", **key: Any) -> str:
    """The device of the route that was found, or what was found instead."""
    result = found(netns, destination, **key)
    if not isinstance(result, Found):
        return "nothing" if result is None else f"rule {result.priority}"
    return netns.links_by_index[result.nexthops[0].link or 0].name if result.nexthops else result.route.kind


@pytest.mark.parametrize(
    ("selectors", "key"),
    [
        ({"source": "10.9.0.0/16"}, {"source": "10.9.1.1"}),
        ({"destination": "192.0.2.0/24"}, {}),
        ({"iif": "a"}, {"iif": "a"}),
        ({"iif": "lo"}, {}),
        ({"oif": "b"}, {"oif": 3}),
        ({"fwmark": 0x10}, {"mark": 0x10}),
        ({"fwmark": 0x10, "fwmask": 0xF0}, {"mark": 0x13}),
        ({"tos": 0x10}, {"tos": 0x10}),
        ({"ip_protocol": 6}, {"protocol": 6}),
        ({"sport": (1000, 2000)}, {"sport": 2000}),
        ({"dport": (80, 80)}, {"dport": 80}),
        ({"uid_range": (1000, 1999)}, {"uid": 1000}),
        ({"uid_range": (0, 0)}, {"uid": 0}),
        ({"uid_range": (0, 0)}, {"uid": -1}),
        ({"uid_range": (0, 0)}, {"iif": "a"}),
        ({"source": "10.9.0.0/16", "invert": True}, {"source": "10.8.1.1"}),
        ({"source": "0.0.0.0/0"}, {}),
    ],
)
def test_a_rule_applies_to_what_it_selects(selectors: dict[str, Any], key: dict[str, Any]) -> None:
    assert device(space().policy(50, 100, **selectors).finished(), **key) == "b"


@pytest.mark.parametrize(
    ("selectors", "key"),
    [
        ({"source": "10.9.0.0/16"}, {"source": "10.8.1.1"}),
        ({"source": "10.9.0.0/16"}, {}),
        ({"destination": "198.51.100.0/24"}, {}),
        ({"iif": "a"}, {"iif": "b"}),
        ({"iif": "lo"}, {"iif": "a"}),
        ({"oif": "b"}, {}),
        ({"fwmark": 0x10}, {"mark": 0x11}),
        ({"fwmark": 0x10}, {}),
        ({"tos": 0x10}, {}),
        ({"ip_protocol": 6}, {"protocol": 17}),
        ({"sport": (1000, 2000)}, {"sport": 2001}),
        ({"dport": (80, 80)}, {}),
        ({"uid_range": (1000, 1999)}, {"uid": 0}),
        ({"source": "10.9.0.0/16", "invert": True}, {"source": "10.9.1.1"}),
    ],
)
def test_a_rule_does_not_apply_to_anything_else(selectors: dict[str, Any], key: dict[str, Any]) -> None:
    assert device(space().policy(50, 100, **selectors).finished(), **key) == "a"


def test_the_rule_of_the_smaller_priority_comes_first() -> None:
    made = space().route("default via 10.1.0.254 dev a table 200")
    assert device(made.policy(60, 200).policy(50, 100).finished()) == "b"


def test_a_rule_whose_table_has_no_route_leads_to_the_next_one() -> None:
    assert device(space().policy(50, 77).finished()) == "a"


def test_own_addresses_come_before_every_rule() -> None:
    result = found(space().policy(50, 100).finished(), "10.1.0.1")
    assert isinstance(result, Found)
    assert result.route.kind == "local"


@pytest.mark.parametrize("action", ["unreachable", "prohibit", "blackhole"])
def test_a_refusing_rule_is_the_result_itself(action: str) -> None:
    assert device(space().policy(50, action=action).finished()) == "rule 50"


def test_nop_passes_on() -> None:
    assert device(space().policy(50, 100, action="nop").finished()) == "a"


def test_goto_skips_what_is_between() -> None:
    made = space().policy(50, action="goto", goto=70).policy(60, action="unreachable").policy(70, 100)
    assert device(made.finished()) == "b"


def test_a_goto_to_a_rule_that_is_not_there_is_passed_over() -> None:
    made = space().policy(50, action="goto", goto=65).policy(60, 100).policy(70, action="unreachable")
    assert device(made.finished()) == "b"


@pytest.mark.parametrize(("longest", "leads_by"), [(0, "b"), (24, "b"), (None, "a")])
def test_suppress_prefixlength_throws_short_prefixes_away(longest: int | None, leads_by: str) -> None:
    made = space().policy(40, "main", suppress_prefixlength=longest).policy(50, 100)
    assert device(made.finished()) == leads_by


def test_suppress_prefixlength_keeps_longer_prefixes() -> None:
    made = space().route("192.0.2.0/25 via 10.1.0.254 dev a")
    assert device(made.policy(40, "main", suppress_prefixlength=24).policy(50, 100).finished()) == "a"


def test_a_refusing_route_is_not_suppressed() -> None:
    made = World().space("host").route("unreachable default")
    made.link("b")
    made.address("b", "10.2.0.1/24").route("default via 10.2.0.254 dev b table 100")
    made.policy(40, "main", suppress_prefixlength=0).policy(50, 100)
    assert device(made.finished()) == "unreachable"


def test_the_longest_prefix_wins_whatever_its_metric() -> None:
    assert device(space().route("192.0.2.0/24 via 10.2.0.254 dev b metric 5000").finished()) == "b"


def test_among_equal_prefixes_the_smallest_metric_wins() -> None:
    made = (
        space()
        .route("192.0.2.0/24 via 10.1.0.254 dev a metric 20")
        .route("192.0.2.0/24 via 10.2.0.254 dev b metric 10")
    )
    assert device(made.finished()) == "b"


def test_a_route_with_a_tos_is_for_packets_with_that_tos() -> None:
    netns = space().route("192.0.2.0/24 via 10.2.0.254 dev b tos 16").finished()
    assert (device(netns, tos=16), device(netns)) == ("b", "a")


def test_throw_ends_the_table_and_not_the_lookup() -> None:
    made = space().policy(50, 100).route("throw 192.0.2.0/24 table 100")
    assert device(made.finished()) == "a"
    assert device(made.finished(), "198.51.100.1") == "b"


@pytest.mark.parametrize("kind", ["unreachable", "prohibit", "blackhole"])
def test_a_route_without_next_hops_is_found(kind: str) -> None:
    assert device(space().route(f"{kind} 192.0.2.0/24").finished()) == kind


def test_a_dead_next_hop_is_not_used() -> None:
    made = space().route("192.0.2.0/24 via 10.2.0.254 dev b", flags=frozenset({"dead", "linkdown"}))
    assert device(made.finished()) == "a"


def test_a_linkdown_next_hop_is_used_unless_the_device_says_otherwise() -> None:
    made = space().route("192.0.2.0/24 via 10.2.0.254 dev b", flags=frozenset({"linkdown"}))
    assert device(made.finished()) == "b"
    assert device(made.sysctl("net.ipv4.conf.b.ignore_routes_with_linkdown", 1).finished()) == "a"


def test_ipv6_has_a_switch_of_its_own_for_linkdown_routes() -> None:
    made = space().address("a", "fd01::1/64").address("b", "fd02::1/64")
    made.route("default via fd01::9 dev a metric 20").sysctl("net.ipv4.conf.b.ignore_routes_with_linkdown", 1)
    made.route("default via fd02::9 dev b metric 10", flags=frozenset({"linkdown"}))
    assert device(made.finished(), "fd99::1") == "b"
    assert device(made.sysctl("net.ipv6.conf.b.ignore_routes_with_linkdown", 1).finished(), "fd99::1") == "a"


def test_a_namespace_without_rules_uses_the_kernels_own() -> None:
    netns = space().finished()
    bare = type(netns)("host", links=netns.links, routes=netns.routes)
    assert device(bare) == "a"
    assert [rule.priority for rule in Fib(bare).rules(Family.INET6)] == [0, 32766]


def test_the_rules_of_one_family_are_not_asked_for_the_other() -> None:
    made = space().address("a", "fd01::1/64").route("default via fd01::9 dev a")
    made.policy(50, action="unreachable", family=Family.INET6)
    assert (device(made.finished()), device(made.finished(), "fd99::1")) == ("a", "rule 50")


def test_no_route_is_none() -> None:
    assert found(World().space("host").finished()) is None


def test_a_gateway_of_ipv6_that_failed_is_the_last_resort_of_a_host() -> None:
    made = World().space("host")
    made.link("a")
    made.address("a", "fd01::1/64").route("fd02::9 via fd01::9 dev a").route("fd02::/64 dev a")
    made.neighbour("a", "fd01::9", None, "failed")

    def gateway(destination: str = "fd02::9") -> str:
        result = found(made.finished(), destination)
        assert isinstance(result, Found)
        return str(result.nexthops[0].gateway)

    assert gateway() == "None"
    made.route("fd03::9 via fd01::9 dev a")
    assert gateway("fd03::9") == "fd01::9"
    made.sysctl("net.ipv6.conf.all.forwarding", 1)
    assert gateway() == "fd01::9"
