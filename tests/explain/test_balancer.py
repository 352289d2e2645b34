"""Where IPVS may take what no socket takes, the answer depends on it, and nothing is said of what is behind."""

from __future__ import annotations

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Gap
from engine.model.verdict import Reach, Verdict
from tests.hosts.build import World
from tests.hosts.stock import docker_world

#: As Docker translates a port of Swarm's routing mesh: to the namespace of the balancer.
MESH = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.4:8080\n"


def swarm() -> World:
    world = docker_world(nat=MESH, proxy=False, filters=["-A FORWARD -d 172.17.0.4/32 -j ACCEPT"])
    ingress = world.space("ingress")
    world.cable("host:vething", "ingress:eth0")
    world["host"].plug("vething", "docker0")
    ingress.address("eth0", "172.17.0.4/16").route("default via 172.17.0.1 dev eth0")
    world.gaps.append(Gap("IPVS", "ingress", "it takes packets for the mark 256, to where `ipvsadm -Ln` shows"))
    return world


def answer(target: str) -> Verdict:
    snapshot = swarm().snapshot()
    return ask(snapshot, resolve(snapshot, target, "ns:lan"))


def test_a_port_of_the_routing_mesh_depends_on_the_balancer() -> None:
    verdict = answer("10.77.0.1:8080")
    (cause,) = verdict.causes
    assert (verdict.reach, cause.code, cause.at.netns) == (Reach.DEPENDS, "INFO_NOT_READ", "ingress")
    assert "ipvsadm" in cause.sentence


def test_what_does_not_end_there_does_not_depend_on_it() -> None:
    verdict = answer("10.77.0.1:9")
    assert verdict.reach is Reach.NO
    assert "INFO_NOT_READ" not in {cause.code for cause in verdict.causes}
