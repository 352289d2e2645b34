"""Arranged sets and filed chains say the same as going through them one by one."""

from __future__ import annotations

import random

import pytest

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Element,
    Field,
    Interval,
    Match,
    Name,
    NamedSet,
    Rule,
    RuleVerdict,
    Table,
    VerdictKind,
)
from engine.model.packet import Protocol
from engine.model.trace import Outcome, StepKind
from engine.path.fields.chain_index import LONG, Chains
from engine.path.fields.matches import Answer, matches
from engine.path.lookup.hook_chains import Hooked
from engine.path.lookup.set_lookup import Lookup, holds
from engine.path.netfilter.chain_walk import run_base_chain
from tests.hosts.stock import three_in_line
from tests.path.journeys import journey, packet, view

SNAPSHOT = three_in_line().snapshot()
TCP = packet("10.1.0.2", "10.2.0.2")


def disjoint(chance: random.Random, count: int) -> list[Element]:
    """Single numbers and ranges between 0 and 10,000 that do not overlap."""
    ends = sorted(chance.sample(range(10_000), 2 * count))
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return [(Interval(low, low if chance.random() < 0.5 else high),) for low, high in pairs]


@pytest.mark.parametrize("seed", range(5))
def test_an_arranged_set_finds_what_a_search_finds(seed: int) -> None:
    chance = random.Random(seed)
    elements = disjoint(chance, 200)
    arranged = Lookup(elements)
    for value in range(10_000):
        place = arranged.find([value])
        assert (place is not None and holds(elements[place], [value])) == any(holds(e, [value]) for e in elements)


def test_ranges_that_overlap_are_all_asked() -> None:
    arranged = Lookup([(Interval(1, 100),), (Interval(50, 60),)])
    assert [arranged.find([value]) for value in (0, 55, 99, 101)] == [None, 0, 0, None]


def test_concatenations_names_and_bits_are_found_part_by_part() -> None:
    pairs = Lookup([(Interval(1, 1), Name("eth0")), (Interval(2, 2), Name("veth*")), (Interval(3, 9), Name("lo"))])
    values = ([1, "eth0"], [2, "veth7"], [5, "lo"], [1, "lo"], [2, "eth0"])
    assert [pairs.find(each) for each in values] == [0, 1, 2, None, None]
    states = Lookup([(Name("new"),), (Name("dnat"),)])
    assert [states.find([frozenset(each)]) for each in ({"new"}, {"dnat", "snat"}, {"established"})] == [0, 1, None]


def test_what_a_dynamic_set_has_is_known_and_what_it_lacks_is_not() -> None:
    held = NamedSet("seen", ("inet_service",), ((Interval(80, 80),),), dynamic=True)
    table = Table(Backend.NFT, "inet", "t", sets=(held,))
    asked = {port: Match((Field("tcp dport"),), lookup="seen", text="tcp dport @seen") for port in (80, 81)}
    answers = [
        matches(match, view(SNAPSHOT, "router", packet("10.1.0.2", "10.2.0.2", port)), table)
        for port, match in asked.items()
    ]
    assert answers == [Answer.YES, Answer.UNKNOWN]


def long_chain() -> Chain:
    """Rules about many addresses and ports, and some that ask for neither."""
    destination = int(TCP.dst)
    asks = [
        *((Field("ip daddr"), Interval(destination + n, destination + n)) for n in range(-LONG, LONG)),
        (Field("meta l4proto"), Interval(6, 6)),
        *((Field("tcp dport"), Interval(70 + n, 70 + n)) for n in range(LONG)),
        (Field("ip daddr"), Interval(destination, destination + 5)),
        (Field("udp dport"), Interval(80, 80)),
        (Field("meta l4proto"), Interval(17, 17)),
    ]
    rules = tuple(
        Rule(number, (Match((field,), ((atom,),)), RuleVerdict(VerdictKind.CONTINUE)), f"rule {number}")
        for number, (field, atom) in enumerate(asks)
    )
    return Chain("FORWARD", rules, BaseChain("filter", "forward", 0))


@pytest.mark.parametrize("protocol", [Protocol.TCP, Protocol.UDP])
def test_a_filed_chain_is_met_in_its_own_order(protocol: Protocol) -> None:
    chain = long_chain()
    assert len(chain.rules) > LONG
    sent = packet("10.1.0.2", "10.2.0.2", protocol=protocol)
    walked = journey(SNAPSHOT, "router", sent)
    table = Table(Backend.NFT, "ip", "filter", (chain,))
    assert chain.base is not None
    run_base_chain(walked, Hooked(table, chain, chain.base), "forward")
    met = [step.ref.key[-1] for step in walked.end(Outcome.DELIVERED).steps if step.kind is StepKind.RULE and step.ref]
    seen = view(SNAPSHOT, "router", sent)
    expected = [
        rule.index
        for rule in chain.rules
        if all(matches(s, seen, table) is Answer.YES for s in rule.statements if isinstance(s, Match))
    ]
    assert met == expected != []
    assert len(Chains().rules(chain, seen)) < len(chain.rules) // 3


def test_a_thousand_jumps_deep_is_a_loop_and_not_a_recursion() -> None:
    depth = 1000
    chains = [
        Chain(
            f"c{number}",
            (Rule(0, (RuleVerdict(VerdictKind.JUMP, f"c{number + 1}"),), "jump"),),
            BaseChain("filter", "forward", 0) if number == 0 else None,
        )
        for number in range(depth)
    ]
    last = Chain(f"c{depth}", (Rule(0, (RuleVerdict(VerdictKind.DROP),), "drop"),))
    table = Table(Backend.XT_LEGACY, "ip", "filter", (*chains, last))
    assert chains[0].base is not None
    ending = run_base_chain(journey(SNAPSHOT, "router", TCP), Hooked(table, chains[0], chains[0].base), "forward")
    assert ending.effect == RuleVerdict(VerdictKind.DROP)
