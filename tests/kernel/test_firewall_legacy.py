"""Tables of iptables-legacy read as the kernel holds them are, value for value, what iptables-legacy-save tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.firewall import Backend, Firewall
from engine.model.host import Gap
from engine.observe.firewall import collect
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.kernel.firewalls import TOLD_BY_TOOLS, look, seen
from tests.kernel.test_firewall_dump import NAT, NAT6, PLAIN, SIX, rules, without_tools

require("iptables-legacy", "ip6tables-legacy", "ip", "nsenter", root=True)

_CHAINS = {"nat": ("PREROUTING", "POSTROUTING", "OUTPUT"), "filter": ("FORWARD", "INPUT")}


@pytest.fixture
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("old")


@pytest.fixture(scope="module")
def other() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("random")


def by_tools(netns: Netns) -> tuple[Firewall, tuple[Gap, ...]]:
    """The firewall as iptables-legacy-save tells it, and what it cannot tell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect, "_legacy_written", lambda _family, _names: None)
        return look(netns)


def load(netns: Netns, lines: list[str], table: str = "filter", family: str = "ip") -> None:
    """Replaces a table by one with these rules and two chains of a user."""
    chains = [f":{chain} DROP [3:180]" if chain == "INPUT" else f":{chain} ACCEPT [0:0]" for chain in _CHAINS[table]]
    text = "\n".join([f"*{table}", *chains, ":user-z - [0:0]", ":USER-A - [0:0]", *lines, "COMMIT", ""])
    netns.run("iptables-legacy-restore" if family == "ip" else "ip6tables-legacy-restore", stdin=text)


@pytest.mark.parametrize(
    ("lines", "table", "family"),
    [(PLAIN, "filter", "ip"), (NAT, "nat", "ip"), (SIX, "filter", "ip6"), (NAT6, "nat", "ip6")],
)
def test_the_entries_tell_what_the_tool_tells_and_need_none(
    netns: Netns, lines: list[str], table: str, family: str
) -> None:
    load(netns, [f"[7:420] {line}" for line in lines], table, family)
    found = without_tools(netns)
    assert (found, ()) == by_tools(netns)
    (made,) = found.tables
    assert (made.backend, made.family, made.name) == (Backend.XT_LEGACY, family, table)
    assert sum(len(chain.rules) for chain in made.chains) == len(lines)


@pytest.mark.parametrize("rule", TOLD_BY_TOOLS)
def test_a_rule_that_has_no_words_here_is_told_by_the_tool(netns: Netns, rule: str) -> None:
    load(netns, ["-A FORWARD -j ACCEPT", rule])
    netns.run("iptables-legacy", "-t", "nat", "-A", "OUTPUT", "-j", "ACCEPT")
    found = seen(netns)
    assert (found, ()) == by_tools(netns)
    chain = next(table for table in found.tables if table.name == "filter").chain("FORWARD")
    assert chain is not None
    assert [each.text for each in chain.rules] == ["-A FORWARD -j ACCEPT", rule]


def test_every_table_of_both_families_is_there_in_the_tool_s_order(netns: Netns) -> None:
    for tool in ("iptables-legacy", "ip6tables-legacy"):
        for table in ("raw", "mangle", "nat", "filter", "security"):
            netns.run(tool, "-t", table, "-A", "OUTPUT", "-o", "lo", "-j", "ACCEPT")
    found = without_tools(netns)
    assert (found, ()) == by_tools(netns)
    assert len(found.tables) == 10


HOST = st.ip_addresses(v=4).map(str)


@st.composite
def translations(draw: st.DrawFn) -> str:
    """Most often of a port to one of a host."""
    words = draw(st.sampled_from(("", "! ")))
    low, high = sorted(draw(st.tuples(st.integers(1, 65535), st.integers(1, 65535))))
    to = draw(st.sampled_from((f":{low}", f":{low}", f":{low}-{high}", "")))
    until = f"-{draw(HOST)}" if draw(st.booleans()) else ""
    flags = draw(st.sampled_from(("", "", " --random", " --persistent")))
    return f"-A PREROUTING {words}-d {draw(HOST)}/32 -p tcp -j DNAT --to-destination {draw(HOST)}{until}{to}{flags}"


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(rules(), min_size=1, max_size=12), st.lists(translations(), min_size=1, max_size=12))
def test_any_rules_are_told_alike(other: Netns, lines: list[str], translated: list[str]) -> None:
    load(other, lines)
    load(other, translated, "nat")
    assert (without_tools(other), ()) == by_tools(other)
