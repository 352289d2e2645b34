"""Rules that would have helped but for one or two conditions, and why they did not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.explain.evidence.near_misses import MOST_SHOWN
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    MapElement,
    Match,
    Name,
    NamedSet,
    Rule,
    RuleVerdict,
    Statement,
    Table,
    VerdictKind,
    VerdictMap,
)
from engine.model.verdict import NearMiss
from engine.model.verdict import Verdict as Answer
from tests.explain.faults import Fault, docker, line
from tests.hosts.build import World
from tests.hosts.stock import DOCKER_RULES, PUBLISH

PUBLISH_81 = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 81 -j DNAT --to-destination 172.17.0.2:80\n"


def misses(verdict: Answer) -> list[NearMiss]:
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
        ("-p tcp -m tcp --dport 81 -j ACCEPT", "tcp dport: the rule matches “--dport 81”, the packet has 80"),
        ("-s 10.9.0.0/16 -j ACCEPT", "ip saddr: the rule matches “-s 10.9.0.0/16”, the packet has 10.1.0.2"),
        ("-i right -j ACCEPT", "iifname: the rule matches “-i right”, the packet has left"),
        ("! -o right -j ACCEPT", "oifname: the rule matches “! -o right”, the packet has right"),
        ("-p udp -j ACCEPT", "l4proto: the rule matches “-p udp”, the packet has tcp"),
        (
            "-m conntrack --ctstate ESTABLISHED -j ACCEPT",
            "ct state: the rule matches “--ctstate ESTABLISHED”, the packet has new",
        ),
        ("-m mark --mark 0x1 -j ACCEPT", "mark: the rule matches “--mark 0x1”, the packet has 0x0"),
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
    assert miss.ref.name == "nat/DOCKER 2"
    assert "the packet has 5432" in miss.because


def of_packet(user: list[str], **more: Any) -> list[tuple[str, str]]:
    """Near misses of the first cause on the Docker host, asked from the LAN, without the rules' chains."""
    first = Fault("", docker(user=user, **more), "", "", "10.77.0.1:8080").verdict().causes[0]
    return [(miss.text.partition(" ")[2], miss.because) for miss in first.near_misses]


def test_what_a_list_of_the_admin_s_would_have_let_pass_before_its_drop_is_told() -> None:
    allowed = ["-s 192.168.0.0/16 -j ACCEPT", "-s 10.0.0.0/8 -i wg0 -j RETURN", "-i up0 -j DROP", "-i wg1 -j ACCEPT"]
    assert of_packet(allowed)[:-1] == [
        (f"DOCKER-USER {allowed[1]}", "iifname: the rule matches “-i wg0”, the packet has up0"),
        (f"DOCKER-USER {allowed[0]}", "ip saddr: the rule matches “-s 192.168.0.0/16”, the packet has 10.77.0.2"),
    ]


def test_a_rule_that_would_accept_and_stands_behind_the_drop_is_told_last() -> None:
    (text, why) = of_packet(["-i up0 -j DROP"])[-1]
    assert text.startswith("DOCKER -d 172.17.0.2/32")
    assert why == "not evaluated: filter/DOCKER-USER 1 comes before it"


def test_what_the_packet_had_before_its_translation_is_told_where_a_rule_asks_for_that() -> None:
    rules = DOCKER_RULES.replace("--dport 80 -j ACCEPT", "--dport 8080 -j ACCEPT")

    def change(world: World) -> None:
        world["host"].tables.clear()
        world["host"].iptables(rules.format(user="", filter="", nat=PUBLISH))

    first = Fault("", docker(change), "", "", "10.77.0.1:8080").verdict().causes[0].near_misses[0]
    assert first.because == "tcp dport: the rule matches “--dport 8080”, the packet has 80 (8080 before translation)"


def test_a_jump_that_did_not_lead_to_a_rule_is_what_failed() -> None:
    assert policy("-i right -j SUB") == []
    text = "*filter\n:FORWARD DROP [0:0]\n:SUB - [0:0]\n-A FORWARD -i right -j SUB\n-A SUB -p tcp -j ACCEPT\nCOMMIT\n"
    fault = Fault("", line(lambda world: world["router"].iptables(text)), "", "", "10.2.0.2:80", "host")
    (miss,) = misses(fault.verdict())
    assert (miss.ref.name, miss.because) == (
        "filter/FORWARD 1",
        "iifname: the rule matches “-i right”, the packet has left",
    )


