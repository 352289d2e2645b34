"""Routing decisions for packets that are made here and that arrive, and the check of their source."""

from __future__ import annotations

from typing import Any

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.trace import Outcome
from engine.path.ip.routing import route_input, route_output
from engine.path.ip.source_validation import validate_source
from engine.path.lookup.route_decision import Refusal, RouteDecision
from tests.hosts.build import Space, World
from tests.hosts.stock import three_in_line
from tests.path.journeys import journey, packet

CLIENT, SERVER, LEFT = "10.1.0.2", "10.2.0.2", "10.1.0.1"


def incoming(
    world: World, src: str = CLIENT, dst: str = SERVER, device: str = "left", **context: Any
) -> RouteDecision | Refusal:
    """The router's decision about a packet that arrives."""
    made = journey(world.snapshot(), "router", packet(src, dst), iif=device, **context)
    return route_input(made, made.packet, made.netns.links_by_name[device])


def outgoing(world: World, dst: str, netns: str = "client") -> RouteDecision | Refusal:
    made = journey(world.snapshot(), netns, packet("::" if ":" in dst else "0.0.0.0", dst))
    return route_output(made, made.packet)


def ending(decision: RouteDecision | Refusal) -> Outcome | str:
    return decision.outcome if isinstance(decision, Refusal) else ("in" if decision.local else decision.link.name)


def router(world: World) -> Space:
    return world["router"]


def test_a_packet_for_elsewhere_is_passed_on_by_the_route() -> None:
    way = incoming(three_in_line())
    assert isinstance(way, RouteDecision)
    assert (way.local, way.link.name, str(way.towards)) == (False, "right", SERVER)


@pytest.mark.parametrize("address", [LEFT, "10.2.0.1"])
def test_every_own_address_is_taken_in_by_every_device(address: str) -> None:
    assert ending(incoming(three_in_line(), dst=address)) == "in"


def test_a_packet_made_here_goes_by_the_gateway_and_from_the_devices_address() -> None:
    way = outgoing(three_in_line(), SERVER)
    assert isinstance(way, RouteDecision)
    assert (way.link.name, str(way.towards), str(way.source)) == ("eth0", LEFT, CLIENT)


def test_a_packet_to_ones_own_address_goes_by_loopback_and_from_that_address() -> None:
    way = outgoing(three_in_line(), CLIENT)
    assert isinstance(way, RouteDecision)
    assert (way.local, way.link.name, str(way.source)) == (True, "lo", CLIENT)


def test_a_route_may_prefer_a_source() -> None:
    world = three_in_line()
    world["client"].address("eth0", "10.1.0.7/24").route("10.2.0.0/24 via 10.1.0.1 dev eth0 src 10.1.0.7")
    way = outgoing(world, SERVER)
    assert isinstance(way, RouteDecision)
    assert str(way.source) == "10.1.0.7"


def test_the_source_is_of_the_subnet_that_the_gateway_is_in() -> None:
    world = three_in_line()
    world["client"].addresses.clear()
    world["client"].address("eth0", "192.0.2.1/24").address("eth0", "10.1.0.2/24")
    way = outgoing(world, SERVER)
    assert isinstance(way, RouteDecision)
    assert str(way.source) == CLIENT


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("unreachable", Outcome.ROUTE_UNREACHABLE),
        ("prohibit", Outcome.ROUTE_PROHIBIT),
        ("blackhole", Outcome.ROUTE_BLACKHOLE),
    ],
)
def test_a_refusing_route_ends_what_is_made_here_and_what_arrives(kind: str, outcome: Outcome) -> None:
    world = three_in_line()
    for name in ("client", "router"):
        world[name].route(f"{kind} {SERVER}/32")
    assert ending(outgoing(world, SERVER)) is outcome
    assert ending(incoming(world)) is outcome


def test_a_refusing_policy_rule_is_pointed_at() -> None:
    world = three_in_line()
    router(world).policy(50, action="prohibit", source="10.1.0.0/24")
    refusal = incoming(world)
    assert isinstance(refusal, Refusal)
    assert (refusal.outcome, refusal.ref.name) == (Outcome.ROUTE_PROHIBIT, "ip rule 50")


def test_no_route_is_said_of_both_directions() -> None:
    world = three_in_line()
    world["client"].routes.clear()
    assert ending(outgoing(world, SERVER)) is Outcome.NO_ROUTE
    assert ending(incoming(world, dst="192.0.2.1")) is Outcome.NO_ROUTE


