"""A rule that takes a port before the rule that was meant: the cause where it leads to nothing, and only there."""

from __future__ import annotations

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.verdict import Cause
from tests.hosts.build import World
from tests.hosts.stock import PUBLISH, docker_world

BEFORE = "-A DOCKER -p tcp -m tcp --dport 8080 -j "


def first(world: World, target: str = ":8080") -> Cause:
    snapshot = world.snapshot()
    return ask(snapshot, resolve(snapshot, target, "ns:lan")).causes[0]


def strangers(world: World) -> World:
    """The same host, whose engine nobody knows."""
    world.containers.clear()
    return world


@pytest.mark.parametrize("target", ["REDIRECT --to-ports 3128", "DNAT --to-destination 172.17.0.2:8999"])
@pytest.mark.parametrize("services", [1, 3])
def test_without_a_known_engine_the_rule_before_its_own_is_the_cause(target: str, services: int) -> None:
    world = strangers(docker_world(nat=f"{BEFORE}{target}\n{PUBLISH}", proxy=False))
    for port in (9000, 9001)[: services - 1]:
        world["web"].listen(port)
    cause = first(world)
    assert cause.code == "NAT_DNAT_SHADOWED"
    assert cause.fixes[0].title == "delete rule 2 of nat/DOCKER"


@pytest.mark.parametrize("known", [True, False])
def test_a_rule_whose_program_listens_on_loopback_is_not_the_cause_of_a_drop(known: bool) -> None:
    publish = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 9090 -j DNAT --to-destination 172.17.0.2:90\n"
    world = docker_world(nat=publish, proxy=False, user=["-p tcp -m tcp --dport 90 -j DROP"])
    world["web"].listen(90, "127.0.0.1")
    cause = first(world if known else strangers(world), ":9090")
    assert cause.code == "FW_RULE_DROP"
    assert cause.at.name.startswith("filter/DOCKER-USER")


def test_a_rule_that_shares_packets_by_chance_stands_before_no_other() -> None:
    half = "-m statistic --mode random --probability 0.5 -j DNAT --to-destination 172.17.0.3:80"
    world = strangers(
        docker_world(nat=f"-A DOCKER -p tcp -m tcp --dport 8080 {half}\n{PUBLISH}", proxy=False, user=["-j ACCEPT"])
    )
    codes = {each.code for each in _causes(world)}
    assert "NAT_DNAT_SHADOWED" not in codes
    assert codes & {"DST_NO_LISTENER", "DST_LISTEN_OTHER_PORT", "NAT_DNAT_STALE_TARGET"}


def test_where_nothing_listens_the_program_has_ended_though_another_serves_its_port() -> None:
    world = strangers(docker_world(proxy=False))
    world["web"].listeners.clear()
    world["web"].listen(43210, "127.0.0.11")
    world["db"].listen(80)
    cause = first(world)
    assert cause.code == "DST_NO_LISTENER"
    assert cause.fixes[0].title == "start a program that listens on port 80/tcp in web"


def _causes(world: World) -> tuple[Cause, ...]:
    snapshot = world.snapshot()
    return ask(snapshot, resolve(snapshot, ":8080", "ns:lan")).causes
