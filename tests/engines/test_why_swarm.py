"""Faults of an overlay between two real engines: what a client sees, on which host it is, and a fix that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.verdict import Verdict
from tests.engines.swarm import Node, Swarm
from tests.harness.needs import require

require("dockerd", "docker", "containerd", "runc", "busybox", "iptables", "bridge", "unshare", "nsenter", root=True)

DROP = ("-p", "udp", "--dport", "4789", "-j", "DROP")


@pytest.fixture(scope="module")
def swarm() -> Iterator[Swarm]:
    with Swarm() as made:
        yield made


def mac_of(swarm: Swarm) -> str:
    return swarm.manager.docker("inspect", "-f", "{{.NetworkSettings.Networks.ov.MacAddress}}", "web")


@dataclass(frozen=True)
class Fault:
    """What is broken, and mended again; the code of its cause, and the host that this is on."""

    code: str
    host: str
    breaks: Callable[[Swarm], object]
    mends: Callable[[Swarm], object]


def rule(node: Callable[[Swarm], Node], chain: str, *words: str) -> tuple[Callable[[Swarm], object], ...]:
    return (
        lambda swarm: node(swarm).machine.run("iptables", "-I", chain, *words),
        lambda swarm: node(swarm).machine.run("iptables", "-D", chain, *words),
    )


def entry(verb: str, learning: str) -> Callable[[Swarm], object]:
    """The forwarding entry of node2's end for web's MAC address, which a late frame from there must not bring back."""

    def change(swarm: Swarm) -> None:
        swarm.worker.overlay("ip", "link", "set", "vxlan0", "type", "vxlan", learning)
        entry = ("dev", "vxlan0", "dst", swarm.manager.address, "self", "permanent")
        swarm.worker.overlay("bridge", "fdb", verb, mac_of(swarm), *entry)

    return change


def manager(swarm: Swarm) -> Node:
    return swarm.manager


def worker(swarm: Swarm) -> Node:
    return swarm.worker


FAULTS = {
    "4789-in-on-node1": Fault("FW_RULE_DROP", "node1", *rule(manager, "INPUT", *DROP)),
    "4789-out-on-node2": Fault("FW_RULE_DROP", "node2", *rule(worker, "OUTPUT", *DROP)),
    "4789-in-on-node2": Fault("FW_RULE_DROP", "node2", *rule(worker, "INPUT", *DROP)),
    "no-entry-on-node2": Fault(
        "LINK_VXLAN_FORWARDING", "node2", entry("del", "nolearning"), entry("append", "learning")
    ),
}


def answer(swarm: Swarm, port: int) -> Verdict:
    snapshot = swarm.snapshot()
    return ask(snapshot, resolve(snapshot, f"node1/{swarm.web}:{port}", "node2/cli"))


@pytest.mark.parametrize(("port", "seen"), [(80, "connected"), (81, "refused")])
def test_a_healthy_overlay(swarm: Swarm, port: int, seen: str) -> None:
    assert swarm.ask(port) == seen
    assert str(answer(swarm, port).symptom) == seen


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_seen_as_the_client_sees_it_and_named_with_its_host(swarm: Swarm, name: str) -> None:
    fault = FAULTS[name]
    fault.breaks(swarm)
    try:
        seen, verdict = swarm.ask(80), answer(swarm, 80)
    finally:
        fault.mends(swarm)
    assert (str(verdict.symptom), verdict.causes[0].code) == (seen, fault.code)
    at = verdict.causes[0].at.netns
    assert at.partition("/")[0] == fault.host
    assert verdict.causes[0].fixes[0].host == fault.host
