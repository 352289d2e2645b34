"""Which service an unpublished port is meant for: the only one that could be, and none where several could."""

from __future__ import annotations

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.verdict import Cause
from tests.hosts.build import World
from tests.hosts.stock import docker_world


def cause(world: World, port: int) -> Cause:
    snapshot = world.snapshot()
    return ask(snapshot, resolve(snapshot, f"10.77.0.1:{port}", "ns:lan")).causes[0]


def test_the_only_container_that_publishes_nothing_is_meant() -> None:
    found = cause(docker_world(), 9999)
    assert found.code == "NAT_NOT_PUBLISHED"
    assert "for db at 172.17.0.3:5432" in found.fixes[0].title
    assert len(found.fixes[0].commands) == 2


def test_among_several_none_is_guessed() -> None:
    world = docker_world()
    inside = world.space("cache")
    world.cable("host:vethcache", "cache:eth0")
    world["host"].plug("vethcache", "docker0")
    inside.address("eth0", "172.17.0.4/16").route("default via 172.17.0.1 dev eth0").listen(6379)
    world.container("cache", "172.17.0.4")
    found = cause(world, 9999)
    assert found.code == "NAT_NOT_PUBLISHED"
    assert [fix.commands for fix in found.fixes] == [()]


def test_an_unpublished_service_at_the_same_port_comes_before_the_others() -> None:
    world = docker_world()
    world["web"].listen(5432)
    assert "for db at 172.17.0.3:5432" in cause(world, 5432).fixes[0].title
