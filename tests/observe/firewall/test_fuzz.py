"""Whatever text comes in, the parsers give nouns or raise their own error, and a rule is never lost."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.firewall import Backend
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.nft import ownership
from engine.observe.firewall.nft.document import load, parse_nft, ruleset
from engine.observe.firewall.nft.texts import parse_texts
from engine.observe.firewall.xt.ipsets import parse_ipset_save
from engine.observe.firewall.xt.save_text import parse_xt_save
from tests.observe.firewall.nft_document import RULES, chain, document, rule, table

WORDS = st.sampled_from(
    [
        "-p", "tcp", "-m", "!", "--dport", "80:90", "multiport", "--ports", "1,2", "-s", "10.0.0.0/8", "-d",
        "fd00::/8", "set", "--match-set", "a", "src,dst", "-j", "DNAT", "--to-destination", "1.2.3.4:80-90/5",
        "[::1]-[::2]:5", "MARK", "--set-xmark", "0x1/0xf", "-i", "eth+", "icmp", "--icmp-type", "3/1", "any", "\"",
        "\"a b\"", "\\", "-g", "REJECT", "--reject-with", "tcp-reset", "--tcp-flags", "SYN,ACK", "NONE", "²",
        "99999999999999999999999999999999999999999999999999", "", "NETMAP", "--to", "conntrack", "--ctstate",
        "NEW", "--ctproto", "addrtype", "--dst-type", "LOCAL", "ttl", "--ttl-lt", "0", "--ctorigsrc", "physdev",
        "--physdev-in", "owner", "--uid-owner", "1-", "rpfilter", "--loose", "--nfmask",
    ]
)  # fmt: skip
LINES = st.one_of(
    st.text(max_size=60),
    st.lists(WORDS, max_size=8).map(lambda words: "-A IN " + " ".join(words)),
    st.sampled_from(["*filter", ":IN ACCEPT [0:0]", ":USER - [0:0]", "COMMIT", "# comment", "[1:2] -A IN -j USER"]),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(LINES, max_size=8), st.sampled_from(["ip", "ip6"]))
def test_any_save_text_parses_or_is_refused(lines: list[str], family: str) -> None:
    with suppress(FirewallTextError):
        for found in parse_xt_save("\n".join(lines), Backend.XT_NFT, family):
            assert all(rule.text for chain in found.chains for rule in chain.rules)


@settings(max_examples=120, deadline=None)
@given(st.lists(WORDS, max_size=10))
def test_any_rule_of_a_chain_stays_in_its_place(words: list[str]) -> None:
    text = f"*filter\n:IN ACCEPT [0:0]\n-A IN -j DROP\n-A IN {' '.join(words)}\n-A IN -j ACCEPT\nCOMMIT\n"
    (found,) = parse_xt_save(text, Backend.XT_NFT, "ip")
    assert [each.text for each in found.chains[0].rules] == text.split("\n")[2:5]


ELEMENTS = st.sampled_from(
    ["1.2.3.4", "1.2.3.0/24", "1.1.1.1,tcp:80", "80", "x", "1.1.1.1,udp:1-5,2.2.2.0/24", "::1", ","]
)
KINDS = st.sampled_from(["hash:ip", "hash:net", "hash:ip,port", "bitmap:port", "list:set", "hash:net,iface", "x", ":"])


@settings(max_examples=80, deadline=None)
@given(KINDS, st.lists(st.tuples(ELEMENTS, st.sampled_from(["", " nomatch", " timeout 5", ' comment "a'])), max_size=4))
def test_any_ipset_text_parses_or_is_refused(kind: str, elements: list[tuple[str, str]]) -> None:
    lines = [f"create a {kind} family inet", *(f"add a {word}{rest}" for word, rest in elements)]
    with suppress(FirewallTextError):
        parse_ipset_save("\n".join(lines))


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 1 << 40),
    st.text(max_size=5),
    st.sampled_from(
        ["tcp", "syn", "10.0.0.0", "@s", "ip", "saddr", "dport", "mark", "original", "new", "==", "!=", "<", "in"]
    ),
)
KEYS = st.sampled_from(
    [
        "match", "op", "left", "right", "payload", "protocol", "field", "meta", "key", "ct", "dir", "fib", "flags",
        "result", "concat", "set", "range", "prefix", "addr", "len", "vmap", "data", "map", "dnat", "port",
        "mangle", "value", "&", "|", "elem", "val", "jump", "target", "reject", "type", "expr", "limit", "xt",
        "counter", "log", "quota",
    ]
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TREES, max_size=4))
def test_any_expression_of_a_rule_becomes_statements(expressions: list[Any]) -> None:
    (found,) = parse_nft(document(table(), chain("in"), rule(expressions), rule([{"drop": None}], handle=10)))
    assert [each.handle for each in found.chains[0].rules] == [9, 10]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(RULES), st.data())
def test_a_real_rule_with_one_damaged_part_becomes_statements(known: dict[str, Any], data: st.DataObject) -> None:
    expressions = json.loads(json.dumps(known["expr"]))
    place, steps = expressions, data.draw(st.integers(0, 4))
    for _ in range(steps):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        inner = [key for key in keys if isinstance(place[key], dict | list) and place[key]]
        if not inner:
            break
        place = place[data.draw(st.sampled_from(inner))]
    key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
    place[key] = data.draw(TREES)
    (found,) = parse_nft(document(table(), chain("in"), rule(expressions)))
    assert len(found.chains[0].rules) == 1


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(["table", "chain", "rule", "set", "map"]), TREES, max_size=1), max_size=4)
)
def test_any_document_parses_or_is_refused(objects: list[Any]) -> None:
    with suppress(FirewallTextError):
        parse_nft(document(table(), chain("in"), *objects))
    with suppress(FirewallTextError):
        ownership.joined(ruleset(document(table("filter", "ip"), *objects)), ())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_json_or_refused_and_texts_are_found_or_not(text: str) -> None:
    with suppress(FirewallTextError):
        load(text)
    parse_texts("table ip x {\n\tchain y {\n" + text)