def test_a_rule_of_nat_that_another_one_keeps_from_being_asked_is_told() -> None:
    snapshot = docker(nat="-A DOCKER -i up0 -j RETURN\n" + PUBLISH, proxy=False)
    (miss,) = misses(Fault("", snapshot, "", "", "10.77.0.1:8080").verdict())
    assert miss.because == "not evaluated: rule 2 of nat/DOCKER comes before it (-A DOCKER -i up0 -j RETURN)"


def test_the_masquerading_of_other_networks_is_near_to_what_is_missing() -> None:
    rules = DOCKER_RULES.replace("-A POSTROUTING -s 172.17.0.0/16 !", "-A POSTROUTING -s 172.18.0.0/16 !")

    def change(world: World) -> None:
        world["host"].tables.clear()
        world["host"].iptables(rules.format(user="", filter="", nat=""))
        world["lan"].listen(9000)

    cause = Fault("", docker(change), "", "", "10.77.0.2:9000", "web").verdict().causes[0]
    assert cause.code == "NAT_MASQ_MISSING"
    assert cause.near_misses[0].because.endswith("“-s 172.18.0.0/16”, the packet has 172.17.0.2")


def test_an_accept_of_another_table_is_no_near_miss() -> None:
    """Only the chain that drops can let the packet through."""

    def change(world: World) -> None:
        world["router"].iptables("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n")
        other = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -i right -j ACCEPT\nCOMMIT\n"
        world["router"].iptables(other, Backend.XT_LEGACY)

    assert misses(Fault("", line(change), "", "", "10.2.0.2:80", "host").verdict()) == []


def native(*statements: Statement, sets: tuple[NamedSet, ...] = ()) -> list[str]:
    """Why one native rule with these statements lets nothing through at a policy that drops."""
    base = BaseChain("filter", "forward", 0, VerdictKind.DROP)
    table = Table(Backend.NFT, "ip", "t", (Chain("f", (Rule(0, statements, "the rule"),), base),), sets)
    fault = Fault("", line(lambda world: world["router"].table(table)), "", "", "10.2.0.2:80", "host")
    return [miss.because for miss in fault.verdict().causes[0].near_misses]


ACCEPT = RuleVerdict(VerdictKind.ACCEPT)
SOURCE, DPORT = Field("ip saddr"), Field("tcp dport")
NINE, PORT_81 = Interval(0x0A090000, 0x0A09FFFF), Interval(81, 81)
OWN, PORT_80 = Interval(0x0A010002, 0x0A010002), Interval(80, 80)


@pytest.mark.parametrize(
    ("statements", "sets", "because"),
    [
        (
            (Match((SOURCE,), lookup="good", text="ip saddr @good"), ACCEPT),
            (NamedSet("good", ("ipv4_addr",), ((NINE,),) * 5),),
            "ip saddr: the rule matches “ip saddr @good” (good contains 10.9.0.0/16, 10.9.0.0/16, 10.9.0.0/16, 2 more)"
            ", the packet has 10.1.0.2",
        ),
        (
            (Match((SOURCE, DPORT), ((OWN, PORT_81),)), ACCEPT),
            (),
            "ip saddr . tcp dport: the rule matches “10.1.0.2 . 81”, the packet has 10.1.0.2 . 80",
        ),
        (
            (VerdictMap((DPORT,), (MapElement((PORT_81,), ACCEPT),)),),
            (),
            "tcp dport: the map has 81, the packet has 80",
        ),
        (
            (Match((Field("meta mark", 0xFF),), ((Interval(1, 1),),)), ACCEPT),
            (),
            "mark: the rule matches “0x1”, the packet has 0x0",
        ),
        (
            (Match((Field("fib daddr type"),), ((Name("local"),),)), ACCEPT),
            (),
            "daddr type: the rule matches “local”, the packet has unicast",
        ),
        (
            (Match((Field("physdev in"),), ((Name("veth1"),),)), ACCEPT),
            (),
            "physdev in: the rule matches “veth1”, the packet has none",
        ),
        (
            (Match((Field("meta iifname"),), ((Name("wg0"),), (Name("tun*"),))), ACCEPT),
            (),
            "iifname: the rule matches “wg0, tun*”, the packet has left",
        ),
        (
            (Match((Field("tcp flags"),), ((Interval(0x10, 0x10),),)), ACCEPT),
            (),
            "tcp flags: the rule matches “ack”, the packet has syn",
        ),
    ],
)
def test_conditions_that_are_sets_maps_marks_and_types_are_told_with_both_values(
    statements: tuple[Statement, ...], sets: tuple[NamedSet, ...], because: str
) -> None:
    assert native(*statements, sets=sets) == [because]