def test_what_comes_for_a_broadcast_address_is_taken_in() -> None:
    way = incoming(three_in_line(), dst="10.2.0.255")
    assert isinstance(way, RouteDecision)
    assert (way.local, way.text) == (True, "10.2.0.255 is a broadcast address of this namespace")


def test_ipv4_forwards_by_the_setting_of_the_device_that_the_packet_came_in_by() -> None:
    world = three_in_line()
    router(world).sysctl("net.ipv4.conf.left.forwarding", 0)
    refusal = incoming(world)
    assert isinstance(refusal, Refusal)
    assert (refusal.outcome, refusal.ref.name) == (Outcome.NOT_FORWARDED, "net.ipv4.conf.left.forwarding")
    assert ending(incoming(world, SERVER, CLIENT, "right")) == "left"


def test_with_forwarding_off_everywhere_the_switch_of_the_namespace_is_pointed_at() -> None:
    world = three_in_line()
    router(world).sysctl("net.ipv4.ip_forward", 0)
    refusal = incoming(world)
    assert isinstance(refusal, Refusal)
    assert refusal.ref.name == "net.ipv4.ip_forward"


def test_a_router_that_does_not_forward_says_so_before_it_looks_for_a_route() -> None:
    world = three_in_line()
    router(world).sysctl("net.ipv4.ip_forward", 0)
    assert ending(incoming(world, dst="192.0.2.1")) is Outcome.NOT_FORWARDED
    assert ending(incoming(world, dst=LEFT)) == "in"


def test_ipv6_forwards_by_the_setting_of_the_namespace() -> None:
    world = three_in_line()
    assert ending(incoming(world, "fd01::2", "fd02::2")) == "right"
    router(world).sysctl("net.ipv6.conf.all.forwarding", 0)
    assert ending(incoming(world, "fd01::2", "fd02::2")) is Outcome.NOT_FORWARDED


def detour(world: World) -> World:
    """The router's way back to the client is by the other device."""
    router(world).route(f"{CLIENT}/32 via {SERVER} dev right")
    return world


@pytest.mark.parametrize(
    ("everywhere", "device", "outcome"),
    [
        (0, 0, "right"),
        (1, 0, Outcome.RP_FILTER),
        (0, 1, Outcome.RP_FILTER),
        (1, 2, "right"),
        (2, 1, "right"),
        (2, 0, "right"),
    ],
)
def test_the_larger_of_both_reverse_path_filters_counts(everywhere: int, device: int, outcome: Outcome | str) -> None:
    world = detour(three_in_line())
    router(world).sysctl("net.ipv4.conf.all.rp_filter", everywhere).sysctl("net.ipv4.conf.left.rp_filter", device)
    assert ending(incoming(world)) == outcome


def test_a_strict_filter_lets_in_what_is_routed_back_by_the_device() -> None:
    world = three_in_line()
    router(world).sysctl("net.ipv4.conf.all.rp_filter", 1)
    assert ending(incoming(world)) == "right"


@pytest.mark.parametrize(("mode", "outcome"), [(0, "right"), (1, Outcome.RP_FILTER), (2, Outcome.RP_FILTER)])
def test_a_loose_filter_still_wants_a_way_back(mode: int, outcome: Outcome | str) -> None:
    world = three_in_line()
    router(world).sysctl("net.ipv4.conf.left.rp_filter", mode)
    assert ending(incoming(world, src="192.0.2.7")) == outcome


@pytest.mark.parametrize(("mode", "outcome"), [(0, "right"), (1, Outcome.RP_FILTER), (2, Outcome.RP_FILTER)])
def test_an_unreachable_route_is_no_way_back(mode: int, outcome: Outcome | str) -> None:
    world = three_in_line()
    router(world).sysctl("net.ipv4.conf.left.rp_filter", mode).route("unreachable 192.0.2.0/24").policy(90, 90)
    assert ending(incoming(world, src="192.0.2.7")) == outcome


def test_a_device_without_an_address_has_no_loose_filter() -> None:
    world = detour(three_in_line())
    router(world).sysctl("net.ipv4.conf.left.rp_filter", 2)
    router(world).addresses[:] = [a for a in router(world).addresses if str(a.address) != LEFT]
    assert ending(incoming(world)) is Outcome.RP_FILTER


