"""Two devices that answer for one address: the answer depends on chance, and the stranger's address goes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.host import Snapshot
from engine.model.link import Neighbour
from engine.model.trace import Symptom
from engine.model.verdict import Reach, Verdict
from tests.hosts.stock import WEB, docker_world


def with_a_second_holder(*, listens: bool) -> Snapshot:
    world = docker_world()
    two = world.space("two")
    world.cable("host:vethtwo", "two:eth0")
    world["host"].plug("vethtwo", "docker0")
    two.address("eth0", f"{WEB}/16").route("default via 172.17.0.1 dev eth0")
    if listens:
        two.listen(80)
    return world.snapshot()


def answer(snapshot: Snapshot) -> Verdict:
    return ask(snapshot, resolve(snapshot, "10.77.0.1:8080", "ns:lan"))


def test_the_answer_depends_and_the_stranger_is_the_cause() -> None:
    verdict = answer(with_a_second_holder(listens=False))
    assert verdict.reach is Reach.DEPENDS
    assert {str(branch.symptom) for branch in verdict.branches} == {"connected", "refused"}
    first = verdict.causes[0]
    assert (first.code, first.at.netns, first.at.key) == ("LINK_DUPLICATE_ADDRESS", "two", (WEB,))
    assert first.fixes[0].commands[0][-6:] == ("ip", "addr", "del", f"{WEB}/16", "dev", "eth0")
    assert first.fixes[0].then is Symptom.CONNECTED


def test_two_holders_that_both_serve_are_one_answer() -> None:
    verdict = answer(with_a_second_holder(listens=True))
    assert verdict.reach is Reach.YES
    assert "ASSUME_DUPLICATE_ADDRESS" in {each.code for each in verdict.assumptions}


def test_the_holder_that_was_heard_before_is_remembered() -> None:
    snapshot = with_a_second_holder(listens=False)
    two = next(netns for netns in snapshot.namespaces if netns.id == "two")
    host = snapshot.host_netns
    bridge, mac = host.links_by_name["docker0"], two.links_by_name["eth0"].mac
    entry = Neighbour(bridge.index, ip_address(WEB), mac, "reachable")
    heard = replace(host, neighbours=(*host.neighbours, entry))
    verdict = answer(
        replace(snapshot, namespaces=tuple(heard if each.id == host.id else each for each in snapshot.namespaces))
    )
    assert verdict.symptom is Symptom.REFUSED
    first = verdict.causes[0]
    assert (first.code, first.at.netns) == ("LINK_DUPLICATE_ADDRESS", "two")
    assert [command[-3:] for command in first.fixes[0].commands] == [
        (f"{WEB}/16", "dev", "eth0"),
        (WEB, "dev", "docker0"),
    ]
