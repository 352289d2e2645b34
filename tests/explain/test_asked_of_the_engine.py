"""What the engine was asked for, held against what is asked: the other IP version, a namespace that was left behind."""

from __future__ import annotations

from dataclasses import replace

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.address import Family
from engine.model.container import PublishedPort
from engine.model.packet import Protocol
from engine.model.traffic import Process
from tests.hosts.stock import WEB, docker_world, three_in_line


def test_a_port_that_is_published_for_one_ip_version_is_not_wiped() -> None:
    world = docker_world(nat="", proxy=False)
    only_six = PublishedPort(Protocol.TCP, None, 8080, 80, Family.INET6)
    world.containers[0] = replace(world.containers[0], published=(only_six,))
    snapshot = world.snapshot()
    (cause,) = ask(snapshot, resolve(snapshot, "10.77.0.1:8080", "ns:lan")).causes
    assert cause.code == "NAT_DNAT_HOSTIP_MISMATCH"
    assert "published on [::]:8080 only" in cause.sentence
    both = replace(only_six, family=None)
    world.containers[0] = replace(world.containers[0], published=(both,))
    snapshot = world.snapshot()
    assert ask(snapshot, resolve(snapshot, "10.77.0.1:8080", "ns:lan")).causes[0].code == "NAT_RULES_WIPED"


def test_a_container_in_a_namespace_that_its_host_container_has_left_is_named() -> None:
    world = docker_world()
    web = world["web"]
    web.listeners.clear()
    old = world.space("old")
    old.listen(80, process=Process(900, "httpd"))
    world.container("app", "172.17.0.9")
    app = world.containers[-1]
    world.containers[-1] = replace(app, netns="old", network_mode=f"container:{world.containers[0].id}", attachments=())
    snapshot = world.snapshot()
    (cause,) = ask(snapshot, resolve(snapshot, f"{WEB}:80", "host")).causes
    assert cause.code == "DST_NO_LISTENER"
    assert "app shares its network" in cause.sentence
    assert cause.fixes[0].title.startswith("restart app")


def test_the_program_that_is_missing_would_answer_from_the_address_that_is_asked() -> None:
    world = three_in_line()
    snapshot = world.snapshot("client")
    verdict = ask(snapshot, resolve(snapshot, "10.2.0.2:53", "ns:client", Protocol.UDP))
    assert [cause.code for cause in verdict.causes] == ["DST_NO_LISTENER"]
    assert "10.2.0.2" in str(verdict.causes[0].fixes[0].plan.changes)
