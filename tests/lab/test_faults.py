"""The break menu as data: enough of it, each with a story, hints and a way back, in words that a lab has."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.change.program import Command, Serve
from engine.change.sysctl import SetSysctl
from engine.lab import dojo, faults
from engine.lab.errors import LabError
from engine.lab.faults.table import Fault
from engine.lab.lifecycle import draft

LAB = draft('services:\n  web: {ports: ["8080:80"]}\n  near: {}\n', "lab.yaml", "lab")

PROXY = draft(
    """\
services:
  proxy: {ports: ["8080:80"], extra_hosts: ["backend:172.18.0.3"]}
  web: {}
x-lab: {commands: {proxy: nginx}}
""",
    "lab.yaml",
    "lab",
)


def test_there_are_at_least_forty_faults() -> None:
    assert len(faults.FAULTS) >= 40


@pytest.mark.parametrize(
    ("ports", "asked"),
    [
        ('"8080:80"', ("lan", "192.168.30.1:8080")),
        ('"127.0.0.1:8080:80", "0.0.0.0:8081:80"', ("lan", "192.168.30.1:8081")),
        ('"127.0.0.1:8080:80"', ("host", "127.0.0.1:8080")),
        ('"[::]:8080:80"', ("lan", "[fd00:30::1]:8080")),
        ('"[::1]:8080:80"', ("host", "[::1]:8080")),
    ],
)
def test_the_question_of_a_lab_is_one_that_can_be_asked(ports: str, asked: tuple[str, str]) -> None:
    network = "networks: {n: {enable_ipv6: true, ipam: {config: [{subnet: fd00:7::/64}]}}}"
    file = f"services:\n  web: {{ports: [{ports}], networks: [n]}}\n{network}\n"
    assert faults.question(draft(file, "lab.yaml", "lab").lab) == asked


@pytest.mark.parametrize("fault", faults.FAULTS.values(), ids=list(faults.FAULTS))
def test_a_fault_has_a_story_hints_and_a_way_back(fault: Fault) -> None:
    assert len(fault.story.split()) >= 4
    assert fault.story.endswith(".")
    assert len(fault.hints) >= 2
    assert sum(map(bool, (fault.actions, fault.listen, fault.asks and not fault.actions))) == 1
    changes = faults.plan(fault, (LAB if faults.fits(fault, LAB.lab) else PROXY).lab).changes
    for change in changes:
        assert isinstance(change, Command | SetSysctl)
        assert "{" not in "".join(word for word in change.words if word != "{") if isinstance(change, Command) else True
    ways_back = [change for change in changes if isinstance(change, SetSysctl) or change.back]
    assert bool(ways_back) == bool(fault.actions)


def test_rules_are_written_with_the_labs_own_tool() -> None:
    legacy = draft(LAB.text + "x-lab: {firewall: iptables-legacy}\n", "lab.yaml", "lab")
    (change,) = faults.plan(faults.find("docker-user-drop"), legacy.lab).changes
    assert isinstance(change, Command)
    assert change.words[:4] == ("iptables-legacy", "-w", "-I", "DOCKER-USER")
    assert change.back[:4] == ("iptables-legacy", "-w", "-D", "DOCKER-USER")


def test_a_fault_that_does_not_fit_says_what_is_missing() -> None:
    native = draft(LAB.text + "x-lab: {layout: docker-29}\n", "lab.yaml", "lab")
    with pytest.raises(LabError, match="needs Docker's chain DOCKER-USER"):
        faults.plan(faults.find("docker-user-drop"), native.lab)
    with pytest.raises(LabError, match="did you mean docker-user-drop"):
        faults.find("docker-user-dropp")


def test_a_fault_of_a_program_changes_what_it_listens_on() -> None:
    programs = tuple(change for change in LAB.plan.changes if isinstance(change, Serve))
    assert faults.listening(programs, (), LAB.lab) == programs
    assert faults.listening(programs, ("nothing-listens",), LAB.lab) == ()
    (serve,) = faults.listening(programs, ("app-on-loopback",), LAB.lab)
    assert isinstance(serve, Serve)
    assert (str(serve.address), serve.port) == ("127.0.0.1", 80)


def test_a_round_of_the_dojo_is_scored_by_looks_hints_and_wrong_answers() -> None:
    fault = dojo.pick(LAB.lab, 7)
    assert fault == dojo.pick(LAB.lab, 7)
    now = dojo.looked(dojo.Round(fault.name))
    now, first = dojo.hinted(now)
    now, second = dojo.hinted(now)
    assert (first, second) == fault.hints[:2]
    now, right = dojo.answered(now, "something-else")
    assert (right, now.score) == (False, 100 - 5 - 2 * 15 - 20)
    assert dojo.answered(now, fault.name) == (now, True)
    assert dojo.answered(now, fault.cause) == (now, True)


def test_the_last_hint_is_the_story_and_costs_nothing_twice() -> None:
    now = dojo.Round("docker-user-drop")
    for _ in range(9):
        now, hint = dojo.hinted(now)
    assert hint == faults.find("docker-user-drop").story
    assert now.hints == len(faults.find("docker-user-drop").hints) + 1


def test_every_fault_can_come_in_the_dojo_but_those_that_nobody_notices() -> None:
    assert {dojo.pick(LAB.lab, seed).name for seed in range(2000)} == {
        fault.name for fault in faults.FAULTS.values() if fault.cause and fault.name != "upstream-moved"
    }
    assert "upstream-moved" in {dojo.pick(PROXY.lab, seed).name for seed in range(2000)}


def test_the_fault_of_a_round_is_not_told_until_it_is_over(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    there = ("docker-user-drop", "stale-dnat")
    assert dojo.told("lab", there, tmp_path) == there
    dojo.store("lab", dojo.Round("stale-dnat"), tmp_path)
    assert dojo.told("lab", there, tmp_path) == ("docker-user-drop", dojo.SECRET)
    dojo.store("lab", None, tmp_path)
    assert dojo.told("lab", there, tmp_path) == there


def test_a_program_that_is_not_the_lab_s_own_is_not_exchanged() -> None:
    about_programs = [fault for fault in faults.FAULTS.values() if fault.listen]
    assert about_programs
    for fault in about_programs:
        assert faults.fits(fault, LAB.lab)
        assert not faults.fits(fault, PROXY.lab)
        with pytest.raises(LabError, match="port 80 of proxy is served by no listener of the lab's own"):
            faults.plan(fault, PROXY.lab)


def test_a_program_in_a_shared_namespace_is_that_of_whoever_serves_the_port() -> None:
    file = 'services:\n  pod: {ports: ["8080:80", "9090:90"]}\n  web: {network_mode: "service:pod", expose: ["80"]}\n'
    shared = draft(file + "x-lab: {listens: {pod: []}}\n", "lab.yaml", "lab")
    assert faults.question(shared.lab) == ("lan", "192.168.30.1:8080")
    before = [change for change in shared.plan.changes if isinstance(change, Serve)]
    assert [change.name for change in before] == ["web"]
    assert not faults.listening(before, ["nothing-listens"], shared.lab)
