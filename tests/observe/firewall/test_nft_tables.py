"""Tables, base chains, named sets and maps of nft's document, and nft's own lines."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.firewall import BaseChain, Chain, Interval, MapElement, Name, NamedSet, RuleVerdict, VerdictKind
from engine.model.nft_object import FirewallObject, Flowtable
from engine.observe.firewall.errors import FirewallTextError
from engine.observe.firewall.nft.document import load, parse_nft
from engine.observe.firewall.nft.texts import parse_texts
from tests.observe.firewall.nft_document import chain, document, parsed, rule, table
from tests.observe.firewall.shown import nat_value

DADDR = {"payload": {"protocol": "ip", "field": "daddr"}}
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}


def base(**words: Any) -> BaseChain | None:
    return parsed(table(handle=3), chain("in", handle=2, **words)).chains[0].base


def test_a_base_chain_has_its_hook_priority_and_policy() -> None:
    found = base(type="filter", hook="forward", prio=10, policy="drop")
    assert found == BaseChain("filter", "forward", 10, VerdictKind.DROP, registered=(3 << 32) | 2)


def test_a_chain_without_a_hook_is_only_jumped_to() -> None:
    assert base() is None


@pytest.mark.parametrize(("dev", "devices"), [("eth0", ("eth0",)), (["eth0", "lo"], ("eth0", "lo"))])
def test_an_ingress_chain_names_its_devices(dev: Any, devices: tuple[str, ...]) -> None:
    found = base(type="filter", hook="ingress", prio=0, policy="accept", dev=dev)
    assert found is not None
    assert found.devices == devices


def test_later_chains_and_later_tables_have_larger_numbers() -> None:
    words = {"type": "filter", "hook": "input", "prio": 0}
    tables = parse_nft(
        document(
            table("a", handle=1),
            table("b", handle=2),
            chain("x", "a", handle=1, **words),
            chain("y", "a", handle=9, **words),
            chain("z", "b", handle=1, **words),
        )
    )
    order = [made.base.registered for found in tables for made in found.chains if made.base]
    assert order == sorted(order)  # type: ignore[type-var]


def test_owned_tables_are_left_out_and_others_of_iptables_names_are_not() -> None:
    objects = document(table("filter", "ip"), table("filter", "ip6"))
    assert [(found.family, found.name) for found in parse_nft(objects, {("ip", "filter")})] == [("ip6", "filter")]


def named(kind: str, **words: Any) -> NamedSet:
    item = {"family": "inet", "table": "t", "name": "s", "handle": 5, **words}
    return parsed(table(), {kind: item}).sets[0]


def test_elements_of_sets_are_read_by_their_type() -> None:
    found = named(
        "set",
        type=["ipv4_addr", "inet_service"],
        elem=[{"concat": [{"prefix": {"addr": "0.0.1.0", "len": 24}}, 80]}, {"concat": ["0.0.0.1", {"range": [1, 9]}]}],
    )
    assert found.fields == ("ipv4_addr", "inet_service")
    assert found.elements == ((Interval(256, 511), Interval(80, 80)), (Interval(1, 1), Interval(1, 9)))


@pytest.mark.parametrize(
    ("kind", "value", "atom"),
    [
        ("ifname", "veth*", Name("veth*")),
        ("inet_proto", "tcp", Interval(6, 6)),
        ("mark", 5, Interval(5, 5)),
        ("ether_addr", "00:00:00:00:00:05", Interval(5, 5)),
        ("ipv6_addr", "::5", Interval(5, 5)),
        ("ct_state", "new", Name("new")),
        ("icmp_type", "echo-request", Interval(8, 8)),
        ({"typeof": {"meta": {"key": "oifname"}}}, "lo", Name("lo")),
        ("cgroupsv2", "system.slice", Name("system.slice")),
    ],
)
def test_values_of_each_type_have_the_form_of_its_fields(kind: Any, value: Any, atom: Any) -> None:
    assert named("set", type=kind, elem=[value]).elements == ((atom,),)


def test_elements_with_timeouts_and_comments_are_their_values() -> None:
    elements = [
        {"elem": {"val": "0.0.0.1", "timeout": 1800, "expires": 5}},
        {"elem": {"val": "0.0.0.2", "comment": "x"}},
    ]
    found = named("set", type="ipv4_addr", flags=["timeout", "dynamic"], elem=elements)
    assert found.elements == ((Interval(1, 1),), (Interval(2, 2),))
    assert found.dynamic


def test_a_set_without_elements_is_empty() -> None:
    assert named("set", type="ipv4_addr").elements == ()


def test_a_verdict_map_has_verdicts() -> None:
    found = named(
        "map", type="ifname", map="verdict", elem=[["eth0", {"jump": {"target": "x"}}], ["*", {"drop": None}]]
    )
    assert found.is_map
    assert found.entries == (
        MapElement((Name("eth0"),), RuleVerdict(VerdictKind.JUMP, "x")),
        MapElement((), RuleVerdict(VerdictKind.DROP)),
    )


@pytest.mark.parametrize(
    ("value_type", "value", "expected"),
    [
        ("ipv4_addr", "1.2.3.4", "1.2.3.4"),
        (["ipv4_addr", "inet_service"], {"concat": ["1.2.3.4", 80]}, "1.2.3.4:80"),
        ("inet_service", 8080, ":8080"),
        ("ipv4_addr", {"prefix": {"addr": "10.0.0.0", "len": 24}}, "10.0.0.0-10.0.0.255"),
        ({"typeof": {"concat": [DADDR, DPORT]}}, {"concat": ["1.2.3.4", 80]}, "1.2.3.4:80"),
    ],
)  # fmt: skip
def test_a_map_to_addresses_and_ports_has_translations(value_type: Any, value: Any, expected: str) -> None:
    (entry,) = named("map", type="inet_service", map=value_type, elem=[[80, value]]).entries
    assert nat_value(entry.value) == expected  # type: ignore[arg-type]


def test_a_map_to_marks_has_numbers() -> None:
    assert named("map", type="ipv4_addr", map="mark", elem=[["0.0.0.1", 5]]).entries == (
        MapElement((Interval(1, 1),), 5),
    )


def test_a_set_that_cannot_be_read_keeps_its_elements_and_is_not_decided() -> None:
    found = named("set", type="ipv4_addr", elem=[{"prefix": {"addr": "nowhere", "len": 8}}])
    assert found == NamedSet("s", ("opaque",), ((Name("nowhere/8"),),), dynamic=True)


@pytest.mark.parametrize(
    "objects",
    [
        {"tables": []},
        {"nftables": 5},
        {"nftables": [{"rule": {"family": "ip", "table": "gone", "chain": "x", "expr": []}}]},
        {"nftables": [{"table": {"family": "ip"}}]},
        [],
        None,
    ],
)
def test_a_document_of_another_shape_is_refused(objects: Any) -> None:
    with pytest.raises(FirewallTextError, match="another shape"):
        parse_nft(objects)


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(FirewallTextError, match="no JSON"):
        load("table inet t {")


TEXT = """table inet t { # handle 1
	comment "chain x { # handle 9"
	set s { # handle 4
		type ipv4_addr
		elements = { 1.1.1.1,
			2.2.2.2 }
	}

	chain in { # handle 2
		comment "of mine"
		type filter hook input priority filter + 10; policy drop;
		tcp dport { 22, 80,
			443 } counter packets 10 bytes 845 accept # handle 7
		log prefix "counter # handle 3 " accept comment "a # handle 4" # handle 8
	}
}
table ip6 t { # handle 2
	chain x { # handle 1
		drop # handle 2
	}
}
"""


def test_nft_s_own_lines_are_found_by_handle() -> None:
    assert parse_texts(TEXT) == {
        ("inet", "t", 7): "tcp dport { 22, 80, 443 } counter accept",
        ("inet", "t", 8): 'log prefix "counter # handle 3 " accept comment "a # handle 4"',
        ("ip6", "t", 2): "drop",
    }


def test_a_rule_s_text_is_nft_s_own_line() -> None:
    objects = document(table(), chain("in"), rule([{"drop": None}], handle=7))
    (found,) = parse_nft(objects, (), {("inet", "t", 7): "drop it"})
    made = found.chain("in")
    assert isinstance(made, Chain)
    assert [(each.text, each.handle) for each in made.rules] == [("drop it", 7)]


def test_a_table_has_its_flags_flowtables_and_objects() -> None:
    found = parsed(
        {"table": {"family": "inet", "name": "t", "handle": 1, "flags": ["dormant"]}},
        item("flowtable", name="f", handle=3, hook="ingress", prio=0, dev=["eth1", "eth0"]),
        item("counter", name="c", handle=4, packets=7, bytes=700),
        item("quota", name="q", handle=5, bytes=1000, used=400, inv=True),
        item("ct helper", name="h", handle=6, type="ftp", protocol="tcp", l3proto="ip"),
    )
    assert found.flags == {"dormant"}
    assert found.flowtables == (Flowtable("f", "ingress", 0, ("eth0", "eth1"), 3),)
    assert found.objects == (
        FirewallObject("counter", "c", "", 4),
        FirewallObject("quota", "q", "bytes 1000, inv True", 5),
        FirewallObject("ct helper", "h", "type ftp, protocol tcp, l3proto ip", 6),
    )


def item(kind: str, **words: Any) -> dict[str, Any]:
    return {kind: {"family": "inet", "table": "t", **words}}
