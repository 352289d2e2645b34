"""The order in which a packet meets base chains, connection tracking and NAT at a hook."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Firewall,
    Interval,
    Match,
    Name,
    Nat,
    NatKind,
    NoTrack,
    Opaque,
    Rule,
    SetMark,
    SetZone,
    Statement,
    SynProxy,
    Table,
    VerdictKind,
)
from engine.path.lookup.hook_chains import HookChains, HookEntry, StationKind


def table(name: str, *bases: BaseChain, family: str = "inet", backend: Backend = Backend.NFT) -> Table:
    chains = tuple(Chain(f"{name}{number}", base=base) for number, base in enumerate(bases))
    return Table(backend, family, name, chains)


def at(hook: str, priority: int, kind: str = "filter", registered: int | None = None) -> BaseChain:
    return BaseChain(kind, hook, priority, VerdictKind.ACCEPT, registered)


def words(station: HookEntry) -> str:
    if station.kind is not StationKind.CHAIN:
        return f"{station.kind}({','.join(hooked.table.name for hooked in station.chains)})"
    return station.chains[0].table.name


def order(hook: str, *tables: Table, family: str = "ip", tracking: bool = True) -> list[str]:
    return [words(station) for station in HookChains(Firewall(tables), tracking=tracking).at(hook, family)]


def test_priorities_order_chains_of_all_backends_and_the_kernels_own_stops() -> None:
    tables = [
        table("filter", at("prerouting", 0), family="ip", backend=Backend.XT_NFT),
        table("raw", at("prerouting", -300), family="ip", backend=Backend.XT_LEGACY),
        table("mangle", at("prerouting", -150), family="ip", backend=Backend.XT_NFT),
        table("native", at("prerouting", -50)),
    ]
    nat = table("nat", at("prerouting", -100, kind="nat"), family="ip")
    tracked = ["raw", "conntrack()", "mangle", "native", "filter"]
    assert order("prerouting", *tables) == tracked
    assert order("prerouting", *tables, nat) == [*tracked[:3], "nat(nat)", *tracked[3:]]


@pytest.mark.parametrize(
    ("hook", "stops"),
    [
        ("prerouting", ["conntrack()", "nat()"]),
        ("input", ["nat()", "confirm()"]),
        ("forward", []),
        ("output", ["conntrack()", "nat()"]),
        ("postrouting", ["nat()", "confirm()"]),
    ],
)
def test_the_kernels_own_stops_are_there_without_any_rule(hook: str, stops: list[str]) -> None:
    assert order(hook) == [stop for stop in stops if stop != "nat()"]
    translating = order(hook, table("nat", at("input", 100, kind="nat"), family="ip"))
    assert [stop.replace("nat(nat)", "nat()") for stop in translating] == stops


def test_a_chain_of_type_nat_puts_translation_at_all_hooks_of_its_own_family() -> None:
    nat = table("nat", at("prerouting", -100, kind="nat"), family="ip6")
    assert order("postrouting", nat) == ["confirm()"]
    assert order("postrouting", nat, family="ip6") == ["nat()", "confirm()"]
    asleep = replace(nat, flags=frozenset({"dormant"}))
    assert order("postrouting", asleep, family="ip6") == ["confirm()"]


def tracked_by(*statements: Statement, family: str = "ip") -> list[str]:
    """The stops of prerouting where one rule, in a chain that nobody jumps to, has these statements."""
    chain = Chain("user", (Rule(0, statements, ""),))
    return order("prerouting", Table(Backend.NFT, family, "t", (chain,)), tracking=False)


@pytest.mark.parametrize(
    "statement",
    [
        Match((Field("ct state"),), ((Name("new"),),)),
        Match((Field("xt connlimit"),), ((Name("-m connlimit"),),)),
        Nat(NatKind.MASQUERADE),
        SetMark("mark", source="ct mark"),
        SetMark("ct mark", value=1),
        SetZone(1, True, True),
        SynProxy(),
        Opaque("strange"),
    ],
    ids=str,
)
def test_connections_are_tracked_once_a_rule_asks_for_it(statement: Statement) -> None:
    assert tracked_by(statement) == ["conntrack()"]
    assert tracked_by(statement, family="inet") == ["conntrack()"]
    assert tracked_by(statement, family="ip6") == []


def test_packets_are_translated_once_there_is_a_chain_for_that_at_any_hook() -> None:
    rules = (Rule(0, (Nat(NatKind.MASQUERADE),), ""),)
    chains = (Chain("source", base=at("postrouting", 100, "nat")), Chain("user", rules))
    assert order("prerouting", Table(Backend.NFT, "ip", "t", chains), tracking=False) == ["conntrack()", "nat()"]


@pytest.mark.parametrize(
    "statement", [Match((Field("tcp dport"),), ((Interval(80, 80),),)), NoTrack(), SetMark("mark", value=1)], ids=str
)
def test_without_such_a_rule_nothing_is_tracked_or_translated(statement: Statement) -> None:
    assert tracked_by(statement) == []


def test_of_equal_priorities_the_one_that_was_registered_last_comes_first() -> None:
    first, second = table("first", at("forward", 0, registered=1)), table("second", at("forward", 0, registered=2))
    assert order("forward", first, second) == ["second", "first"]
    assert order("forward", second, first) == ["second", "first"]


def test_nat_chains_stand_in_the_nat_stop_whatever_their_priority() -> None:
    early, late = table("early", at("prerouting", -190, "nat")), table("late", at("prerouting", 50, "nat"))
    mangle = table("mangle", at("prerouting", -150))
    assert order("prerouting", late, early, mangle) == ["conntrack()", "mangle", "nat(early,late)"]


def test_a_family_meets_its_own_tables_and_those_of_inet() -> None:
    tables = [
        table(family, at("input", 0), family=family) for family in ("ip", "ip6", "inet", "bridge", "arp", "netdev")
    ]
    assert order("input", *tables) == ["ip", "inet", "confirm()"]
    assert order("input", *tables, family="ip6") == ["ip6", "inet", "confirm()"]
    assert order("input", *tables, family="bridge") == ["bridge"]


def test_chains_of_other_hooks_and_chains_without_a_hook_are_not_there() -> None:
    plain = Table(Backend.NFT, "ip", "plain", (Chain("user"),))
    assert order("forward", table("input", at("input", 0)), plain) == []
