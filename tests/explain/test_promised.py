"""What an engine was asked for and does not do: what has it write its rules anew, and what its drops are for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Match,
    Name,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
)
from engine.model.host import Snapshot
from engine.model.verdict import Cause
from tests.hosts.stock import docker_world

BRIDGE = Match((Field("meta oifname"),), ((Name("docker0"),),), text="oifname docker0")


def first(snapshot: Snapshot, target: str = "10.77.0.1:8080", source: str = "ns:lan") -> Cause:
    return ask(snapshot, resolve(snapshot, target, source)).causes[0]


def test_a_published_port_that_is_not_accepted_is_for_the_engine_to_write_anew() -> None:
    world = docker_world()
    tables = world["host"].tables
    chains = (replace(each, rules=()) if each.name == "DOCKER" else each for each in tables[0].chains)
    tables[0] = replace(tables[0], chains=tuple(chains))
    cause = first(world.snapshot())
    assert cause.code == "FW_POLICY_DROP"
    assert (
        "web is published at 8080, but the rule of docker that accepts it is missing; "
        "restart the engine (systemctl restart docker): it writes its rules again" in cause.evidence
    )


def test_what_the_engine_s_client_writes_anew_comes_before_rules_by_hand() -> None:
    world = docker_world(nat="", proxy=False)
    snapshot = world.snapshot()
    podman = tuple(replace(each, engine="podman", command=("podman",)) for each in snapshot.containers)
    assert [fix.commands[:1] for fix in first(replace(snapshot, containers=podman)).fixes] == [
        (("podman", "network", "reload", "web"),),
        (),
    ]
    (by_hand,) = first(snapshot).fixes
    assert by_hand.title.startswith("restart the engine (systemctl restart docker): it writes its rules again; until")


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        ("ICC", "FW_ICC_DROP"),
        ("UNPUBLISHED PORT DROP", "FW_UNPUBLISHED_PORT_DROP"),
        ("INTERNAL NETWORK INGRESS", "FW_INTERNAL_NET_DROP"),
        ("something else", "FW_RULE_DROP"),
    ],
)
def test_docker_says_in_a_comment_what_its_drop_is_for(comment: str, code: str) -> None:
    statements: tuple[Statement, ...] = (BRIDGE, RuleVerdict(VerdictKind.DROP))
    rule = Rule(0, statements, f'oifname docker0 drop comment "{comment}"', comment=comment)
    chain = Chain("filter-FORWARD", (rule,), BaseChain("filter", "forward", 0))
    world = docker_world()
    world["host"].table(Table(Backend.NFT, "ip", "docker-bridges", (chain,)))
    assert first(world.snapshot()).code == code


def test_a_rule_from_a_cluster_s_policy_is_for_a_policy_to_change() -> None:
    drop = [":KUBE-POD-FW-ABC - [0:0]", "-A KUBE-POD-FW-ABC -j REJECT --reject-with icmp-port-unreachable"]
    world = docker_world(user=["-d 172.17.0.2/32 -j KUBE-POD-FW-ABC"], filters=drop)
    cause = first(world.snapshot())
    assert cause.owner == "cni"
    assert any("NetworkPolicy" in each for each in cause.evidence)
