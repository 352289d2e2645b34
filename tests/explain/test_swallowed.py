"""A connection that opens and would hang: large packets are lost, and the error that says so is, too."""

from __future__ import annotations

import pytest

from engine.change import applied
from engine.explain import ask
from engine.explain.question import resolve
from engine.model.firewall import Backend, BaseChain, Chain, Table
from engine.model.host import Snapshot
from engine.model.packet import Protocol
from engine.model.trace import Symptom
from engine.model.verdict import Cause
from tests.explain.faults import UDP, line
from tests.explain.table_more import narrow
from tests.hosts.build import World


def findings(snapshot: Snapshot, protocol: Protocol = Protocol.TCP, target: str = "10.2.0.2:80") -> tuple[Cause, ...]:
    verdict = ask(snapshot, resolve(snapshot, target, "host", protocol))
    assert (verdict.symptom, verdict.causes) == (Symptom.CONNECTED, ())
    return verdict.findings


def test_a_router_whose_error_is_dropped_is_found_with_both_sizes() -> None:
    (found,) = findings(narrow())
    assert (found.code, found.at.name) == ("LINK_PMTU_BLACKHOLE", "filter/OUTPUT 1")
    assert "client sends up to 1500 bytes, right of router has MTU 1400" in found.sentence


def test_its_fixes_let_the_error_through_and_keep_the_connection() -> None:
    snapshot = narrow()
    (found,) = findings(snapshot)
    assert len(found.fixes) == 3
    for fix in found.fixes:
        assert findings(applied(snapshot, fix.plan.changes)) == ()
    assert "--icmp-type" in found.fixes[0].commands[0]


def test_the_mss_may_be_clamped_and_the_sender_s_mtu_be_smaller_instead() -> None:
    (found,) = findings(narrow())
    assert (
        found.fixes[2].commands[0][-12:]
        == (
            *("-I", "FORWARD", "1", "-i", "right", "-p", "tcp", "-m", "tcp", "--tcp-flags", "SYN", "SYN"),
            *("-j", "TCPMSS", "--clamp-mss-to-pmtu"),
        )[-12:]
    )
    (smaller,) = [text for text in found.evidence if "verified in simulation" in text]
    assert "`ip link set eth0 mtu 1400` in client" in smaller
    assert findings(narrow(ends=1400)) == ()


def test_a_native_firewall_clamps_in_its_own_chain() -> None:
    def change(world: World) -> None:
        world["router"].change("right", mtu=1400)
        world["client"].iptables("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p icmp -j DROP\nCOMMIT\n")
        chain = Chain("forward", (), BaseChain("filter", "forward", 0))
        world["router"].table(Table(Backend.NFT, "inet", "mine", (chain,)))

    (found,) = findings(line(change))
    words = " ".join(found.fixes[-1].commands[0][2:])
    assert words == "nft insert rule inet mine forward iifname right tcp flags syn tcp option maxseg size set rt mtu"


@pytest.mark.parametrize(
    ("snapshot", "why"),
    [
        (narrow(""), "the error gets back"),
        (narrow(mtu=1500), "nothing is too big"),
        (narrow(ends=1400), "the client agrees on less"),
        (narrow("-A OUTPUT -p icmp -m icmp --icmp-type 8 -j DROP"), "another kind is dropped"),
        (
            narrow(
                "-A OUTPUT -p icmp -j DROP\n"
                "-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"
            ),
            "the router clamps the MSS",
        ),
    ],
)
def test_nothing_is_said_where(snapshot: Snapshot, why: str) -> None:
    assert findings(snapshot) == (), why


def test_datagrams_are_not_asked_about() -> None:
    assert findings(narrow(), UDP) == ()


def test_the_answers_of_the_server_count_too_and_a_route_s_mtu() -> None:
    def change(world: World) -> None:
        world["router"].change("left", mtu=1280)
        world["server"].iptables("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p icmp -j DROP\nCOMMIT\n")

    (found,) = findings(line(change))
    assert found.at.netns == "server"
    assert "server sends up to 1500 bytes, left of router has MTU 1280" in found.sentence


def test_an_ipv6_router_says_packet_too_big() -> None:
    def change(world: World) -> None:
        world["router"].change("right", mtu=1400)
        world["client"].iptables(
            "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 2 -j DROP\nCOMMIT\n",
            family="ip6",
        )

    (found,) = findings(line(change), target="[fd02::2]:80")
    assert (found.code, found.at.netns) == ("LINK_PMTU_BLACKHOLE", "client")
