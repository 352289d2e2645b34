"""Every kind of rule that nft prints, and what it becomes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.firewall import Backend, Match, Name, Opaque, VerdictMap
from engine.observe.firewall.fields import is_exact
from tests.observe.firewall.nft_document import RULES, parsed_rule
from tests.observe.firewall.shown import shown


@pytest.mark.parametrize("known", RULES, ids=[known["rule"] for known in RULES])
def test_a_rule_means_what_its_statements_say(known: dict[str, Any]) -> None:
    assert shown(parsed_rule(known["expr"]).statements) == known["means"]


def test_no_rule_of_the_collection_is_empty_by_accident() -> None:
    assert [known["rule"] for known in RULES if not known["means"]] == ["counter"]


def match(operator: str, left: Any, right: Any) -> list[str]:
    return shown(parsed_rule([{"match": {"op": operator, "left": left, "right": right}}]).statements)


MARK, STATUS = {"meta": {"key": "mark"}}, {"ct": {"key": "status"}}
PORT = {"payload": {"protocol": "tcp", "field": "dport"}}
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}


@pytest.mark.parametrize(
    ("operator", "left", "right", "means"),
    [
        ("in", STATUS, ["snat", "dnat"], "ct status in snat,dnat"),
        ("!=", {"&": [STATUS, {"|": ["snat", "dnat"]}]}, 0, "ct status in snat,dnat"),
        ("==", {"&": [STATUS, "dnat"]}, 0, "not ct status in dnat"),
        ("!", STATUS, "dnat", "not ct status in dnat"),
        ("==", STATUS, "dnat", "ct status in "),
        ("!=", STATUS, "snat", "not ct status in "),
        ("!=", STATUS, "assured", "not ct status in "),
        ("==", STATUS, "confirmed", "unknown nft ct status"),
        ("!=", {"ct": {"key": "state"}}, {"|": ["established", "new"]}, "not ct state in "),
        ("==", {"&": [STATUS, {"|": ["snat", "dnat"]}]}, {"|": ["snat", "dnat"]}, "unknown nft ct status"),
        ("<=", PORT, 1023, "tcp dport in 0-1023"),
        (">", PORT, 1023, "tcp dport in 1024-"),
        ("<", PORT, 0, "tcp dport in "),
        ("==", {"ct": {"key": "saddr", "family": "ip", "dir": "reply"}}, "1.2.3.4", "ct reply ip saddr in 1.2.3.4"),
        ("==", {"fib": {"result": "oif", "flags": ["iif", "saddr"]}}, False, "fib saddr . iif oif in missing"),
        ("==", {"fib": {"result": "check", "flags": "saddr"}}, True, "fib saddr oif in exists"),
        ("==", {"fib": {"result": "oif", "flags": ["saddr"]}}, "eth0", "fib saddr oifname in eth0"),
        ("==", SADDR, "fd00::1", "unknown nft ip saddr"),
        ("~=", PORT, 80, "unknown nft tcp dport"),
        ("==", {"meta": {"key": "iif"}}, 7, "meta iif in 7"),
        ("==", {"&": [MARK, 255, 255]}, 1, "unknown nft meta mark"),
        ("==", {"concat": [SADDR, PORT]}, {"concat": ["1.1.1.1"]}, "unknown nft ip saddr . nft tcp dport"),
        ("==", {"concat": [SADDR, {"meta": {"key": "cgroup"}}]}, "@s", "unknown nft ip saddr . meta cgroup"),
        ("==", {">>": [MARK, 8]}, 1, "unknown nft >>"),
        ("==", PORT, {"set": [{"elem": {"val": 80, "counter": {"packets": 1, "bytes": 2}}}]}, "tcp dport in 80"),
    ],
)  # fmt: skip
def test_a_comparison_is_exact_or_says_that_it_is_not(operator: str, left: Any, right: Any, means: str) -> None:
    assert match(operator, left, right) == [means]


def test_an_unknown_condition_keeps_its_words() -> None:
    (found,) = parsed_rule([{"match": {"op": "==", "left": {"meta": {"key": "cgroup"}}, "right": 5}}]).statements
    assert isinstance(found, Match)
    assert found.elements == ((Name("meta cgroup 5"),),)
    assert not is_exact(found.fields[0].name)


@pytest.mark.parametrize(
    ("statement", "means"),
    [
        ({"queue": {"num": 1}}, "queue 1-1"),
        ({"queue": {"num": {"range": [0, 3]}, "flags": ["bypass"]}}, "queue 0-3 bypass"),
        ({"queue": {"num": {"numgen": {"mode": "inc", "mod": 2, "offset": 0}}}}, "opaque queue {num {numgen"),
        ({"tproxy": {"addr": "1.2.3.4", "port": 80}}, "tproxy 1.2.3.4:80"),
        ({"synproxy": {"mss": 1460}}, "synproxy"),
        ({"fwd": {"dev": "lo"}}, "opaque fwd {dev lo}"),
        ({"flow": {"op": "add", "flowtable": "@f"}}, "note flow {op add, flowtable @f}"),
        ({"xt": {"type": "match", "name": "addrtype"}}, "unknown xt addrtype"),
        ({"xt": {"type": "target", "name": "LOG"}}, "note xt target LOG"),
        ({"xt": {"type": "target", "name": "DNAT"}}, "opaque xt target DNAT"),
        ({"xt": None}, "opaque xt"),
        ({"counter": "web"}, "note counter name web"),
        ({"dnat": {"addr": "not an address"}}, "opaque dnat {addr not an address}"),
        ({"dnat": {"addr": "1.2.3.4", "port": {"map": {"key": PORT, "data": "@ports"}}}}, "opaque"),
        ({"redirect": {"port": {"map": {"key": PORT, "data": "@ports"}}}}, "redirect by tcp dport @ports"),
        ({"tomorrow": {"a": 1}}, "opaque tomorrow {a 1}"),
        ({"mangle": {"key": SADDR, "value": "1.2.3.4"}}, "opaque ip saddr set 1.2.3.4"),
        ({"mangle": {"key": {"ct": {"key": "helper"}}, "value": "ftp"}}, "note ct helper set ftp"),
        ({"map": {"op": "add", "elem": SADDR, "data": 80, "map": "@m"}}, "note add @m { ip saddr : 80 }"),
        ("nonsense", "opaque nonsense"),
    ],
)
def test_a_statement_without_a_model_keeps_its_words(statement: Any, means: str) -> None:
    assert shown(parsed_rule([statement], family="ip").statements)[-1].startswith(means)


def test_a_rule_that_only_one_version_knows_says_so_in_a_table_of_both() -> None:
    reject = [{"reject": {"type": "icmpv6", "expr": "no-route"}}]
    assert shown(parsed_rule(reject).statements) == ["meta nfproto in ipv6", "reject net-unreachable"]
    assert shown(parsed_rule(reject, family="ip6").statements) == ["reject net-unreachable"]


def test_a_verdict_map_keeps_its_text() -> None:
    (found,) = parsed_rule([{"vmap": {"key": PORT, "data": {"set": [[80, {"accept": None}]]}}}]).statements
    assert isinstance(found, VerdictMap)
    assert found.text == "tcp dport vmap { 80 : accept }"


def test_a_map_has_no_entry_for_a_bit_of_a_flows_status_that_never_comes_alone() -> None:
    (found,) = parsed_rule([by_status("dnat", "*")]).statements
    assert isinstance(found, VerdictMap)
    assert [entry.key for entry in found.elements] == [()]
    (other,) = parsed_rule([by_status("confirmed")]).statements
    assert isinstance(other, Opaque)


def by_status(*keys: str) -> dict[str, Any]:
    """A map of verdicts by the status of a flow."""
    return {"vmap": {"key": STATUS, "data": {"set": [[key, {"drop": None}] for key in keys]}}}


def test_counters_are_the_rule_s_and_no_statement() -> None:
    found = parsed_rule([{"counter": {"packets": 5, "bytes": 300}}, {"drop": None}])
    assert (found.packets, found.bytes, shown(found.statements)) == (5, 300, ["drop"])


def test_without_nft_s_own_line_a_rule_is_told_in_nft_s_words() -> None:
    found = parsed_rule(
        [
            {"match": {"op": "!=", "left": PORT, "right": {"range": [80, 90]}}},
            {"counter": None},
            {"jump": {"target": "x"}},
        ]
    )
    assert found.text == "tcp dport != 80-90 counter jump x"
    assert Backend.NFT == "nft"
