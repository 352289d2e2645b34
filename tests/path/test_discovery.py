"""Neighbour discovery of IPv6: who answers, and which rules keep the question or the answer away."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.model.ref import RefKind
from engine.path.link.neighbours import Resolved, resolve
from tests.hosts.build import World
from tests.hosts.stock import one_bridge
from tests.path.bridging import asked
from tests.path.journeys import journey, packet


def two() -> World:
    """Two hosts on a bridge, with an address of IPv6 each."""
    world = one_bridge()
    for number, name in enumerate(("left", "right"), 1):
        world[name].address("eth0", f"fd03::{number}/64")
    return world


def found(world: World) -> Resolved:
    return asked(world, "fd03::2", source="fd03::1")


def rule(chain: str, words: str) -> str:
    return f"*filter\n:{chain} ACCEPT [0:0]\n-A {chain} {words}\nCOMMIT\n"


def test_without_filters_the_owner_answers() -> None:
    world = two()
    assert found(world).mac == world["right"].links["eth0"].mac


@pytest.mark.parametrize(
    ("place", "chain", "kind"),
    [("left", "OUTPUT", 135), ("right", "INPUT", 135), ("right", "OUTPUT", 136), ("left", "INPUT", 136)],
)
def test_a_rule_on_either_side_keeps_the_question_or_the_answer_away(place: str, chain: str, kind: int) -> None:
    world = two()
    words = f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j DROP"
    world[place].iptables(rule(chain, words), family="ip6")
    blocked = found(world)
    assert blocked.mac is None
    assert (blocked.ref.kind, blocked.ref.netns, blocked.ref.name) == (RefKind.RULE, place, f"filter/{chain} 1")
    assert ("the request for" if kind == 135 else "the reply from") in blocked.text


def test_a_rule_about_the_other_message_or_about_connections_does_not_matter() -> None:
    world = two()
    world["right"].iptables(rule("INPUT", "-p ipv6-icmp -m icmp6 --icmpv6-type 136 -j DROP"), family="ip6")
    world["left"].iptables(rule("INPUT", "-m conntrack --ctstate INVALID,NEW -j DROP"), family="ip6")
    assert found(world).mac is not None


def test_a_bridge_that_calls_ip6tables_shows_it_the_question() -> None:
    world = two()
    world["sw"].iptables("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", family="ip6")
    assert found(world).mac is not None
    world["sw"].sysctl("net.bridge.bridge-nf-call-ip6tables", 1)
    assert (found(world).ref.netns, found(world).ref.name) == ("sw", "filter/FORWARD")


def test_a_known_neighbour_is_not_asked_for() -> None:
    world = two()
    world["right"].iptables("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", family="ip6")
    world["left"].neighbour("eth0", "fd03::2", world["right"].links["eth0"].mac, "reachable")
    assert found(world).mac == world["right"].links["eth0"].mac


@pytest.mark.parametrize(
    ("flags", "answers"),
    [({"tentative"}, False), ({"tentative", "dadfailed"}, False), ({"tentative", "optimistic"}, True)],
)
def test_an_address_that_is_not_ready_is_not_answered_for(flags: set[str], answers: bool) -> None:
    world = two()
    world["right"].address("eth0", "fd03::7/64", flags=frozenset(flags))
    assert bool(asked(world, "fd03::7", source="fd03::1").mac) is answers


@pytest.mark.parametrize("rules", [False, True])
def test_a_packet_of_ipv4_to_a_next_hop_of_ipv6_is_asked_for_by_the_device_s_own_address(rules: bool) -> None:
    """`ip route add default via inet6 fd03::2` (RFC 5549)."""
    world = two()
    if rules:
        world["right"].iptables(
            rule("INPUT", "-s fd03::1/128 -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j DROP"), family="ip6"
        )
    made = journey(world.snapshot(), "left", packet("10.3.0.1", "10.9.0.9"))
    answer = resolve(made, made.netns.links_by_name["eth0"], ip_address("fd03::2"))
    assert (answer.mac is None) is rules
