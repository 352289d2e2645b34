"""Learned routes, nexthop objects and wrapped ways out, against what ip prints."""

from __future__ import annotations

import re
import select
import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from engine.model.route import NextHop, NextHopObject
from tests.harness.needs import require
from tests.harness.netns import CommandFailed, End, Netns, World
from tests.kernel.looks import inside, stack_of

require("ip", "nsenter", root=True)


@pytest.fixture(scope="module")
def client() -> Iterator[Netns]:
    """A client behind a router whose way on takes only small packets."""
    with World() as world:
        client, router, server = world.netns("client"), world.netns("router"), world.netns("server")
        world.veth(
            End(client, "eth0", ("10.1.0.2/24", "2001:db8:1::2/64")),
            End(router, "r0", ("10.1.0.1/24", "2001:db8:1::1/64")),
        )
        world.veth(
            End(router, "r1", ("10.2.0.1/24", "2001:db8:2::1/64")),
            End(server, "eth0", ("10.2.0.2/24", "2001:db8:2::2/64")),
        )
        router.sysctl("net.ipv4.ip_forward", 1)
        router.sysctl("net.ipv6.conf.all.forwarding", 1)
        router.ip("link set r1 mtu 1400")
        for end, via, via6 in ((client, "10.1.0.1", "2001:db8:1::1"), (server, "10.2.0.1", "2001:db8:2::1")):
            end.route(f"default via {via}")
            end.route(f"default via {via6}")
        yield client


def too_large_for_the_way(target: str) -> None:
    """Sends a datagram that may not be fragmented, and waits for the router's complaint."""
    family, level, option = (socket.AF_INET, 0, 10) if "." in target else (socket.AF_INET6, 41, 23)
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(level, option, 2)  # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER: always
        sender.connect((target, 9))
        sender.send(bytes(1420))
        waiting = select.poll()
        waiting.register(sender, select.POLLERR)
        assert waiting.poll(5000), "the router did not complain"


def test_a_learned_path_mtu_is_an_exception_as_ip_route_shows_it(client: Netns) -> None:
    assert stack_of(client).exceptions == ()
    for target in ("10.2.0.2", "2001:db8:2::2"):
        inside(client, lambda to=target: too_large_for_the_way(to))
    shown = client.run("ip", "route", "show", "cache") + client.run("ip", "-6", "route", "show", "cache")
    mtus = dict(re.findall(r"^(\S+) .*?\bmtu (\d+)", re.sub(r"\n\s+", " ", shown), re.MULTILINE))
    stack = stack_of(client)
    assert {str(each.destination): str(each.mtu) for each in stack.exceptions} == mtus
    assert mtus == {"10.2.0.2": "1400", "2001:db8:2::2": "1400"}
    (learned,) = [each for each in stack.exceptions if each.destination.version == 4]
    (link,) = [each.link.index for each in stack.links if each.link.name == "eth0"]
    assert (learned.link, learned.gateway) == (link, ip_address("10.1.0.1"))
    assert learned.text == "10.2.0.2 via 10.1.0.1 dev eth0 mtu 1400"
    assert all("1400" not in route.text for route in stack.routes)


def test_nexthop_objects_are_read_where_a_route_names_one(client: Netns) -> None:
    client.ip("nexthop add id 9 via 10.1.0.7 dev eth0")
    assert stack_of(client).nexthops == ()
    client.ip("nexthop add id 10 group 9,3")
    client.ip("nexthop add id 11 blackhole")
    client.route("10.40.0.0/16 nhid 10")
    client.route("10.41.0.0/16 nhid 11")
    stack = stack_of(client)
    shown = {row["id"] for row in client.ip_json("nexthop")}
    (link,) = [each.link.index for each in stack.links if each.link.name == "eth0"]
    assert {each.number for each in stack.nexthops} == shown == {9, 10, 11}
    assert stack.nexthops == (
        NextHopObject(9, NextHop(link, ip_address("10.1.0.7"))),
        NextHopObject(10, group=((9, 3),)),
        NextHopObject(11, blackhole=True),
    )
    routes = {str(route.destination): route for route in stack.routes}
    assert (routes["10.40.0.0/16"].nexthop, routes["10.40.0.0/16"].nexthops[0].gateway) == (10, ip_address("10.1.0.7"))
    assert (routes["10.41.0.0/16"].nexthop, routes["10.41.0.0/16"].kind) == (11, "blackhole")


def test_a_locked_mtu_a_router_s_preference_and_a_wrapped_way_out_are_told(client: Netns) -> None:
    client.route("10.50.0.0/16 via 10.1.0.1 mtu lock 1300")
    client.route("2001:db8:50::/64 via 2001:db8:1::1 dev eth0 pref low")
    try:
        client.route("2001:db8:51::/64 encap seg6 mode encap segs 2001:db8::9 dev eth0")
        wrapped = "seg6"
    except CommandFailed:  # a kernel without segment routing
        wrapped = ""
    routes = {str(route.destination): route for route in stack_of(client).routes}
    assert (routes["10.50.0.0/16"].mtu, routes["10.50.0.0/16"].locked) == (1300, True)
    assert routes["10.50.0.0/16"].text in " ".join(client.run("ip", "route", "show", "10.50.0.0/16").split())
    assert routes["2001:db8:50::/64"].preference == "low"
    if wrapped:
        assert [hop.encap for hop in routes["2001:db8:51::/64"].nexthops] == [wrapped]
