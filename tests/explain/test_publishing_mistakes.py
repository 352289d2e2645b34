"""Ways in which a port is not published as it was meant: each is named, with what the owner does about it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.container import Attachment, Container, Network, PublishedPort
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Cause
from tests.hosts.build import World
from tests.hosts.stock import docker_world

TCP, UDP = Protocol.TCP, Protocol.UDP
UNPUBLISHED = docker_world(nat="", proxy=False)


def hosts_with(container: Container, world: World = UNPUBLISHED) -> Snapshot:
    """The world, whose `web` is this container."""
    snapshot = world.snapshot()
    return replace(snapshot, containers=(*(each for each in snapshot.containers if each.name != "web"), container))


def web(world: World = UNPUBLISHED) -> Container:
    return next(each for each in world.snapshot().containers if each.name == "web")


def cause(snapshot: Snapshot, target: str = ":8080") -> Cause:
    return ask(snapshot, resolve(snapshot, target, "ns:lan")).causes[0]


@pytest.mark.parametrize("runs", [True, False])
def test_an_option_behind_the_image_s_name_publishes_nothing(runs: bool) -> None:
    given = replace(web(), published=(), misplaced=(PublishedPort(TCP, None, 8080, 80),))
    if not runs:
        given = replace(given, state="created", netns=None, attachments=())
    found = cause(hosts_with(given))
    assert found.code == "NAT_NOT_PUBLISHED"
    assert found.sentence.startswith("web was run with -p 8080:80 behind the image's name")
    assert found.fixes[0].title.startswith("run web again with -p 8080:80 before the image's name")
    assert bool(found.fixes[0].commands) is runs, "its rules can be written while it runs"
    other = cause(hosts_with(given), ":8081")
    assert "behind the image" not in other.sentence


def test_a_port_that_is_published_by_another_protocol_is_named() -> None:
    given = replace(web(), published=(PublishedPort(UDP, None, 8080, 80),))
    assert cause(hosts_with(given)).sentence == "port 8080 of host is published for web by UDP only, not by TCP"


def test_a_port_is_published_by_the_container_whose_network_it_is() -> None:
    app = Container("a0", "app", "docker", "running", netns="web", network_mode="container:vpn", command=("docker",))
    vpn = replace(web(), name="vpn", id="vpn", published=())
    alone = docker_world(nat="", proxy=False)
    alone["db"].listeners.clear()
    snapshot = hosts_with(vpn, alone)
    snapshot = replace(snapshot, containers=(app, *(each for each in snapshot.containers if each.name != "web")))
    assert cause(snapshot).fixes[0].title.startswith("run vpn again with -p 8080:80")


@pytest.mark.parametrize(
    ("state", "code", "sentence", "title"),
    [
        (
            "exited",
            1,
            "web publishes the port, but has exited with code 1",
            "start web, once its log is read: docker logs web",
        ),
        ("exited", 0, "web publishes the port, but has exited", "start web"),
        (
            "restarting",
            3,
            "web publishes the port, but is restarting: its program ends with code 3",
            "keep web's program running; its log shows why it ends: docker logs web",
        ),
    ],
)
def test_a_program_that_ended_with_an_error_is_not_only_started(
    state: str, code: int, sentence: str, title: str
) -> None:
    found = cause(hosts_with(replace(web(), state=state, netns=None, exit_code=code)))
    assert (found.code, found.sentence, found.fixes[0].title) == ("DST_NOT_RUNNING", sentence, title)


@pytest.mark.parametrize("first", ["lan", "bridge"])
def test_ports_are_published_where_the_default_route_is(first: str) -> None:
    lan = Attachment("lan", ip_address("10.99.0.2"), gateway=ip_address("10.99.0.1" if first == "lan" else "10.99.0.9"))
    away = Attachment("bridge", ip_address("172.17.0.2"), gateway=ip_address("172.17.0.1"))
    world = docker_world(nat="", proxy=False)
    world.networks.append(Network("lan", "docker", "macvlan"))
    if first == "lan":
        inside = world["web"]
        inside.routes.clear()
        inside.link("eth1", "macvlan")
        inside.address("eth0", "172.17.0.2/16").address("eth1", "10.99.0.2/24").route("default via 10.99.0.1 dev eth1")
    found = cause(hosts_with(replace(web(), attachments=(away, lan)), world))
    if first == "lan":
        assert found.code == "NAT_NOT_PUBLISHED"
        assert "web's is lan (macvlan), which has none" in found.sentence
        assert "connect web to bridge with a higher gateway priority" in found.fixes[0].title
    else:
        assert found.code == "NAT_RULES_WIPED"


def test_an_address_that_a_port_is_published_on_is_given_back() -> None:
    given = replace(web(), published=(PublishedPort(TCP, ip_address("10.77.0.9"), 8080, 80),))
    world = docker_world(
        proxy=False,
        nat="-A DOCKER -d 10.77.0.9/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT "
        "--to-destination 172.17.0.2:80\n",
    )
    snapshot = hosts_with(given, world)
    found = cause(snapshot, "10.77.0.9:8080")
    assert (found.code, found.owner) == ("DST_NO_ADDRESS", "docker")
    assert found.sentence == "docker published 10.77.0.9:8080 for web, and no device of host has 10.77.0.9"
    assert " ".join(found.fixes[0].commands[0]).endswith("ip addr add 10.77.0.9/24 dev up0")
    after = applied(snapshot, found.fixes[0].plan.changes)
    assert ask(after, resolve(after, "10.77.0.9:8080", "ns:lan")).symptom is Symptom.CONNECTED
    assert "published" not in cause(snapshot, "10.77.0.9:8081").sentence
