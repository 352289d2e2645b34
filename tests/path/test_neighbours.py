"""Who answers an address question."""

from __future__ import annotations

import pytest

from engine.model.trace import Symptom
from tests.hosts.stock import one_bridge, three_in_line
from tests.path.bridging import RIGHT, ask, asked


def test_whoever_has_the_address_answers() -> None:
    world = one_bridge()
    assert asked(world).mac == world["right"].links["eth0"].mac


def test_an_address_of_another_device_is_answered_for_as_well() -> None:
    world = one_bridge()
    world["right"].address("lo", "10.3.0.77/32")
    assert asked(world, "10.3.0.77").mac == world["right"].links["eth0"].mac


@pytest.mark.parametrize("name", ["all", "eth0"])
@pytest.mark.parametrize(
    ("mode", "on_device", "elsewhere"), [(0, True, True), (1, True, False), (2, True, False), (8, False, False)]
)
def test_arp_ignore(name: str, mode: int, on_device: bool, elsewhere: bool) -> None:
    world = one_bridge()
    world["right"].address("lo", "10.3.0.77/32").sysctl(f"net.ipv4.conf.{name}.arp_ignore", mode)
    assert bool(asked(world).mac) is on_device
    assert bool(asked(world, "10.3.0.77").mac) is elsewhere


def test_who_does_not_believe_the_asker_does_not_answer() -> None:
    world = one_bridge()
    world["right"].sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    assert asked(world).mac is not None
    world["right"].link("other")
    world["right"].route("10.3.0.1/32 dev other")
    assert asked(world).mac is None


PROXY = "10.2.0.2"


@pytest.mark.parametrize(
    ("forwards_packets", "proxy_arp", "entry", "answers"),
    [(1, 1, False, True), (0, 1, False, False), (1, 0, False, False), (1, 0, True, True), (0, 0, True, False)],
)
def test_a_router_answers_for_what_it_routes_elsewhere(
    forwards_packets: int, proxy_arp: int, entry: bool, answers: bool
) -> None:
    world = three_in_line()
    router = world["router"].sysctl("net.ipv4.ip_forward", forwards_packets)
    router.sysctl("net.ipv4.conf.left.proxy_arp", proxy_arp)
    if entry:
        router.neighbour("left", PROXY, None, proxy=True)
    assert bool(asked(world, PROXY, "client", source="10.1.0.2").mac) is answers


@pytest.mark.parametrize("words", ["10.2.0.2/32 via 10.1.0.2 dev left", "unreachable 10.2.0.2/32"])
def test_a_router_does_not_answer_for_what_is_on_the_same_side_or_unreachable(words: str) -> None:
    world = three_in_line()
    world["router"].sysctl("net.ipv4.conf.all.proxy_arp", 1).route(words)
    assert asked(world, PROXY, "client", source="10.1.0.2").mac is None


@pytest.mark.parametrize(("proxy_ndp", "entry", "answers"), [(1, True, True), (0, True, False), (1, False, False)])
def test_ipv6_answers_for_others_only_by_entries(proxy_ndp: int, entry: bool, answers: bool) -> None:
    world = three_in_line()
    router = world["router"].sysctl("net.ipv6.conf.left.proxy_ndp", proxy_ndp)
    router.sysctl("net.ipv4.conf.all.proxy_arp", 1)
    if entry:
        router.neighbour("left", "fd02::2", None, proxy=True)
    assert bool(asked(world, "fd02::2", "client", source="fd01::2").mac) is answers


def test_ipv6_answers_only_for_addresses_of_the_device() -> None:
    world = three_in_line()
    assert asked(world, "fd01::1", "client", source="fd01::2").mac is not None
    assert asked(world, "fd02::1", "client", source="fd01::2").mac is None


@pytest.mark.parametrize(
    ("state", "used"),
    [("permanent", True), ("stale", True), ("reachable", True), ("failed", False), ("incomplete", False)],
)
def test_an_entry_is_used_while_it_is_valid(state: str, used: bool) -> None:
    world = one_bridge()
    world["left"].neighbour("eth0", RIGHT, "02:00:00:00:77:77", state)
    assert (asked(world).mac == "02:00:00:00:77:77") is used


def test_an_address_that_nobody_has_is_said_to_be_that() -> None:
    assert asked(one_bridge(), "10.3.0.9").text == "no neighbour on eth0 answers for 10.3.0.9"


def test_who_has_the_address_and_is_not_heard_is_named() -> None:
    world = one_bridge()
    world["sw"].plug("right0", "br0", state="blocking")
    assert "right has it, but does not get the request" in asked(world).text
    world = one_bridge()
    world["right"].sysctl("net.ipv4.conf.all.arp_ignore", 8)
    assert "right has it, but does not answer" in asked(world).text


def test_what_is_beyond_a_network_card_may_answer() -> None:
    world = one_bridge()
    world["sw"].link("eno1")
    world["sw"].plug("eno1", "br0")
    found = asked(world, "10.3.0.9")
    assert (found.mac, found.leaves_view) == (None, True)


def test_of_two_that_have_one_address_either_may_be_heard_first() -> None:
    world = one_bridge()
    world.space("twin").listen(81)
    world.cable("sw:twin0", "twin:eth0")
    world["sw"].plug("twin0", "br0")
    world["twin"].address("eth0", "10.3.0.2/24")
    assert len(asked(world).several) == 1
    assert {found.symptom for found in ask(world)} == {Symptom.CONNECTED, Symptom.REFUSED}
