"""Who hears a frame, who answers an address question, and where a bridge sends a frame."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from engine.model.firewall import Backend, BaseChain, Chain, Table, VerdictKind
from engine.model.host import Snapshot
from engine.model.link import BridgeOptions
from engine.model.packet import Protocol
from engine.model.trace import Conversation, Outcome, Symptom
from engine.model.verdict import Question, Source
from engine.path.conversation import conversations
from engine.path.neighbours import Resolved, resolve
from engine.path.segment import Segment, bridge_of, forwards, may_pass, opaque, segment_of
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.hosts.stock import one_bridge, three_in_line
from tests.path.journeys import journey, packet

RIGHT = "10.3.0.2"


def heard(snapshot: Snapshot, netns: str, device: str) -> Segment:
    walked = Walked(snapshot)
    return segment_of(walked, walked.netns(netns), walked.netns(netns).links_by_name[device])


def names(segment: Segment) -> set[str]:
    return {f"{station.netns}:{station.link.name}" for station in segment.stations}


def asked(
    world: World, towards: str = RIGHT, netns: str = "left", device: str = "eth0", source: str = "10.3.0.1"
) -> Resolved:
    """What becomes of the question for an address."""
    made = journey(world.snapshot(), netns, packet(source, towards))
    return resolve(made, made.netns.links_by_name[device], ip_address(towards))


def ask(world: World, address: str = RIGHT, source: str = "left", port: int = 80) -> list[Conversation]:
    question = Question(Source(source), ip_address(address), port)
    return [run.result for run in conversations(Walked(world.snapshot(source)), question)[0]]


def outcome(world: World, **more: Any) -> tuple[Outcome, Symptom]:
    found = ask(world, **more)[0]
    return found.forward.outcome, found.symptom


# Who hears a broadcast.


def test_a_broadcast_reaches_the_bridge_and_everyone_on_it() -> None:
    segment = heard(one_bridge().snapshot(), "left", "eth0")
    assert names(segment) == {"sw:br0", "right:eth0"}
    assert not segment.leaves_view


def test_a_bridge_speaks_out_of_every_port_and_not_to_itself() -> None:
    segment = heard(one_bridge().snapshot(), "sw", "br0")
    assert names(segment) == {"left:eth0", "right:eth0"}
    assert {station.port for station in segment.stations} == {2, 3}


@pytest.mark.parametrize(
    ("options", "heard_by"),
    [
        ({}, {"sw:br0", "right:eth0"}),
        ({"state": "blocking"}, {"sw:br0"}),
        ({"state": "disabled"}, {"sw:br0"}),
        ({"isolated": True}, {"sw:br0", "right:eth0"}),
    ],
)
def test_the_state_of_the_far_port_decides(options: dict[str, Any], heard_by: set[str]) -> None:
    world = one_bridge()
    world["sw"].plug("right0", "br0", **options)
    assert names(heard(world.snapshot(), "left", "eth0")) == heard_by


def test_isolated_ports_do_not_hear_each_other_and_the_bridge_hears_both() -> None:
    world = one_bridge()
    for port in ("left0", "right0"):
        world["sw"].plug(port, "br0", isolated=True)
    assert names(heard(world.snapshot(), "left", "eth0")) == {"sw:br0"}


@pytest.mark.parametrize(("netns", "device"), [("sw", "right0"), ("right", "eth0")])
def test_nobody_hears_anything_by_a_cable_with_an_end_down(netns: str, device: str) -> None:
    world = one_bridge()
    world[netns].change(device, up=False)
    assert names(heard(world.snapshot(), "left", "eth0")) == {"sw:br0"}


def test_a_network_card_on_the_bridge_leads_out_of_view() -> None:
    world = one_bridge()
    world["sw"].link("eno1")
    world["sw"].plug("eno1", "br0")
    assert heard(world.snapshot(), "left", "eth0").leaves_view


def test_the_flood_of_a_loop_of_cables_ends() -> None:
    world = one_bridge()
    world.space("sw2")
    world.cable("sw:x0", "sw2:x0").cable("sw:x1", "sw2:x1")
    world["sw2"].bridge("br0", "x0", "x1")
    for port in ("x0", "x1"):
        world["sw"].plug(port, "br0")
    assert names(heard(world.snapshot(), "left", "eth0")) == {"sw:br0", "sw2:br0", "right:eth0", "left:eth0"}


def test_the_owner_of_a_mac_address_is_found() -> None:
    world = one_bridge()
    mac = world["right"].links["eth0"].mac
    owner = heard(world.snapshot(), "left", "eth0").owner(mac)
    assert owner is not None
    assert owner.netns == "right"
    assert heard(world.snapshot(), "left", "eth0").owner("02:00:00:00:99:99") is None


def test_what_is_opaque_what_forwards_and_what_is_a_port() -> None:
    netns = one_bridge().snapshot().by_id["sw"]
    port, bridge, loopback = (netns.links_by_name[name] for name in ("left0", "br0", "lo"))
    assert [opaque(link) for link in (port, bridge, loopback)] == [False, False, False]
    assert bridge_of(netns, port) == bridge
    assert bridge_of(netns, bridge) is None
    assert forwards(port)
    assert not may_pass(port, port)
    assert may_pass(None, port)


# Who answers.


def test_whoever_has_the_address_answers() -> None:
    world = one_bridge()
    assert asked(world).mac == world["right"].links["eth0"].mac


def test_an_address_of_another_device_is_answered_for_as_well() -> None:
    world = one_bridge()
    world["right"].address("lo", "10.3.0.77/32")
    assert asked(world, "10.3.0.77").mac == world["right"].links["eth0"].mac


@pytest.mark.parametrize("name", ["all", "eth0"])
@pytest.mark.parametrize(
    ("mode", "on_device", "elsewhere"), [(0, True, True), (1, True, False), (2, True, False), (8, False, False)]
)
def test_arp_ignore(name: str, mode: int, on_device: bool, elsewhere: bool) -> None:
    world = one_bridge()
    world["right"].address("lo", "10.3.0.77/32").sysctl(f"net.ipv4.conf.{name}.arp_ignore", mode)
    assert bool(asked(world).mac) is on_device
    assert bool(asked(world, "10.3.0.77").mac) is elsewhere


def test_who_does_not_believe_the_asker_does_not_answer() -> None:
    world = one_bridge()
    world["right"].sysctl("net.ipv4.conf.eth0.rp_filter", 1)
    assert asked(world).mac is not None
    world["right"].link("other")
    world["right"].route("10.3.0.1/32 dev other")
    assert asked(world).mac is None


PROXY = "10.2.0.2"


@pytest.mark.parametrize(
    ("forwards_packets", "proxy_arp", "entry", "answers"),
    [(1, 1, False, True), (0, 1, False, False), (1, 0, False, False), (1, 0, True, True), (0, 0, True, False)],
)
def test_a_router_answers_for_what_it_routes_elsewhere(
    forwards_packets: int, proxy_arp: int, entry: bool, answers: bool
) -> None:
    world = three_in_line()
    router = world["router"].sysctl("net.ipv4.ip_forward", forwards_packets)
    router.sysctl("net.ipv4.conf.left.proxy_arp", proxy_arp)
    if entry:
        router.neighbour("left", PROXY, None, proxy=True)
    assert bool(asked(world, PROXY, "client", source="10.1.0.2").mac) is answers


@pytest.mark.parametrize("words", ["10.2.0.2/32 via 10.1.0.2 dev left", "unreachable 10.2.0.2/32"])
def test_a_router_does_not_answer_for_what_is_on_the_same_side_or_unreachable(words: str) -> None:
    world = three_in_line()
    world["router"].sysctl("net.ipv4.conf.all.proxy_arp", 1).route(words)
    assert asked(world, PROXY, "client", source="10.1.0.2").mac is None


@pytest.mark.parametrize(("proxy_ndp", "entry", "answers"), [(1, True, True), (0, True, False), (1, False, False)])
def test_ipv6_answers_for_others_only_by_entries(proxy_ndp: int, entry: bool, answers: bool) -> None:
    world = three_in_line()
    router = world["router"].sysctl("net.ipv6.conf.left.proxy_ndp", proxy_ndp)
    router.sysctl("net.ipv4.conf.all.proxy_arp", 1)
    if entry:
        router.neighbour("left", "fd02::2", None, proxy=True)
    assert bool(asked(world, "fd02::2", "client", source="fd01::2").mac) is answers


def test_ipv6_answers_only_for_addresses_of_the_device() -> None:
    world = three_in_line()
    assert asked(world, "fd01::1", "client", source="fd01::2").mac is not None
    assert asked(world, "fd02::1", "client", source="fd01::2").mac is None


@pytest.mark.parametrize(
    ("state", "used"),
    [("permanent", True), ("stale", True), ("reachable", True), ("failed", False), ("incomplete", False)],
)
def test_an_entry_is_used_while_it_is_valid(state: str, used: bool) -> None:
    world = one_bridge()
    world["left"].neighbour("eth0", RIGHT, "02:00:00:00:77:77", state)
    assert (asked(world).mac == "02:00:00:00:77:77") is used


def test_an_address_that_nobody_has_is_said_to_be_that() -> None:
    assert asked(one_bridge(), "10.3.0.9").text == "nobody on eth0 answers for 10.3.0.9"


def test_who_has_the_address_and_is_not_heard_is_named() -> None:
    world = one_bridge()
    world["sw"].plug("right0", "br0", state="blocking")
    assert "right has it, but does not hear the question" in asked(world).text
    world = one_bridge()
    world["right"].sysctl("net.ipv4.conf.all.arp_ignore", 8)
    assert "right has it, but does not answer" in asked(world).text


def test_what_is_beyond_a_network_card_may_answer() -> None:
    world = one_bridge()
    world["sw"].link("eno1")
    world["sw"].plug("eno1", "br0")
    found = asked(world, "10.3.0.9")
    assert (found.mac, found.leaves_view) == (None, True)


def test_of_two_that_have_one_address_either_may_be_heard_first() -> None:
    world = one_bridge()
    world.space("twin").listen(81)
    world.cable("sw:twin0", "twin:eth0")
    world["sw"].plug("twin0", "br0")
    world["twin"].address("eth0", "10.3.0.2/24")
    assert len(asked(world).several) == 1
    assert {found.symptom for found in ask(world)} == {Symptom.CONNECTED, Symptom.REFUSED}


# Where a bridge sends a frame.


def test_a_frame_follows_the_forwarding_table() -> None:
    world = one_bridge()
    world.space("spy")
    world.cable("sw:spy0", "spy:eth0")
    world["sw"].plug("spy0", "br0")
    assert outcome(world) == (Outcome.DELIVERED, Symptom.CONNECTED)
    world["sw"].learned("spy0", world["right"].links["eth0"].mac)
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


# The firewall that bridged packets pass.

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
    world["sw"].table(Table(Backend.NFT, "bridge", "t", (Chain("c", base=base),)))
    assert outcome(world) == (Outcome.POLICY_DROP, Symptom.TIMEOUT)


def test_ipv6_has_a_switch_of_its_own_for_bridged_packets() -> None:
    world = one_bridge()
    for number, name in enumerate(("left", "right"), 1):
        world[name].address("eth0", f"fd03::{number}/64").listen(80, f"fd03::{number}")
    world["sw"].iptables(DROP_ALL, family="ip6").sysctl("net.bridge.bridge-nf-call-iptables", 1)
    assert outcome(world, address="fd03::2")[1] is Symptom.CONNECTED
    world["sw"].sysctl("net.bridge.bridge-nf-call-ip6tables", 1)
    assert outcome(world, address="fd03::2")[1] is Symptom.TIMEOUT


def test_protocols_do_not_matter_to_a_bridge() -> None:
    question = Question(Source("left"), ip_address(RIGHT), 80, Protocol.UDP)
    runs, _ = conversations(Walked(one_bridge().snapshot("left")), question)
    assert runs[0].result.symptom is Symptom.CONNECTED
