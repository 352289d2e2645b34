"""From which addresses a question connects: the ranges say of any address what the walk from it says."""

from __future__ import annotations

import json
import random
from ipaddress import IPv4Address, ip_address, ip_network
from itertools import pairwise

import pytest

from engine.explain import ask
from engine.explain.survey.matrix import answer
from engine.explain.survey.source_ranges import about_any, source_ranges
from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    MapElement,
    Rule,
    RuleVerdict,
    Table,
    VerdictKind,
    VerdictMap,
)
from engine.model.host import Snapshot
from engine.model.source_range import SourceRange, SourceRanges
from engine.model.verdict import Question, Source
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.hosts.stock import docker_world
from views.reports import everywhere

USER = [
    "-s 10.77.0.0/24 -p tcp -m tcp --dport 80 -j RETURN",
    "-s 203.0.113.0/24 -p tcp -m tcp --dport 80 -j DROP",
    "-s 198.51.100.7/32 -j REJECT --reject-with icmp-port-unreachable",
]


def by_map(verdicts: dict[str, str]) -> Table:
    """`ip saddr vmap { LOW-HIGH : VERDICT, … }` in a chain of forward."""
    entries = []
    for span, verdict in verdicts.items():
        low, high = (int(IPv4Address(end)) for end in span.split("-"))
        entries.append(MapElement((Interval(low, high),), RuleVerdict(VerdictKind(verdict))))
    rule = Rule(0, (VerdictMap((Field("ip saddr"),), tuple(entries)),), "ip saddr vmap { … }", handle=2)
    return Table(Backend.NFT, "ip", "byways", (Chain("c", (rule,), BaseChain("filter", "forward", -5)),))


def alone(world: World) -> World:
    """The host with an uplink that leads out of what is seen."""
    del world.spaces["lan"]
    world["host"].change("up0", kind="", peer=None)
    return world


def asked(world: World) -> tuple[Snapshot, Question, SourceRanges]:
    snapshot = world.snapshot()
    question = Question(Source("host"), ip_address("10.77.0.1"), 8080)
    (found,) = source_ranges(snapshot, question)
    return snapshot, question, found


def range_of(found: SourceRanges, address: IPv4Address) -> SourceRange | None:
    return next((each for each in found.ranges if any(address in network for network in each.networks)), None)


def test_what_rules_name_is_divided_and_the_rest_is_one() -> None:
    _, _, found = asked(alone(docker_world(user=USER)))
    (dropped,) = (each for each in found.ranges if each.addresses == 256)
    assert dropped.networks == (ip_network("203.0.113.0/24"),)
    assert "filter/DOCKER-USER 2" in dropped.cell.ends
    refused = range_of(found, IPv4Address("198.51.100.7"))
    assert refused is not None
    assert (str(refused.cell.symptom), refused.addresses) == ("refused", 1)
    assert str(found.ranges[0].cell.reach) == "yes"
    assert found.ranges[0].addresses > 3_700_000_000
    assert (found.left_out, found.exact) == (0, True)


def test_every_address_is_in_one_range_but_those_that_no_packet_has() -> None:
    _, _, found = asked(alone(docker_world(user=USER)))
    networks = sorted((network for each in found.ranges for network in each.networks), key=lambda each: int(each[0]))
    assert all(int(one[-1]) < int(other[0]) for one, other in pairwise(networks))
    own = {"10.77.0.1", "172.17.0.1", "172.17.0.2", "172.17.0.3"}
    assert all(range_of(found, IPv4Address(each)) is None for each in own)
    assert range_of(found, IPv4Address("127.0.0.9")) is None
    assert sum(each.addresses for each in found.ranges) == (223 << 24) - (1 << 24) - len(own)


@pytest.mark.parametrize("more", ["", "route", "policy", "map"])
def test_an_address_gets_what_its_range_says(more: str) -> None:
    world = alone(docker_world(user=USER))
    host = world["host"]
    near = ["10.77.0.9", "203.0.113.255", "203.0.114.0", "198.51.100.7", "198.51.100.8", "172.17.0.9"]
    if more == "route":
        host.route("45.0.0.0/8 dev docker0").route("blackhole 46.0.0.0/7")
        near += ["45.1.1.1", "46.0.0.0", "47.255.255.255", "48.0.0.0"]
    if more == "policy":
        host.policy(100, 100, destination="60.0.0.0/6").route("blackhole default table 100")
        near += ["59.255.255.255", "60.0.0.0", "63.255.255.255", "64.0.0.0"]
    if more == "map":
        host.table(
            by_map({"90.0.0.0-90.255.255.255": "drop", "91.0.0.1-91.0.0.1": "accept", "92.0.0.0-92.0.0.9": "drop"})
        )
        near += ["90.0.0.0", "90.255.255.255", "91.0.0.1", "91.0.0.2", "92.0.0.9", "92.0.0.10"]
    snapshot, question, found = asked(world)
    generator = random.Random()
    some = [IPv4Address(generator.randrange(1 << 24, 223 << 24)) for _ in range(60)]
    walked = Walked(snapshot)
    for address in (*map(IPv4Address, near), *some):
        told = range_of(found, address)
        if told is None:
            assert address.is_loopback or str(address) in {str(own) for own in snapshot.host_netns.addresses_by_value}
            continue
        cell = answer(walked, Question(Source("host", address, "up0"), question.address, question.port))
        ends = about_any(cell.ends, address)
        assert (told.cell.reach, told.cell.symptom) == (cell.reach, cell.symptom), address
        assert ends.startswith(told.cell.ends), address


def test_rules_that_do_the_same_are_one_range_and_the_text_names_the_first_networks() -> None:
    rules = [f"-s 60.0.{number}.1/32 -p tcp -m tcp --dport 80 -j DROP" for number in range(6)]
    _, _, found = asked(alone(docker_world(user=rules)))
    words = everywhere.render([("host", ask(*_asked_at_host()))], [found]).splitlines()
    assert "from outside, via up0, by source address:" in words
    (bans,) = (line for line in words if "60.0.0.1" in line)
    assert bans.startswith("  ✗  60.0.0.1, 60.0.1.1, 60.0.2.1, 60.0.3.1 …")
    assert bans.endswith("RULE_DROP in host: filter/DOCKER-USER")
    assert "6 addresses" in bans
    document = json.loads(everywhere.dumps([], [found]))
    assert [each["addresses"] for each in document["ranges"][0]["sources"] if "60.0.0.1/32" in each["networks"]] == [6]


def _asked_at_host() -> tuple[Snapshot, Question]:
    snapshot = docker_world().snapshot()
    return snapshot, Question(Source("host"), ip_address("10.77.0.1"), 8080)


def test_ranges_of_ipv6() -> None:
    world = World()
    host = world.space("host")
    host.link("up0")
    host.address("up0", "2001:db8::1/64").route("default via 2001:db8::ffff dev up0").listen(80, "2001:db8::1")
    host.iptables("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 2001:db8:5::/48 -j DROP\nCOMMIT\n", family="ip6")
    (found,) = source_ranges(world.snapshot(), Question(Source("host"), ip_address("2001:db8::1"), 80))
    reached, dropped = found.ranges
    assert dropped.networks == (ip_network("2001:db8:5::/48"),)
    assert "about 2^127 addresses" in "\n".join(everywhere.render([], [found]).splitlines())
    assert str(reached.cell.symptom) == "connected"
