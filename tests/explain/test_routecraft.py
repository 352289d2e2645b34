"""Routes that a fix adds: the narrowest that is enough, in words that the kernel takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.verdict import Fix
from tests.hosts.build import World
from tests.hosts.stock import docker_world, three_in_line


def with_mask(length: int) -> World:
    """web's address has another mask than docker0, whose 172.17.0.1 is its gateway; it has no route but its own.
    far is its neighbour, at 172.17.9.9."""
    world = docker_world()
    web = world["web"]
    web.routes.clear()
    web.addresses.clear()
    web.address("lo", "127.0.0.1/8").address("eth0", f"172.17.0.2/{length}")
    far = world.space("far")
    world.cable("host:vethfar", "far:eth0")
    world["host"].plug("vethfar", "docker0")
    far.address("eth0", "172.17.9.9/16")
    return world


def fixes(snapshot: Snapshot, target: str, source: str) -> tuple[Fix, ...]:
    return ask(snapshot, resolve(snapshot, target, source)).causes[0].fixes


def said(fix: Fix) -> str:
    return " ".join(fix.commands[0][2:])


@pytest.mark.parametrize(("length", "onlink"), [(32, " onlink"), (31, " onlink"), (30, ""), (16, "")])
def test_a_gateway_that_a_narrow_mask_leaves_out_is_told_to_be_on_the_link(length: int, onlink: str) -> None:
    (fix, *_) = fixes(with_mask(length).snapshot(), "10.77.0.1:8080", "ns:lan")
    assert said(fix) == f"ip route add default via 172.17.0.1 dev eth0{onlink}"


@pytest.mark.parametrize("length", [32, 30])
def test_a_neighbour_that_the_mask_leaves_out_is_reached_with_the_neighbours_mask_or_by_a_route_to_it(
    length: int,
) -> None:
    found = [said(fix) for fix in fixes(with_mask(length).snapshot(), "172.17.0.2:80", "ns:far") if fix.commands]
    assert "ip addr add 172.17.0.2/16 dev eth0" in found
    assert "ip route add 172.17.9.9/32 dev eth0 scope link" in found


def test_a_subnet_that_has_lost_its_route_gets_it_back() -> None:
    world = three_in_line()
    snapshot = world.snapshot("router")
    assert (
        said(fixes(without_subnet(snapshot), "10.1.0.2:80", "host")[0])
        == "ip route add 10.1.0.0/24 dev left scope link"
    )


def without_subnet(snapshot: Snapshot) -> Snapshot:
    host = snapshot.host_netns
    routes = tuple(route for route in host.routes if str(route.destination) != "10.1.0.0/24")
    return replace(
        snapshot,
        namespaces=tuple(replace(n, routes=routes) if n.id == host.id else n for n in snapshot.namespaces),
    )
