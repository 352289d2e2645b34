"""Tables of arptables-legacy: what is read of a rule is a line that makes the very same rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.model.firewall import Backend, Opaque, RuleVerdict, Table, VerdictKind
from engine.observe.collected.arptables import parse_arptables
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.kernel.firewalls import seen, unmodelled

require("arptables-legacy", "ip", "nsenter", root=True)

LINES = (
    "-A INPUT -j DROP",
    "-A INPUT --h-length 6 --opcode 1 --h-type 1 --proto-type 0x800 -s 10.0.0.1 -d 10.0.0.2 -i eth+ -j ACCEPT",
    "-A INPUT ! --opcode 2 ! -s 10.0.0.0/255.0.255.0 ! -i eth0 -j RETURN",
    "-A OUTPUT -d 10.2.0.0/255.255.0.0 -o br0 -j mine",
    "-A OUTPUT --source-mac 02:00:00:00:00:01 --destination-mac 01:00:00:00:00:00/01:00:00:00:00:00 -j mine",
    "-A FORWARD -i veth1 -o veth2",
    "-A mine ! --source-mac 02:00:00:00:00:01 -j other",
    "-A mine -j DROP",
    "-A other -j RETURN",
)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        yield made


def load(netns: Netns, lines: tuple[str, ...]) -> None:
    for words in ("-P FORWARD DROP", "-N mine", "-N other", *lines):
        netns.run("arptables-legacy", *words.split())


def table_of(netns: Netns) -> Table:
    (found,) = seen(netns).tables
    return found


def test_each_rule_is_told_by_a_line_that_makes_it_again(world: World) -> None:
    one, other = world.netns("one"), world.netns("other")
    load(one, LINES)
    found = table_of(one)
    assert (found.backend, found.family, found.name) == (Backend.XT_LEGACY, "arp", "filter")
    assert {chain.name: chain.base and (chain.base.hook, chain.base.policy) for chain in found.chains} == {
        "INPUT": ("input", VerdictKind.ACCEPT),
        "OUTPUT": ("output", VerdictKind.ACCEPT),
        "FORWARD": ("forward", VerdictKind.DROP),
        "mine": None,
        "other": None,
    }
    texts = tuple(rule.text for chain in found.chains for rule in chain.rules)
    assert texts == LINES
    assert unmodelled((found,)) == set()
    load(other, texts)
    assert table_of(other) == found


def test_a_target_that_is_not_known_is_one_and_counts_are_the_kernel_s(world: World) -> None:
    one, two = world.netns("one"), world.netns("two")
    for words in ("-A OUTPUT -j mangle --mangle-ip-s 10.0.0.7", "-A OUTPUT -j CLASSIFY --set-class 1:1"):
        one.run("arptables-legacy", *words.split())
    rules = table_of(one).chains_by_name["OUTPUT"].rules
    assert [rule.statements for rule in rules] == [(Opaque(rule.text),) for rule in rules]
    two.run("arptables-legacy", "-A", "INPUT", "-c", "7", "420", "-j", "ACCEPT")
    (rule,) = table_of(two).chains_by_name["INPUT"].rules
    assert (rule.packets, rule.bytes, rule.statements) == (7, 420, (RuleVerdict(VerdictKind.ACCEPT),))


def test_the_tool_s_listing_tells_the_same(world: World) -> None:
    netns = world.netns("one")
    load(netns, LINES)
    assert parse_arptables(netns.run("arptables-legacy", "-L", "-n", "-v")) == (table_of(netns),)
