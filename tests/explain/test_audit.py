"""Rules as a whole: each flaw on a small ruleset, and never on a rule that a packet of a recorded host meets."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.explain.audit.rules import all_findings, audit
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.ref import RefKind
from engine.model.rule_finding import NEVER, RuleFinding
from engine.model.trace import Conversation
from engine.model.verdict import Question, Source
from engine.observe.firewall.nft.document import parse_nft
from engine.path.exchange.conversation import conversations
from engine.path.world import World
from tests.fidelity.record import read_host, read_truth
from tests.hosts.stock import docker_world, three_in_line
from views.reports import rules


def of(text: str, table: str = "filter", heads: str = ":INPUT ACCEPT [0:0]\n") -> list[tuple[str, str, str]]:
    """The findings of a router with these rules: flaw, rule, and the rule that is the reason."""
    world = three_in_line()
    world["router"].iptables(f"*{table}\n{heads}{text}COMMIT\n")
    snapshot = world.snapshot()
    return [told(each) for each in audit(snapshot, snapshot.by_id["router"]) if each.flaw != "unused"]


def told(finding: RuleFinding) -> tuple[str, str, str]:
    return str(finding.flaw), finding.at.name, finding.by.name if finding.by else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-A INPUT -p tcp -m tcp --dport 80 -j DROP\n" * 2, [("duplicate", "filter/INPUT 2", "filter/INPUT 1")]),
        (
            "-A INPUT -j DROP\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n",
            [("after-verdict", "filter/INPUT 2", "filter/INPUT 1")],
        ),
        (
            "-A INPUT -s 10.0.0.0/8 -j DROP\n-A INPUT -s 10.1.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT\n",
            [("shadowed", "filter/INPUT 2", "filter/INPUT 1")],
        ),
        (
            "-A INPUT -s 10.1.0.7/32 -j DROP\n-A INPUT -s 10.1.0.7/32 -i left -p tcp -m tcp --dport 22 -j ACCEPT\n",
            [("shadowed", "filter/INPUT 2", "filter/INPUT 1")],
        ),
        (
            "-A INPUT ! -s 10.0.0.0/8 -j DROP\n-A INPUT -s 11.0.0.0/8 -j ACCEPT\n",
            [("shadowed", "filter/INPUT 2", "filter/INPUT 1")],
        ),
        ("-A INPUT -i wg0 -j ACCEPT\n", [("no-device", "filter/INPUT 1", "")]),
        ("-A INPUT ! -i wg0 -j ACCEPT\n-A INPUT -i left+ -j ACCEPT\n", []),
        ("-A INPUT -s 10.1.0.0/16 -j DROP\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n", []),
        ("-A INPUT -m limit --limit 1/s -j ACCEPT\n-A INPUT -j DROP\n", []),
        ("-A INPUT -m mark --mark 1 -j DROP\n-A INPUT -j MARK --set-mark 1\n-A INPUT -m mark --mark 1 -j DROP\n", []),
    ],
    ids=str,
)
def test_a_rule_that_no_packet_can_match_is_found(text: str, expected: list[tuple[str, str, str]]) -> None:
    found = of(text)
    if "MARK" in text:  # the same text twice is still told
        assert {flaw for flaw, *_ in found} <= {"duplicate"}
    else:
        assert found == expected


def test_a_chain_that_is_reached_from_nowhere_and_one_that_never_returns() -> None:
    heads = ":INPUT ACCEPT [0:0]\n:closed - [0:0]\n:lost - [0:0]\n"
    text = "-A INPUT -j closed\n-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n-A closed -j DROP\n-A lost -j DROP\n"
    assert of(text, heads=heads) == [
        ("after-verdict", "filter/INPUT 2", "filter/INPUT 1"),
        ("unreached", "filter/lost", ""),
    ]


def test_an_empty_set_matches_nothing_until_something_is_in_it() -> None:
    document = {
        "nftables": [
            {"table": {"family": "ip", "name": "t", "handle": 1}},
            {"chain": {"family": "ip", "table": "t", "name": "in", "handle": 1, "type": "filter", "hook": "input",
                       "prio": 0, "policy": "accept"}},
            {"set": {"family": "ip", "table": "t", "name": "bad", "type": "ipv4_addr", "handle": 2}},
            {"rule": {"family": "ip", "table": "t", "chain": "in", "handle": 3, "expr": [
                {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@bad"}},
                {"drop": None},
            ]}},
        ]
    }  # fmt: skip
    world = three_in_line()
    world["router"].table(*parse_nft(document))
    snapshot = world.snapshot()
    (found,) = audit(snapshot, snapshot.by_id["router"])
    assert (found.flaw, found.at.name) == ("empty-set", "t/in handle 3")
    assert found.sentence == "never matches: set bad is empty"


def test_a_rule_that_names_a_published_port_does_not_see_its_packets() -> None:
    world = docker_world(
        user=["-p tcp -m tcp --dport 8080 -j DROP"], filters=["-A INPUT -p tcp -m tcp --dport 8080 -j DROP"]
    )
    findings = [each for each in audit(world.snapshot(), world.snapshot().host_netns) if each.flaw == "published"]
    assert [each.at.name for each in findings] == ["filter/INPUT 1", "filter/DOCKER-USER 1"]
    assert "goes into DOCKER-USER" in findings[0].sentence
    assert "match --ctorigdstport 8080" in findings[1].sentence


def test_a_container_s_address_that_nothing_has_is_found() -> None:
    world = docker_world(
        nat="-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.99:80\n"
    )
    found = [each for each in all_findings(world.snapshot()) if each.flaw == "no-address"]
    assert [each.sentence for each in found] == ["translates to 172.17.0.99, which is on no interface behind docker0"]


def matched(talk: Conversation) -> set[tuple[str, tuple[str | int, ...]]]:
    """The rules and chains that a conversation's packets met."""
    found = {
        (step.ref.netns, step.ref.key)
        for trace in talk.traces
        for step in trace.steps
        if step.ref is not None and step.ref.kind is RefKind.RULE
    }
    return found | (matched(talk.relayed) if talk.relayed else set())


@pytest.mark.parametrize("name", sorted(read_truth())[::4])
def test_no_packet_of_a_recorded_host_meets_a_rule_that_is_said_never_to_match(name: str) -> None:
    snapshot: Snapshot = read_host(name)
    never = {(each.at.netns, each.at.key) for each in all_findings(snapshot) if each.flaw in NEVER}
    world = World(snapshot)
    for row in read_truth()[name]:
        question = Question(Source(row.source), ip_address(row.address), row.port, Protocol(row.protocol))
        for run in conversations(world, question)[0]:
            assert not never & matched(run.result)


def test_thousands_of_rules_are_audited_and_told_as_text_and_json() -> None:
    bans = "".join(f"-A INPUT -s 10.{n // 256}.{n % 256}.9/32 -j DROP\n" for n in range(5000))
    world = three_in_line()
    world["router"].iptables(f"*filter\n:INPUT ACCEPT [0:0]\n{bans}-A INPUT -s 10.3.7.9/32 -p tcp -j DROP\nCOMMIT\n")
    snapshot = world.snapshot()
    (found,) = [each for each in all_findings(snapshot) if each.flaw != "unused"]
    assert told(found) == ("shadowed", "filter/INPUT 5001", "filter/INPUT 776")
    text = rules.render([found])
    assert "rule 5001 of filter/INPUT in router never matches" in " ".join(text.split())
    (row,) = rules.document(snapshot, [found])["findings"]
    assert (row["flaw"], row["at"]["index"], row["by"]["name"]) == ("shadowed", 5000, "filter/INPUT #775")
