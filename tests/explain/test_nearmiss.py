"""Rules that would have helped but for one or two conditions, and why they did not."""

from __future__ import annotations

import pytest

from engine.explain.nearmiss import MOST_SHOWN
from engine.model.verdict import NearMiss, Verdict
from tests.explain.faults import Fault, docker, line

PUBLISH_81 = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 81 -j DNAT --to-destination 172.17.0.2:80\n"


def misses(verdict: Verdict) -> list[NearMiss]:
    return [miss for cause in verdict.causes for miss in cause.near_misses]


def policy(*rules: str) -> list[tuple[str, str]]:
    """Near misses of a router whose policy drops, after these rules."""
    made = "".join(f"-A FORWARD {rule}\n" for rule in rules)
    text = f"*filter\n:FORWARD DROP [0:0]\n:SUB - [0:0]\n{made}COMMIT\n"
    fault = Fault("", line(lambda world: world["router"].iptables(text)), "", "", "10.2.0.2:80", "host")
    first = fault.verdict().causes[0]
    return [(miss.text.removeprefix("-A FORWARD "), miss.because) for miss in first.near_misses]


@pytest.mark.parametrize(
    ("rule", "because"),
    [
        ("-p tcp -m tcp --dport 81 -j ACCEPT", "tcp dport: the rule asks “--dport 81”, the packet has 80"),
        ("-s 10.9.0.0/16 -j ACCEPT", "ip saddr: the rule asks “-s 10.9.0.0/16”, the packet has 10.1.0.2"),
        ("-i right -j ACCEPT", "iifname: the rule asks “-i right”, the packet has left"),
        ("! -o right -j ACCEPT", "oifname: the rule asks “! -o right”, the packet has right"),
        ("-p udp -j ACCEPT", "l4proto: the rule asks “-p udp”, the packet has tcp"),
        (
            "-m conntrack --ctstate ESTABLISHED -j ACCEPT",
            "ct state: the rule asks “--ctstate ESTABLISHED”, the packet has new",
        ),
        ("-m mark --mark 0x1 -j ACCEPT", "mark: the rule asks “--mark 0x1”, the packet has 0x0"),
    ],
)
def test_the_condition_that_failed_is_named_with_what_the_packet_has(rule: str, because: str) -> None:
    ((text, why),) = policy(rule)
    assert text == rule
    assert because.partition("“")[0] in why
    assert because.partition("”")[2] in why


def test_two_failed_conditions_are_still_near_and_three_are_not() -> None:
    assert len(policy("-i right -s 10.9.0.0/16 -j ACCEPT")) == 1
    assert policy("-i right -s 10.9.0.0/16 -d 10.8.0.0/16 -j ACCEPT") == []


@pytest.mark.parametrize("rule", ["-i right -j DROP", "-i right -j LOG", "-i right"])
def test_a_rule_that_would_not_have_accepted_is_no_near_miss(rule: str) -> None:
    assert policy(rule) == []


def test_the_nearest_come_first_and_only_some_are_shown() -> None:
    far, near = "-i right -s 10.9.0.0/16 -j ACCEPT", "-i right -j ACCEPT"
    assert [text for text, _ in policy(far, near)] == [near, far]
    assert len(policy(*[f"-s 10.{number}.0.0/16 -j ACCEPT" for number in range(20, 40)])) == MOST_SHOWN


def test_a_port_that_is_not_published_is_near_to_one_that_is() -> None:
    fault = Fault("", docker(nat=PUBLISH_81), "", "", "10.77.0.1:5432")
    (miss,) = misses(fault.verdict())
    assert miss.ref.name == "nat/DOCKER #1"
    assert "the packet has 5432" in miss.because
