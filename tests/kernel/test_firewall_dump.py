"""Rules of iptables-nft read from the kernel's dump are, value for value, what iptables-save and nft tell of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.firewall import Firewall
from engine.model.host import Gap
from engine.observe.firewall import collect, tools
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.kernel.firewalls import TOLD_BY_TOOLS, look, seen

require("nft", "iptables-nft", "ip6tables-nft", "ip", "nsenter", root=True)


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("dump")


def by_tools(netns: Netns) -> tuple[Firewall, tuple[Gap, ...]]:
    """The firewall as the listing tools tell it, and what they cannot tell."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect, "_written", lambda _found: {})
        return look(netns)


def without_tools(netns: Netns) -> Firewall:
    """The firewall, where no tool may be started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tools, "run", lambda commands: pytest.fail(f"started {commands}") if commands else [])
        return seen(netns)


def load(netns: Netns, rules: list[str], table: str = "filter", family: str = "ip") -> None:
    """Replaces a table by one with these rules in FORWARD, or in PREROUTING and POSTROUTING for nat."""
    netns.run("nft", "flush ruleset")
    chains = {"nat": ("PREROUTING", "POSTROUTING", "OUTPUT"), "filter": ("FORWARD", "INPUT")}[table]
    lines = [f"*{table}", *(f":{chain} ACCEPT [0:0]" for chain in chains), ":user-z - [0:0]", ":USER-A - [0:0]", *rules]
    tool = "iptables-nft-restore" if family == "ip" else "ip6tables-nft-restore"
    netns.run(tool, stdin="\n".join([*lines, "COMMIT", ""]))


PLAIN = [
    "-A FORWARD -j USER-A",
    "-A FORWARD -g user-z",
    "-A FORWARD",
    "-A INPUT -s 10.0.0.0/8 ! -d 10.1.2.0/23 -j ACCEPT",
    "-A INPUT -s 10.0.0.0/255.0.255.0 -j DROP",
    "-A FORWARD ! -i veth+ -o br-0123456789ab -j RETURN",
    "-A INPUT ! -p icmp -j DROP",
    "-A INPUT -p icmp -m icmp --icmp-type 8 -j DROP",
    "-A INPUT -p icmp -m icmp ! --icmp-type 3/1 -j DROP",
    "-A INPUT -p tcp -m tcp --sport 1:9 ! --dport 80 -j ACCEPT",
    "-A INPUT -p udp -m udp ! --sport 53 -m comment --comment x -j ACCEPT",
    "-A INPUT -p tcp -m tcp -j ACCEPT",
    '-A INPUT -m comment --comment "it\\\'s \\"quoted\\" \\\\ -m tcp" -j ACCEPT',
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -m conntrack ! --ctstate INVALID,NEW,UNTRACKED,SNAT,DNAT -j ACCEPT",
    "-A INPUT -m addrtype ! --src-type LOCAL,MULTICAST --dst-type UNICAST -j ACCEPT",
    "-A INPUT -m addrtype --src-type LOCAL --limit-iface-in -j ACCEPT",
    "-A INPUT -p tcp -m multiport ! --dports 80,443,1000:2000 -j ACCEPT",
    "-A INPUT -p udp -m multiport --sports 1:2,3 -j ACCEPT",
    "-A INPUT -p udp -m multiport --ports 7 -j ACCEPT",
    "-A INPUT -m mark --mark 0x1/0xff -j ACCEPT",
    "-A INPUT -m mark ! --mark 0x4000 -j ACCEPT",
    "-A INPUT -m statistic --mode random --probability 0.33333333349 -j ACCEPT",
    "-A INPUT -m statistic --mode nth ! --every 3 --packet 1 -j ACCEPT",
    "-A INPUT -j REJECT --reject-with icmp-host-prohibited",
    "-A INPUT -p tcp -j REJECT --reject-with tcp-reset",
    "-A INPUT -j MARK --set-xmark 0x4000/0x4000",
]

NAT = [
    "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 1.2.3.4-1.2.3.9:80-90 --random",
    "-A PREROUTING -j DNAT --to-destination 1.2.3.4 --persistent",
    "-A PREROUTING -p udp -j DNAT --to-destination :53",
    "-A PREROUTING -p tcp -j REDIRECT --to-ports 1-9 --random",
    "-A PREROUTING -j REDIRECT",
    "-A POSTROUTING -p tcp -j SNAT --to-source :53",
    "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1-2",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 1024-2048 --random-fully",
]

SIX = [
    "-A FORWARD -s fd00::/64 ! -d fd00:1::1/128 -i eth0 -p tcp -m tcp --dport 80 -j USER-A",
    "-A FORWARD -s ::ffff:1.2.3.4/128 -j ACCEPT",
    "-A FORWARD -j REJECT --reject-with icmp6-adm-prohibited",
    "-A FORWARD -m conntrack --ctstate NEW -j MARK --set-xmark 0x1/0xff",
]

NAT6 = [
    "-A PREROUTING -p tcp -j DNAT --to-destination [fd00::2]:80",
    "-A PREROUTING -p tcp -j DNAT --to-destination [fd00::2-fd00::9]:80-90",
    "-A PREROUTING -j DNAT --to-destination fd00::2",
    "-A PREROUTING -j DNAT --to-destination fd00::2-fd00::9 --random",
]


@pytest.mark.parametrize(
    ("rules", "table", "family"),
    [(PLAIN, "filter", "ip"), (NAT, "nat", "ip"), (SIX, "filter", "ip6"), (NAT6, "nat", "ip6")],
)
def test_the_dump_tells_what_the_tools_tell_and_needs_none(
    netns: Netns, rules: list[str], table: str, family: str
) -> None:
    load(netns, rules, table, family)
    assert (without_tools(netns), ()) == by_tools(netns)


@pytest.mark.parametrize(
    "rule",
    [
        *TOLD_BY_TOOLS,
        "-A FORWARD -m conntrack --ctstate NEW --ctproto 6 -j DROP",
        "-A FORWARD -p sctp -m sctp --dport 80 -j DROP",
    ],
)
def test_a_rule_that_has_no_words_here_is_told_by_the_tools(netns: Netns, rule: str) -> None:
    load(netns, ["-A FORWARD -j ACCEPT", rule])
    found = seen(netns)
    assert (found, ()) == by_tools(netns)
    chain = found.tables[0].chain("FORWARD")
    assert chain is not None
    assert [each.text for each in chain.rules] == ["-A FORWARD -j ACCEPT", rule]


def test_plain_tables_beside_others_stay_in_the_kernel_s_order(netns: Netns) -> None:
    netns.run("nft", "flush ruleset")
    netns.run("nft", "table inet one { chain c { tcp dport { 5, 6 } accept; }; }")
    netns.run("iptables-nft", "-A", "FORWARD", "-j", "ACCEPT")
    netns.run("nft", "table ip two { chain c { type filter hook forward priority 5; drop; }; }")
    netns.run("ip6tables-nft", "-A", "FORWARD", "-j", "LOG")
    found = seen(netns)
    assert (found, ()) == by_tools(netns)
    assert [table.name for table in found.tables] == ["one", "filter", "two", "filter"]


@pytest.mark.parametrize(
    "script",
    [
        "add chain ip filter mine { type filter hook forward priority 7; }",
        "add set ip filter s { type ipv4_addr; }",
        "add rule ip filter FORWARD tcp dport 22 accept",
        'add rule ip filter FORWARD counter accept comment "x"',
        "add rule ip filter FORWARD tcp dport vmap { 80 : accept }",
        "add rule ip filter FORWARD counter ip saddr 1.2.3.4 drop",
        "add rule ip filter FORWARD ip saddr != 1.2.3.4 ip saddr 1.2.3.5 counter drop",
        "add rule ip filter FORWARD ip daddr & 255.0.255.0 > 10.0.0.0 counter drop",
        "add rule ip filter FORWARD meta skuid 0 counter drop",
    ],
)
def test_what_nft_added_to_an_iptables_table_is_told_by_the_tools(netns: Netns, script: str) -> None:
    load(netns, ["-A FORWARD -j ACCEPT"])
    netns.run("nft", script)
    assert look(netns) == by_tools(netns)


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(str)


def spans(low: int, high: int) -> st.SearchStrategy[str]:
    ends = st.tuples(st.integers(low, high), st.integers(low, high)).map(sorted)
    return st.one_of(numbers(low, high), ends.map(lambda pair: f"{pair[0]}:{pair[1]}"))


NEGATION = st.sampled_from(("", "! "))
ADDRESS = st.builds("{}/{}".format, st.ip_addresses(v=4).map(str), st.integers(1, 32))
COMMENT = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40).map(
    lambda text: text.replace("\\", "\\\\").replace('"', '\\"')
)


@st.composite
def rules(draw: st.DrawFn) -> str:
    words = []
    for option, values in (("-s", ADDRESS), ("-d", ADDRESS), ("-i", st.sampled_from(("eth0", "veth+", "a.b-c")))):
        if draw(st.booleans()):
            words.append(f"{draw(NEGATION)}{option} {draw(values)}")
    if draw(st.booleans()):
        protocol = draw(st.sampled_from(("tcp", "udp")))
        words.append(f"-p {protocol} -m {protocol}")
        for option in ("--sport", "--dport"):
            if draw(st.booleans()):
                words.append(f"{draw(NEGATION)}{option} {draw(spans(0, 65535))}")
    if draw(st.booleans()):
        words.append(f'-m comment --comment "{draw(COMMENT)}"')
    if draw(st.booleans()):
        words.append(f"-m mark {draw(NEGATION)}--mark {draw(numbers(0, 2**32 - 1))}/{draw(numbers(1, 2**32 - 1))}")
    words.append(draw(st.sampled_from(("-j ACCEPT", "-j USER-A", "-g user-z", "", "-j REJECT", "-j RETURN"))))
    return " ".join(["-A FORWARD", *words])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(rules(), min_size=10, max_size=25))
def test_any_rules_of_the_vocabulary_are_told_alike(netns: Netns, made: list[str]) -> None:
    load(netns, made)
    assert look(netns) == by_tools(netns)
