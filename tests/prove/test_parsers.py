"""Texts and messages of the kernel: counters, drops, routes."""

from __future__ import annotations

import struct

import pytest

from engine.model.firewall import Backend, Chain, Firewall, Rule, Table
from engine.model.proof import Drop
from engine.observe.base.errors import NetlinkError
from engine.prove.sources.counters import parse_counters, rule_growth, stack_growth
from engine.prove.sources.drops import parse_drops
from engine.prove.sources.nfnetlink import attribute
from engine.prove.sources.nftrace import parse_traces
from engine.prove.sources.routes import parse_way

SNMP = "Ip: Forwarding InAddrErrors\nIp: 1 7\nTcp: RtoMin OutRsts\nTcp: 200 3\n"


def test_counters_are_named_by_their_line_and_column() -> None:
    assert parse_counters(SNMP) == {"Ip.Forwarding": 1, "Ip.InAddrErrors": 7, "Tcp.RtoMin": 200, "Tcp.OutRsts": 3}
    assert parse_counters("Ip6InNoRoutes  \t4\nIp6OutNoRoutes\t0\n") == {"Ip6InNoRoutes": 4, "Ip6OutNoRoutes": 0}
    assert parse_counters("no counters at all") == {}


def test_only_counters_of_failures_are_told_and_only_when_they_grew() -> None:
    before = {"Ip.InAddrErrors": 1, "Tcp.OutRsts": 5, "Ip.InReceives": 1}
    after = {"Ip.InAddrErrors": 3, "Tcp.OutRsts": 5, "Ip.InReceives": 900}
    assert [(each.name, each.by) for each in stack_growth("host", before, after)] == [("Ip.InAddrErrors", 2)]


def firewall(*packets: int | None) -> Firewall:
    rules = tuple(Rule(index, (), f"rule {index}", packets=count) for index, count in enumerate(packets))
    return Firewall((Table(Backend.XT_LEGACY, "ip", "filter", (Chain("INPUT", rules),)),))


def test_a_rule_that_counted_and_one_that_stood_still_are_told() -> None:
    grown = rule_growth("host", firewall(1, 5, None), firewall(3, 5, None))
    assert [(each.name, each.by) for each in grown] == [("filter/INPUT 1", 2), ("filter/INPUT 2", 0)]
    assert all(each.ref is not None for each in grown)


def test_a_counter_that_was_reset_says_nothing() -> None:
    assert rule_growth("host", firewall(9), firewall(2)) == ()


DROPS = """# tracer: nop
 python-123 [001] ..s2. 99.1: kfree_skb: skbaddr=0000 rx_sk=0000 protocol=2048 location=nft_do_chain+0x5c/0x1a0 reason: NETFILTER_DROP
 python-123 [001] ..s2. 99.2: kfree_skb: skbaddr=0001 rx_sk=0000 protocol=2048 location=tcp_v4_rcv+0x1 reason: NO_SOCKET
 python-123 [001] ..s2. 99.3: kfree_skb: skbaddr=0002 protocol=2048 location=tcp_v4_rcv+0x1 reason: NO_SOCKET
 python-123 [001] ..s2. 99.4: kfree_skb: skbaddr=0003 protocol=2048 location=consume+0x1 reason: NOT_SPECIFIED
"""  # noqa: E501 - as the kernel prints it


def test_drops_have_a_reason_and_a_function() -> None:
    assert parse_drops(DROPS) == (Drop("NETFILTER_DROP", "nft_do_chain"), Drop("NO_SOCKET", "tcp_v4_rcv"))


def test_a_way_is_told_in_a_steps_words() -> None:
    def answer(kind: int, *parts: bytes) -> bytes:
        return struct.pack("=BBBBBBBBI", 2, 32, 0, 0, 254, 0, 0, kind, 0) + b"".join(parts)

    out = attribute(4, struct.pack("=I", 2))
    assert parse_way(answer(1, out), {2: "eth0"}) == "dev eth0"
    assert parse_way(answer(1, out, attribute(5, bytes([10, 0, 0, 1]))), {2: "eth0"}) == "via 10.0.0.1 dev eth0"
    assert parse_way(answer(2, out), {}) == "local"
    with pytest.raises(NetlinkError, match="does not decode"):
        parse_way(b"", {})


def test_damaged_traces_are_an_error_of_netlink() -> None:
    with pytest.raises(NetlinkError):
        parse_traces("host", [(10 << 8 | 17, b"\2\0\0\0" + attribute(6, b"\0"))])
    assert parse_traces("host", [(2, b"")]) == ()