@pytest.mark.parametrize(("counts", "outcome"), [(0, Outcome.RP_FILTER), (1, "right")])
def test_a_mark_counts_for_the_way_back_only_with_src_valid_mark(counts: int, outcome: Outcome | str) -> None:
    world = detour(three_in_line())
    router(world).policy(50, 100, fwmark=7).route(f"{CLIENT}/32 dev left table 100")
    router(world).sysctl("net.ipv4.conf.left.rp_filter", 1).sysctl("net.ipv4.conf.left.src_valid_mark", counts)
    assert ending(incoming(world, dst=SERVER, mark=7)) == outcome


def test_ipv6_has_no_reverse_path_filter_in_routing() -> None:
    world = three_in_line()
    router(world).sysctl("net.ipv4.conf.all.rp_filter", 1).route("fd01::2/128 via fd02::2 dev right")
    assert ending(incoming(world, "fd01::2", "fd02::2")) == "right"


@pytest.mark.parametrize("custom", [False, True])
@pytest.mark.parametrize(("accepts", "outcome"), [(0, Outcome.MARTIAN), (1, "right")])
def test_ones_own_address_as_a_source_needs_accept_local(custom: bool, accepts: int, outcome: Outcome | str) -> None:
    world = three_in_line()
    router(world).address("lo", "10.9.0.1/32").sysctl("net.ipv4.conf.all.accept_local", accepts)
    if custom:
        router(world).policy(50, 100)
    assert ending(incoming(world, src="10.9.0.1")) == outcome


def test_accept_local_does_not_help_against_a_strict_filter() -> None:
    world = three_in_line()
    router(world).address("lo", "10.9.0.1/32").sysctl("net.ipv4.conf.all.accept_local", 1)
    router(world).sysctl("net.ipv4.conf.left.rp_filter", 1)
    assert ending(incoming(world, src="10.9.0.1")) is Outcome.RP_FILTER


@pytest.mark.parametrize(("src", "dst"), [("127.0.0.1", SERVER), (CLIENT, "127.0.0.1")])
@pytest.mark.parametrize(("where", "value"), [("left", 0), ("left", 1), ("all", 1)])
def test_loopback_addresses_need_route_localnet(src: str, dst: str, where: str, value: int) -> None:
    world = three_in_line()
    router(world).sysctl(f"net.ipv4.conf.{where}.route_localnet", value).sysctl("net.ipv4.conf.left.accept_local", 1)
    result = ending(incoming(world, src, dst))
    assert (result is Outcome.MARTIAN) == (value == 0)


@pytest.mark.parametrize("src", ["224.0.0.1", "255.255.255.255"])
def test_a_source_that_nobody_can_have_is_a_martian(src: str) -> None:
    assert ending(incoming(three_in_line(), src=src)) is Outcome.MARTIAN


def test_of_several_next_hops_each_is_walked() -> None:
    world = three_in_line()
    one, other = world["client"].routes[0].nexthops[0], world["client"].link("eth1").index
    world["client"].routes.clear()
    world["client"].route("10.2.0.0/24", nexthops=(one, type(one)(other)))
    snapshot = world.snapshot()
    devices = []
    for script in ((0,), (1,)):
        made = journey(snapshot, "client", packet("0.0.0.0", SERVER), script)
        way = route_output(made, made.packet)
        assert isinstance(way, RouteDecision)
        devices.append(way.link.index)
        assert [about.code for about in made.assumptions] == ["ASSUME_MULTIPATH"]
    assert devices == [one.link, other]


def test_a_route_by_a_device_that_is_not_in_the_picture_is_unknown() -> None:
    world = three_in_line()
    hop = world["client"].routes[0].nexthops[0]
    world["client"].route(f"{SERVER}/32", nexthops=(type(hop)(99),))
    assert ending(outgoing(world, SERVER)) is Outcome.UNKNOWN


def test_the_check_of_a_source_stands_on_its_own() -> None:
    made = journey(three_in_line().snapshot(), "router", packet(CLIENT, SERVER))
    assert validate_source(made, made.packet, made.netns.links_by_name["left"]) is None


@pytest.mark.parametrize(
    ("value", "outcome"), [(64, Outcome.DELIVERED), (2, Outcome.DELIVERED), (1, Outcome.TTL_EXPIRED)]
)
def test_a_packet_that_is_made_has_the_ttl_of_its_host(value: int, outcome: Outcome) -> None:
    world = three_in_line()
    world["client"].sysctl("net.ipv4.ip_default_ttl", value)
    snapshot = world.snapshot("client")
    talk = ask(snapshot, resolve(snapshot, f"{SERVER}:80")).conversation
    assert talk.forward.outcome is outcome
    assert talk.forward.hops[0].steps[-1].packet.ttl == value
