"""What ebtables-nft-save says of the parts that nft names without showing them."""

from __future__ import annotations

import pytest

from engine.model.firewall import RuleVerdict, SetMark, VerdictKind
from engine.observe.firewall.ebt_parts import parse_save, statements
from tests.observe.firewall.shown import shown

SAVED = """*filter
:FORWARD ACCEPT
:USER ACCEPT
-A FORWARD -j USER
-A USER -p IPv4 --ip-src 10.0.0.1 -j DROP
*nat
-A PREROUTING -j redirect
"""


def test_lines_are_those_of_their_chain() -> None:
    found = parse_save(SAVED)
    assert found["filter", "USER"] == ["-A USER -p IPv4 --ip-src 10.0.0.1 -j DROP"]
    assert set(found) == {("filter", "FORWARD"), ("filter", "USER"), ("nat", "PREROUTING")}


@pytest.mark.parametrize(
    ("name", "words", "means"),
    [
        (
            "ip",
            "! --ip-src 10.0.0.1 --ip-dst 10.0.0.0/24",
            ["not ip saddr in 10.0.0.1", "ip daddr in 10.0.0.0-10.0.0.255"],
        ),
        ("ip", "--ip-proto tcp ! --ip-dport 53", ["ip protocol in 6", "not th dport in 53"]),
        ("ip", "--ip-proto udp --ip-sport 1024:65535", ["ip protocol in 17", "th sport in 1024-65535"]),
        ("ip", "--ip-proto icmp --ip-icmp-type 3:5/0:2", ["ip protocol in 1", "icmp type . icmp code in 3-5/0-2"]),
        ("ip", "--ip-tos 0x10", ["ip tos in 16"]),
        ("ip6", "--ip6-proto ipv6-icmp --ip6-icmp-type echo-request", ["ip6 nexthdr in 58", "icmpv6 type in 128"]),
        ("ip6", "--ip6-tclass 0x10 --ip6-dst fd00::1", ["ip6 tos in 16", "ip6 daddr in fd00::1"]),
        ("arp", "! --arp-op Reply --arp-ptype 0x800", ["not arp operation in 2", "arp ptype in 2048"]),
        ("arp", "--arp-mac-src 02:00:00:00:00:01", [f"arp saddr ether in {0x020000000001}"]),
        ("pkttype", "! --pkttype-type otherhost", ["not meta pkttype in other"]),
        ("mark_m", "--mark /0x3", ["meta mark&0x3 in 1-3"]),
        ("mark_m", "! --mark 0x1/0x3", ["not meta mark&0x3 in 1"]),
    ],
)
def test_a_match_means_what_its_options_say(name: str, words: str, means: list[str]) -> None:
    found = statements("match", name, f"-A FORWARD -p IPv4 {words} -j DROP")
    assert found is not None
    assert shown(found) == means


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ip", "--ip-proto icmp ! --ip-icmp-type host-unreachable"),
        ("arp", "--arp-gratuitous"),
        ("vlan", "--vlan-id 5"),
        ("ip", ""),
    ],
)
def test_what_is_not_understood_stays_what_nft_makes_of_it(name: str, words: str) -> None:
    assert statements("match", name, f"-A FORWARD {words} -j DROP") is None


def test_a_mark_is_set_and_the_frame_goes_on_or_ends() -> None:
    assert statements("target", "mark", "-A FORWARD -j mark --mark-or 0x2 --mark-target ACCEPT") == (
        SetMark("mark", 0xFFFFFFFD, value=2),
        RuleVerdict(VerdictKind.ACCEPT),
    )
    assert statements("target", "mark", "-A FORWARD -j mark --mark-and 0xf --mark-target CONTINUE") == (
        SetMark("mark", 0xF, value=0),
        RuleVerdict(VerdictKind.CONTINUE),
    )
    assert statements("target", "redirect", "-A PREROUTING -j redirect") is None
