"""The demo lab's plan: pure, complete, and with exactly one fault."""

from __future__ import annotations

import shlex
from dataclasses import replace

from engine.change.namespace import CreateNetns
from engine.change.program import Command, Serve
from engine.lab import description
from engine.lab.demo import demo
from tests.views.hosts import docker_host


def test_a_plan_is_the_same_each_time_and_named_after_its_lab() -> None:
    assert demo("demo") == demo("demo")
    made = [change.name for change in demo("x7").plan.changes if isinstance(change, CreateNetns)]
    assert sorted(made) == ["x7-api", "x7-db", "x7-host", "x7-lan", "x7-web"]


def test_every_change_lies_in_a_namespace_of_the_lab() -> None:
    made: set[str] = set()
    for change in demo().plan.changes:
        if isinstance(change, CreateNetns):
            made.add(change.name)
        else:
            assert change.netns in made
            assert getattr(change, "peer_netns", change.netns) in made


def test_the_question_names_the_published_port_and_the_client() -> None:
    assert (demo().target, demo().source) == ("192.168.30.1:8080", "ns:demo-lan")


def test_the_last_change_is_the_one_fault_and_it_is_in_docker_user() -> None:
    *_, fault = demo().plan.changes
    assert isinstance(fault, Command)
    assert shlex.join(fault.words) == "iptables-nft -I DOCKER-USER -i eth0 -p tcp -m tcp --dport 80 -j DROP"
    assert not any(isinstance(change, Command) for change in demo().plan.changes[:-1])


def test_what_is_published_has_a_server() -> None:
    served = {(change.netns, change.port) for change in demo().plan.changes if isinstance(change, Serve)}
    assert served == {("demo-web", 80), ("demo-api", 8000), ("demo-db", 5432)}


def test_its_nodes_are_the_containers_of_a_snapshot_of_its_host_and_nothing_else_of_the_machine_is_in_it() -> None:
    machine = docker_host()
    names = ("demo-host", "demo-lan", "demo-web", "demo-api", "demo-db")
    spaces = (*machine.namespaces, *(replace(machine.host_netns, id=name) for name in names))
    found = description.alone(replace(machine, host="demo-host", namespaces=spaces), demo().lab)
    assert [netns.id for netns in found.namespaces] == list(names)
    ports = {one.name: [(port.host_port, port.container_port) for port in one.published] for one in found.containers}
    assert ports == {"web": [(8080, 80)], "api": [(8000, 8000)], "db": []}
    assert ("demo", "demo0") in [(net.name, net.bridge) for net in found.networks]
