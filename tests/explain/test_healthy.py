"""A host that works has no causes, however many rules it has that drop something else."""

from __future__ import annotations

from itertools import product

import pytest

from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import Backend
from engine.model.host import Gap, Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Reach
from tests.explain.faults import line
from tests.hosts.stock import docker_world, one_bridge, three_in_line, two_uplinks

#: Rules that drop plenty, and nothing of what is asked here.
UNRELATED = [
    *(f"-s 192.0.2.{number}/32 -j DROP" for number in range(60)),
    *(f"-p tcp -m tcp --dport {port} -j REJECT --reject-with tcp-reset" for port in (22, 23, 25, 445, 3389)),
    "-p udp -m udp --dport 53 -j DROP",
    "-i wg0 -j DROP",
    "-m conntrack --ctstate INVALID -j DROP",
    "-m limit --limit 5/min -j LOG",
    "-p icmp -j DROP",
    "-d 172.17.0.9/32 -j DROP",
]


def busy() -> Snapshot:
    world = docker_world(user=UNRELATED)
    world["host"].iptables(
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.0/24 -j DROP\nCOMMIT\n", Backend.XT_LEGACY
    )
    return world.snapshot()


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("10.77.0.1:8080", "ns:lan"),
        (":8080", "host"),
        ("127.0.0.1:8080", "host"),
        ("web:80", "host"),
        ("web:80", "db"),
        ("web:80", "web"),
        ("db:5432", "web"),
        ("10.77.0.1:8080", "db"),
        ("10.77.0.1:8080", "web"),
        ("10.77.0.1:8080", "10.77.0.2@up0"),
    ],
)
def test_a_docker_host_that_works_has_no_causes(target: str, source: str) -> None:
    snapshot = busy()
    verdict = ask(snapshot, resolve(snapshot, target, source))
    assert (verdict.reach, verdict.symptom, verdict.causes) == (Reach.YES, Symptom.CONNECTED, ())
    assert verdict.branches == ()


@pytest.mark.parametrize(
    ("address", "protocol"), list(product(["10.2.0.2", "[fd02::2]"], [Protocol.TCP, Protocol.UDP]))
)
def test_a_plain_line_that_works_has_no_causes(address: str, protocol: Protocol) -> None:
    snapshot = three_in_line().snapshot("client")
    verdict = ask(snapshot, resolve(snapshot, f"{address}:80", "host", protocol))
    assert (verdict.reach, verdict.causes) == (Reach.YES, ())
    rests_on = ["ASSUME_UDP_ANSWER"] if protocol is Protocol.UDP else []
    assert [each.code for each in verdict.assumptions] == rests_on


def test_a_bridge_and_two_uplinks_that_work_have_no_causes() -> None:
    bridge, uplinks = one_bridge().snapshot("left"), two_uplinks().snapshot()
    assert ask(bridge, resolve(bridge, "10.3.0.2:80")).causes == ()
    assert ask(uplinks, resolve(uplinks, "203.0.113.2:443", "192.0.2.9@isp2")).causes == ()


# What the answer rests on.


def test_a_rule_of_chance_makes_the_answer_depend_and_is_named() -> None:
    rule = "-A FORWARD -d 10.2.0.2/32 -m recent --rcheck --name x --rsource -j DROP"
    text = f"*filter\n:FORWARD ACCEPT [0:0]\n{rule}\nCOMMIT\n"
    snapshot = line(lambda world: world["router"].iptables(text))
    verdict = ask(snapshot, resolve(snapshot, "10.2.0.2:80"))
    assert verdict.reach is Reach.DEPENDS
    assert "INFO_DEPENDS" in [cause.code for cause in verdict.causes]
    assert {conversation.symptom for conversation in verdict.branches} >= {Symptom.CONNECTED, Symptom.TIMEOUT}
    (decider,) = [cause for cause in verdict.causes if cause.code == "INFO_DEPENDS"]
    assert decider.at.name == "filter/FORWARD 1"


def test_more_ways_than_are_walked_make_the_answer_depend() -> None:
    rules = "".join(
        f"-A FORWARD -m recent --rcheck --name x{number} --rsource -j MARK --set-mark 1\n" for number in range(7)
    )
    snapshot = line(lambda world: world["router"].iptables(f"*mangle\n:FORWARD ACCEPT [0:0]\n{rules}COMMIT\n"))
    verdict = ask(snapshot, resolve(snapshot, "10.2.0.2:80"))
    assert (verdict.reach, verdict.symptom) == (Reach.DEPENDS, Symptom.CONNECTED)
    (cause,) = verdict.causes
    assert (cause.code, cause.at.name) == ("INFO_DEPENDS", "mangle/FORWARD 1")
    assert "too many undecided branches" in cause.sentence


def test_a_rule_of_chance_that_does_not_matter_leaves_the_answer_alone() -> None:
    text = "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m recent --rcheck --name x --rsource -j DROP\nCOMMIT\n"
    snapshot = line(lambda world: world["router"].iptables(text))
    verdict = ask(snapshot, resolve(snapshot, "10.2.0.2:80"))
    assert (verdict.reach, verdict.branches) == (Reach.NO, ())


def test_gaps_of_namespaces_on_the_way_and_of_the_whole_host_are_told() -> None:
    world = three_in_line()
    world.space("elsewhere")
    world.gaps += [Gap("nft", "router", "not installed"), Gap("docker", "", "no answer"), Gap("nft", "elsewhere", "x")]
    snapshot = world.snapshot("client")
    told = ask(snapshot, resolve(snapshot, "10.2.0.2:80")).gaps
    assert {(gap.source, gap.netns) for gap in told} >= {("nft", "router"), ("docker", "")}
    assert ("nft", "elsewhere") not in {(gap.source, gap.netns) for gap in told}


def test_the_same_question_has_the_same_answer() -> None:
    snapshot = busy()
    question = resolve(snapshot, "10.77.0.1:8080", "ns:lan")
    assert ask(snapshot, question) == ask(snapshot, question)
