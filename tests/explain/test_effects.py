"""Side effects of fixes: what else the model reaches, or no longer reaches, once a fix is made."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.change import applied
from engine.change.new_rules import Selector, insertion
from engine.change.rule import DeleteRule
from engine.explain import ask
from engine.explain.question import resolve
from engine.explain.ranking import side_effects
from engine.explain.ranking.side_effects import MOST, MOST_FOR_A_FIX, Effects, Sideways
from engine.explain.survey.probes import Probe, doors, places
from engine.model.firewall import Backend, VerdictKind
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.plan import Plan
from engine.model.verdict import Fix, Question
from engine.model.where import RulePlace
from engine.path.world import World as Walked
from tests.explain.faults import Fault, docker
from tests.explain.table import FAULTS
from tests.hosts.build import World
from tests.hosts.stock import WEB, docker_world
from tests.path.endings import filtered


def fixes_of(snapshot: Snapshot, target: str = "10.77.0.1:8080", source: str = "ns:lan") -> tuple[Fix, ...]:
    return ask(snapshot, resolve(snapshot, target, source)).causes[0].fixes


def computed(
    snapshot: Snapshot, question: Question, fix: Fix, most: tuple[int, int] = (MOST_FOR_A_FIX, MOST)
) -> Effects:
    before = Walked(snapshot)
    after = before.derive(applied(snapshot, fix.plan.changes))
    return Sideways(question, *most).of(before, after, fix.plan.changes)


def test_a_rule_inside_a_container_is_off_for_others_too() -> None:
    snapshot = docker(lambda w: filtered(w["web"], "INPUT", "-p tcp -m tcp --dport 80 -j DROP"), proxy=False)
    assert fixes_of(snapshot)[0].side_effects == ("the host and db (bridge) can now also reach web:80/tcp",)


def test_the_way_that_opens_less_is_offered_first() -> None:
    """web's own rule drops everything: without it every port of web is open, with an exception one is."""

    def closed(world: World) -> None:
        filtered(world["web"], "INPUT", "-i eth0 -j DROP")
        world["web"].listen(9000)

    first, second = fixes_of(docker(closed))
    assert not any("9000" in text for text in first.side_effects)
    assert any("web:9000/tcp" in text for text in second.side_effects)


def test_another_lab_with_the_same_addresses_is_elsewhere() -> None:
    own = docker()
    other = replace(own.by_id["web"], id="other-web")
    snapshot = replace(own, namespaces=(other, *own.namespaces), containers=())
    names = [door.name for door in doors(snapshot, resolve(snapshot, f"{WEB}:80", "ns:lan"))]
    assert "web:80/tcp" in names
    assert not any("other-web" in name for name in names)


def test_what_was_asked_is_no_side_effect() -> None:
    for fault in FAULTS:
        verdict = fault.verdict()
        for fix in verdict.causes[0].fixes[: len(verdict.causes) == 1]:
            told = computed(fault.snapshot, fault.question, fix).opened
            assert fault.question not in [replace(each.question(), target=fault.target) for each in told], fault.name


def test_a_port_that_a_change_takes_from_others_is_told() -> None:
    snapshot = docker(proxy=False)
    place = RulePlace("host", Backend.XT_NFT, "ip", "filter", "FORWARD", 0)
    change = insertion(place, Selector(Protocol.TCP, destination=ip_address(WEB), dport=80), VerdictKind.DROP)
    fix = Fix("drop it", Plan("drop it", (change,)), ())
    found = computed(snapshot, resolve(snapshot, "db:5432", "host"), fix)
    assert found.sentences() == ("lan (via up0) can no longer reach 10.77.0.1:8080/tcp (web)",)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.mended], ids=str)
def test_what_is_not_tried_would_not_have_differed(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probes that a change can't touch, and those that only open, are left out without a loss."""
    fix = fault.verdict().causes[0].fixes[0]
    few = computed(fault.snapshot, fault.question, fix)
    monkeypatch.setattr(side_effects, "touches", lambda *_: True)
    monkeypatch.setattr(side_effects, "only_opens", lambda _: False)
    everything = computed(fault.snapshot, fault.question, fix, (10_000, 10_000))
    assert everything.untried == 0
    if few.untried:
        assert all(some <= whole for some, whole in zip(sets(few), sets(everything), strict=True))
    else:
        assert sets(few) == sets(everything)


def sets(found: Effects) -> tuple[set[str], set[str]]:
    def name(probe: Probe) -> str:
        return f"{probe.place.name} → {probe.door.name}"

    return {name(probe) for probe in found.opened}, {name(probe) for probe in found.closed}


def crowded(containers: int) -> Snapshot:
    """Many containers behind one general rule."""
    world = docker_world(filters=["-A FORWARD -i up0 -j DROP"])
    world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0")
    for number in range(containers):
        name = f"c{number}"
        inside = world.space(name)
        world.cable(f"host:v{number}", f"{name}:eth0")
        world["host"].plug(f"v{number}", "docker0")
        inside.address("eth0", f"172.17.1.{number}/16").route("default via 172.17.0.1 dev eth0").listen(80)
        world.container(name, f"172.17.1.{number}")
    return world.snapshot()


def test_work_is_bounded_and_what_was_not_tried_is_told() -> None:
    snapshot = crowded(40)
    question = resolve(snapshot, "10.77.0.1:8080", "ns:lan")
    fix = next(f for f in ask(snapshot, question).causes[0].fixes if isinstance(f.plan.changes[0], DeleteRule))
    before = Walked(snapshot)
    sideways = Sideways(question)
    found = sideways.of(before, before.derive(applied(snapshot, fix.plan.changes)), fix.plan.changes)
    assert sideways.walks <= MOST_FOR_A_FIX + 1 <= MOST
    assert found.untried > 0
    assert f"{found.untried} more possible side effects were not checked" in found.sentences()
    assert any("were not checked" in text for text in fix.side_effects)


def test_the_places_and_doors_of_a_docker_host() -> None:
    snapshot = docker()
    question = resolve(snapshot, "10.77.0.1:8080", "ns:lan")
    assert [place.name for place in places(snapshot, question)] == ["lan (via up0)", "the host", "db (bridge)"]
    assert [door.name for door in doors(snapshot, question)] == [
        "10.77.0.1:8080/tcp (web)", "web:80/tcp", "web:80/udp", "db:5432/tcp"
    ]  # fmt: skip
    outside = resolve(snapshot, "10.77.0.1:8080", "10.77.0.9@up0")
    assert [place.name for place in places(snapshot, outside)] == [
        "10.77.0.0/24 (via up0)",
        "the host",
        "db (bridge)",
    ]
    far = resolve(snapshot, "10.77.0.1:8080", "192.0.2.9@up0")
    assert places(snapshot, far)[-1].name == "192.0.2.9"


def test_namespaces_without_an_engine_and_ports_of_rules_are_looked_at() -> None:
    world = docker_world(
        filters=["-A INPUT -p tcp -m tcp --dport 2222 -j DROP"],
        user=["-p tcp -m tcp --dport 80 -j DROP"],
        proxy=False,
    )
    world.containers.clear()
    world["lan"].route("172.17.0.0/16 via 10.77.0.1 dev eth0")
    world["host"].listen(2222)
    snapshot = world.snapshot()
    own = fixes_of(snapshot, "10.77.0.1:2222")[0]
    assert own.side_effects == ("web and db can now also reach host:2222/tcp",)
    behind = fixes_of(snapshot, f"{WEB}:80")[0]
    assert behind.side_effects == ("lan (via up0) can now also reach 10.77.0.1:8080/tcp",)
