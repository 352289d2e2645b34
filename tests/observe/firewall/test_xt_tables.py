"""Tables, chains, hooks and counters of iptables-save."""

from __future__ import annotations

import pytest

from engine.model.firewall import Backend, BaseChain, Table, VerdictKind
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.xt.save_text import parse_xt_save
from engine.observe.firewall.xt.words import Quoted, split
from tests.observe.firewall.shown import shown


def empty(name: str, *chains: str, backend: Backend = Backend.XT_LEGACY) -> Table:
    lines = [f"*{name}", *(f":{chain} ACCEPT [0:0]" for chain in chains), "COMMIT", ""]
    (table,) = parse_xt_save("\n".join(lines), backend, "ip")
    return table


BASES = [
    ("raw", "PREROUTING", "filter", "prerouting", -300),
    ("raw", "OUTPUT", "filter", "output", -300),
    ("mangle", "PREROUTING", "filter", "prerouting", -150),
    ("mangle", "OUTPUT", "route", "output", -150),
    ("mangle", "POSTROUTING", "filter", "postrouting", -150),
    ("nat", "PREROUTING", "nat", "prerouting", -100),
    ("nat", "INPUT", "nat", "input", 100),
    ("nat", "OUTPUT", "nat", "output", -100),
    ("nat", "POSTROUTING", "nat", "postrouting", 100),
    ("filter", "INPUT", "filter", "input", 0),
    ("filter", "FORWARD", "filter", "forward", 0),
    ("security", "INPUT", "filter", "input", 50),
]


@pytest.mark.parametrize(("table", "chain", "kind", "hook", "priority"), BASES)
def test_built_in_chains_hang_where_the_kernel_hangs_them(
    table: str, chain: str, kind: str, hook: str, priority: int
) -> None:
    assert empty(table, chain).chains[0].base == BaseChain(kind, hook, priority)


def test_the_security_table_of_iptables_nft_comes_later() -> None:
    base = empty("security", "INPUT", backend=Backend.XT_NFT).chains[0].base
    assert base is not None
    assert base.priority == 150


def test_policies_and_user_chains_are_told_apart() -> None:
    text = "*filter\n:FORWARD DROP [5:300]\n:INPUT ACCEPT [0:0]\n:MINE - [0:0]\nCOMMIT\n"
    (table,) = parse_xt_save(text, Backend.XT_NFT, "ip")
    policies = {chain.name: chain.base.policy if chain.base else None for chain in table.chains}
    assert policies == {"FORWARD": VerdictKind.DROP, "INPUT": VerdictKind.ACCEPT, "MINE": None}


def test_rules_count_from_zero_in_their_chain_however_they_are_mixed() -> None:
    text = "*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j DROP\n-A B -j ACCEPT\n[7:9] -A A -j ACCEPT\nCOMMIT\n"
    (table,) = parse_xt_save(text, Backend.XT_NFT, "ip6")
    chain = table.chain("A")
    assert chain is not None
    assert [(rule.index, rule.packets, shown(rule.statements)) for rule in chain.rules] == [
        (0, None, ["drop"]),
        (1, 7, ["accept"]),
    ]


def test_comments_of_the_tool_are_passed_over() -> None:
    text = (
        "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n"
        "# Table `raw' is incompatible, use 'nft' tool.\n"
    )
    assert parse_xt_save(text, Backend.XT_NFT, "ip") == ()


@pytest.mark.parametrize(
    "text",
    [
        "-A INPUT -j ACCEPT\n",
        "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n",
        "*filter\n:INPUT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n[0:0 -A INPUT\nCOMMIT\n",
        "*filter\n:INPUT ACCEPT [0:0]\nhello\nCOMMIT\n",
    ],
)
def test_text_that_is_no_iptables_save_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(FirewallTextError, match=r"line|rule|chain|counters"):
        parse_xt_save(text, Backend.XT_NFT, "ip")


def test_words_in_quotes_keep_their_blanks() -> None:
    words = split(r'-A X --comment "a  \"b\" \\ c" -j Y')
    assert words == ["-A", "X", "--comment", 'a  "b" \\ c', "-j", "Y"]
    assert [isinstance(word, Quoted) for word in words] == [False, False, False, True, False, False]


def test_equal_conditions_are_one_value() -> None:
    lines = "\n".join("-A X -p tcp -j DROP" for _ in range(3))
    (table,) = parse_xt_save(f"*filter\n:X - [0:0]\n{lines}\nCOMMIT\n", Backend.XT_NFT, "ip")
    first, second, third = (rule.statements[0] for rule in table.chains[0].rules)
    assert first is second is third
