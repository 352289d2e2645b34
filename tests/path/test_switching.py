"""Where a bridge sends a frame, and the firewall that it passes there."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from engine.model.firewall import (
    Backend,
    BaseChain,
    Chain,
    Field,
    Interval,
    Match,
    Rule,
    RuleVerdict,
    Table,
    VerdictKind,
)
from engine.model.link import BridgeOptions
from engine.model.packet import Protocol
from engine.model.trace import Outcome, Symptom
from engine.model.verdict import Question, Source
from engine.path.exchange.conversation import conversations
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.hosts.stock import one_bridge
from tests.path.bridging import RIGHT, ask, outcome


def test_a_frame_follows_the_forwarding_table() -> None:
    world = one_bridge()
    world.space("spy")
    world.cable("sw:spy0", "spy:eth0")
    world["sw"].plug("spy0", "br0")
    assert outcome(world) == (Outcome.DELIVERED, Symptom.CONNECTED)
    mac = world["right"].links["eth0"].mac
    world["sw"].learned("spy0", mac)
    assert outcome(world) == (Outcome.DELIVERED, Symptom.CONNECTED)  # its answer to the question for it is heard before
    world["left"].neighbour("eth0", "10.3.0.2", mac, "reachable")
    assert outcome(world) == (Outcome.NOT_FOR_US, Symptom.TIMEOUT)


def test_an_entry_of_a_port_that_is_not_one_any_more_does_not_count() -> None:
    world = one_bridge()
    world.space("spy")
    world.cable("sw:spy0", "spy:eth0")
    world["sw"].plug("spy0", "br0").learned("spy0", world["right"].links["eth0"].mac)
    world["sw"].change("spy0", master=None)
    assert outcome(world) == (Outcome.DELIVERED, Symptom.CONNECTED)


def test_hairpin_lets_a_port_send_back_what_it_received() -> None:
    world = one_bridge()
    world.space("sw2")
    world.space("twin").serve(80)
    world.cable("sw:x0", "sw2:x0").cable("sw2:twin0", "twin:eth0")
    world["sw"].plug("x0", "br0")
    world["sw2"].bridge("br0", "x0", "twin0")
    world["twin"].address("eth0", "10.3.0.3/24").neighbour("eth0", RIGHT, world["right"].links["eth0"].mac)
    world["sw"].learned("x0", world["right"].links["eth0"].mac)
    assert ask(world, source="twin")[0].forward.hops[-1].netns == "sw"
    assert outcome(world, source="twin") == (Outcome.BRIDGE_DROP, Symptom.TIMEOUT)
    world["sw"].plug("x0", "br0", hairpin=True)
    assert ask(world, source="twin")[0].forward.hops[-1].netns == "sw2"


def test_an_unknown_address_is_flooded_out_of_view() -> None:
    world = one_bridge()
    world["sw"].link("eno1")
    world["sw"].plug("eno1", "br0").address("br0", "10.3.0.254/24")
    for name, device in (("left", "eth0"), ("sw", "br0")):
        world[name].neighbour(device, "10.3.0.9", "02:00:00:00:77:77")
        found = ask(world, "10.3.0.9", source=name)[0]
        assert found.forward.outcome is Outcome.LEAVES_VIEW, name


def test_an_unknown_address_has_nowhere_to_go_where_everything_is_in_view() -> None:
    world = one_bridge()
    world["left"].neighbour("eth0", "10.3.0.9", "02:00:00:00:77:77")
    assert outcome(world, address="10.3.0.9") == (Outcome.BRIDGE_DROP, Symptom.TIMEOUT)


def test_a_bridge_that_is_down_drops() -> None:
    world = one_bridge()
    world["left"].neighbour("eth0", RIGHT, world["right"].links["eth0"].mac)
    world["sw"].change("br0", up=False)
    assert outcome(world) == (Outcome.LINK_DOWN, Symptom.TIMEOUT)


def test_vlan_filtering_is_said_not_to_be_modelled() -> None:
    world = one_bridge()
    world["sw"].change("br0", bridge=BridgeOptions(vlan_filtering=True))
    assert "ASSUME_VLAN_OPEN" in [about.code for about in ask(world)[0].assumptions]


DROP_ALL = "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"


@pytest.mark.parametrize(
    ("setting", "detail", "symptom"),
    [
        (None, {}, Symptom.CONNECTED),
        (0, {}, Symptom.CONNECTED),
        (1, {}, Symptom.TIMEOUT),
        (0, {"nf_call_iptables": "1"}, Symptom.TIMEOUT),
        (None, {"nf_call_iptables": "1"}, Symptom.CONNECTED),
        (0, {"nf_call_ip6tables": "1"}, Symptom.CONNECTED),
    ],
)
def test_bridged_packets_pass_iptables_only_where_they_are_told_to(
    setting: int | None, detail: dict[str, str], symptom: Symptom
) -> None:
    world = one_bridge()
    world["sw"].iptables(DROP_ALL).change("br0", detail=detail)
    if setting is not None:
        world["sw"].sysctl("net.bridge.bridge-nf-call-iptables", setting)
    assert outcome(world)[1] is symptom


def test_bridged_packets_are_seen_with_their_bridge_and_their_ports() -> None:
    world = one_bridge()
    world["sw"].sysctl("net.bridge.bridge-nf-call-iptables", 1)
    world["sw"].iptables(
        "*filter\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -i br0 -o br0 -m physdev --physdev-in left0 --physdev-out right0 --physdev-is-bridged -j ACCEPT\n"
        "-A FORWARD -m conntrack --ctstate ESTABLISHED -m physdev --physdev-in right0 -j ACCEPT\nCOMMIT\n"
    )
    assert outcome(world) == (Outcome.DELIVERED, Symptom.CONNECTED)


def translated(setting: int, target: str = "10.3.0.2") -> World:
    """The bridge has an address, whose port 8080 is translated."""
    world = one_bridge()
    world["sw"].address("br0", "10.3.0.254/24").forwarding().sysctl("net.bridge.bridge-nf-call-iptables", setting)
    rule = f"-A PREROUTING -d 10.3.0.254/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination {target}:80"
    world["sw"].iptables(f"*nat\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n")
    return world


def test_an_answer_within_the_bridge_is_translated_back_only_where_bridged_packets_are_tracked() -> None:
    ends = {"address": "10.3.0.254", "port": 8080}
    assert outcome(translated(1), **ends) == (Outcome.DELIVERED, Symptom.CONNECTED)
    assert outcome(translated(0), **ends) == (Outcome.DELIVERED, Symptom.TIMEOUT)


def test_a_bridged_packet_that_is_translated_to_the_same_bridge_needs_forwarding() -> None:
    world = translated(1)
    world["sw"].sysctl("net.ipv4.ip_forward", 0)
    assert outcome(world, address="10.3.0.254", port=8080) == (Outcome.NOT_FORWARDED, Symptom.TIMEOUT)


def test_a_bridged_packet_may_be_translated_to_the_bridges_own_namespace() -> None:
    world = translated(1, "10.3.0.254")
    world["sw"].serve(80)
    assert outcome(world, address="10.3.0.254", port=8080) == (Outcome.DELIVERED, Symptom.CONNECTED)


def test_a_bridged_packet_that_is_translated_to_nobody_ends_for_want_of_a_neighbour() -> None:
    assert outcome(translated(1, "10.3.0.9"), address="10.3.0.254", port=8080)[0] is Outcome.NO_NEIGHBOUR


def test_a_bridged_packet_may_be_translated_to_what_is_out_of_view() -> None:
    world = translated(1, "10.3.0.9")
    world["sw"].link("eno1")
    world["sw"].plug("eno1", "br0")
    assert outcome(world, address="10.3.0.254", port=8080)[0] is Outcome.LEAVES_VIEW


@pytest.mark.parametrize(("hook", "priority"), [("prerouting", -300), ("forward", -200), ("postrouting", 300)])
def test_the_bridge_family_has_hooks_of_its_own(hook: str, priority: int) -> None:
    world = one_bridge()
    base = BaseChain("filter", hook, priority, VerdictKind.DROP)
    asks = Match((Field("ether type"),), ((Interval(0x0806, 0x0806),),))
    accepts = Rule(0, (asks, RuleVerdict(VerdictKind.ACCEPT)), "ether type arp accept")
    world["sw"].table(Table(Backend.NFT, "bridge", "t", (Chain("c", base=base, rules=(accepts,)),)))
    assert outcome(world) == (Outcome.POLICY_DROP, Symptom.TIMEOUT)


def test_what_drops_everything_drops_arp_first() -> None:
    world = one_bridge()
    base = BaseChain("filter", "forward", 0, VerdictKind.DROP)
    world["sw"].table(Table(Backend.NFT, "bridge", "t", (Chain("c", base=base),)))
    assert outcome(world) == (Outcome.NO_NEIGHBOUR, Symptom.HOST_UNREACHABLE)


def test_ipv6_has_a_switch_of_its_own_for_bridged_packets() -> None:
    world = one_bridge()
    for number, name in enumerate(("left", "right"), 1):
        world[name].address("eth0", f"fd03::{number}/64").listen(80, f"fd03::{number}")
    world["sw"].iptables(DROP_ALL, family="ip6").sysctl("net.bridge.bridge-nf-call-iptables", 1)
    assert outcome(world, address="fd03::2")[1] is Symptom.CONNECTED
    world["sw"].sysctl("net.bridge.bridge-nf-call-ip6tables", 1)
    assert outcome(world, address="fd03::2") == (Outcome.NO_NEIGHBOUR, Symptom.HOST_UNREACHABLE)


def test_protocols_do_not_matter_to_a_bridge() -> None:
    question = Question(Source("left"), ip_address(RIGHT), 80, Protocol.UDP)
    runs, _ = conversations(Walked(one_bridge().snapshot("left")), question)
    assert runs[0].result.symptom is Symptom.CONNECTED
