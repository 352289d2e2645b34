"""Which service an unpublished port is meant for: the only one that could be, and none where several could; and what is
said from wherever it is asked.
"""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.packet import Protocol
from engine.model.verdict import Cause
from tests.hosts.build import World
from tests.hosts.stock import docker_world


def cause(world: World, port: int) -> Cause:
    snapshot = world.snapshot()
    return ask(snapshot, resolve(snapshot, f"10.77.0.1:{port}", "ns:lan")).causes[0]


def test_the_only_service_is_meant() -> None:
    world = docker_world()
    world["web"].listeners.clear()
    found = cause(world, 9999)
    assert found.code == "NAT_NOT_PUBLISHED"
    assert "for db at 172.17.0.3:5432" in found.fixes[0].title
    assert len(found.fixes[0].commands) == 2


def test_another_one_s_service_is_not_meant_where_the_target_is_there() -> None:
    world = docker_world(proxy=False)
    world.containers.clear()
    world["web"].listeners.clear()
    found = cause(world, 8080)
    assert (found.code, found.at.netns) == ("DST_NO_LISTENER", "web")
    assert "start a program" in found.fixes[0].title


@pytest.mark.parametrize("proxy", [True, False])
@pytest.mark.parametrize(
    ("target", "source", "mended"),
    [
        ("127.0.0.1:5432", "host", "run db again with -p 5432:5432"),
        ("172.17.0.1:5432", "web", "run db again with -p 5432:5432"),
        ("10.77.0.1:5432", "web", "run db again with -p 5432:5432"),
        ("10.77.0.1:80", "db", "run web again with -p 80:80"),
        ("[::1]:5432", "host", "publish a container's port as 5432"),
        ("127.0.0.1:9999", "host", "publish a container's port as 9999"),
        ("172.17.0.1:9999", "db", "publish a container's port as 9999"),
    ],
)
def test_from_a_bridge_and_from_loopback_it_is_not_published_either(
    proxy: bool, target: str, source: str, mended: str
) -> None:
    snapshot = docker_world(proxy=proxy).snapshot()
    (found,) = ask(snapshot, resolve(snapshot, target, source)).causes
    assert found.code == "NAT_NOT_PUBLISHED"
    assert "web is published as 8080/tcp (its 80)" in found.evidence
    assert any(mended in fix.title for fix in found.fixes)


def test_where_docker_s_rule_leaves_packets_to_its_proxy_the_proxy_is_missed_and_no_rule() -> None:
    snapshot = docker_world(proxy=False).snapshot()
    (found,) = ask(snapshot, resolve(snapshot, "172.17.0.1:8080", "web")).causes
    assert found.code == "NAT_PROXY_ABSENT"
    assert "-A DOCKER ! -i docker0 -p tcp" in found.sentence
    assert found.fixes[0].commands == (("docker", "restart", "web"),)


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


def test_a_port_of_datagrams_is_published_as_one() -> None:
    world = docker_world()
    world["web"].listeners.clear()
    world["db"].listen(53, protocol=Protocol.UDP)
    snapshot = world.snapshot()
    (found,) = ask(snapshot, resolve(snapshot, "10.77.0.1:53", "ns:lan", Protocol.UDP)).causes
    assert found.fixes[0].title.startswith("run db again with -p 53:53/udp; until then: publish 53 for db")


def test_who_asks_a_loopback_address_for_another_s_program_is_told_whose_it_is() -> None:
    snapshot = docker_world().snapshot()
    (found,) = ask(snapshot, resolve(snapshot, "127.0.0.1:80", "db")).causes
    assert found.code == "DST_LISTEN_OTHER_PORT"
    assert "127.0.0.1 is db itself; the listener 0.0.0.0:80/tcp is in web" in found.evidence
