"""Which of its addresses an IPv6 sender takes (RFC 6724, section 5)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.path.ip.routing import route_output
from engine.path.lookup.route_decision import RouteDecision
from engine.path.lookup.source_address6 import source_address6
from tests.hosts.build import World
from tests.path.journeys import journey, packet

TWO_DEVICES = (
    ("a", "fe80::a/64", ()),
    ("a", "fd01::2/64", ()),
    ("a", "2001:db8:1::2/64", ()),
    ("b", "fe80::b/64", ()),
    ("b", "fd09::2/64", ()),
    ("lo", "::1/128", ()),
)


def chosen(towards: str, device: str, *given: tuple[str, str, tuple[str, ...]]) -> str:
    host = World().space("host")
    for name in ("a", "b"):
        host.link(name)
    for link, address, flags in given or TWO_DEVICES:
        host.address(link, address, flags=frozenset(flags))
    netns = host.world.snapshot("host").by_id["host"]
    return str(source_address6(netns, netns.links_by_name[device], ip_address(towards)))


@pytest.mark.parametrize(
    ("towards", "device", "source"),
    [
        ("fd09::2", "a", "fd09::2"),  # 1: the destination itself
        ("fe80::7", "b", "fe80::b"),  # of the device alone, where the destination is the link's
        ("2001:db8:7::1", "a", "2001:db8:1::2"),  # 6: the label of the prefix
        ("fd77::1", "a", "fd01::2"),
        ("2001:db8:7::1", "b", "fd09::2"),  # 5: the device comes before the label
        ("fd09::7", "a", "fd01::2"),  # and before the common prefix
        ("::1", "lo", "::1"),
    ],
)
def test_scope_device_label_and_prefix(towards: str, device: str, source: str) -> None:
    assert chosen(towards, device) == source


def test_the_longest_common_prefix_decides_last_and_no_further_than_the_subnet() -> None:
    given = (("a", "fd01::2/64", ()), ("a", "fd01:0:0:4::2/64", ()))
    assert chosen("fd01:0:0:5::1", "a", *given) == "fd01:0:0:4::2"
    assert chosen("fd01::ffff", "a", ("a", "fd01::8000/64", ()), ("a", "fd01::ffef/64", ())) == "fd01::8000"


@pytest.mark.parametrize("flag", ["deprecated", "tentative", "dadfailed"])
def test_an_address_that_is_not_in_order_is_not_taken_where_there_is_another(flag: str) -> None:
    assert chosen("fd01::1", "a", ("a", "fd01::2/64", (flag,)), ("a", "fd02::2/64", ())) == "fd02::2"


def test_a_deprecated_address_is_better_than_one_of_a_narrow_scope_and_a_tentative_one_is_no_choice() -> None:
    assert chosen("fd01::1", "a", ("a", "fe80::2/64", ()), ("a", "fd01::2/64", ("deprecated",))) == "fd01::2"
    assert chosen("fd01::1", "a", ("a", "fd01::2/64", ("tentative",))) == "::1"
    assert chosen("fd01::1", "a", ("a", "fd01::2/64", ("tentative", "optimistic"))) == "fd01::2"


def test_the_answer_says_that_temporary_addresses_are_not_counted_on() -> None:
    world = World()
    host = world.space("host")
    host.link("a")
    host.address("a", "fd01::3/64", flags=frozenset({"temporary"}))
    host.address("a", "fd01::2/64").route("fd01::/64 dev a")
    made = journey(world.snapshot("host"), "host", packet("::", "fd01::7"))
    way = route_output(made, made.packet)
    assert isinstance(way, RouteDecision)
    assert (str(way.source), [each.code for each in made.assumptions]) == ("fd01::2", ["ASSUME_SOURCE_ADDRESS"])
