"""Whole questions: there, the answer, the third packet, relays, frozen programs, clients out of view, branches."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from engine.model.host import Snapshot
from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Protocol
from engine.model.trace import Conversation, Outcome, StepKind, Symptom
from engine.model.traffic import Process, Relay
from engine.model.verdict import Question, Source
from engine.path.conversation import MOST_RELAYS, conversations
from engine.path.world import World as Walked
from tests.hosts.build import World
from tests.hosts.stock import WEB, docker_world, three_in_line, two_uplinks
from tests.path.endings import filtered

SERVER = "10.2.0.2"
UDP = Protocol.UDP


def asked(
    snapshot: Snapshot,
    address: str = SERVER,
    port: int = 80,
    protocol: Protocol = Protocol.TCP,
    source: Source | None = None,
) -> list[Conversation]:
    question = Question(source or Source(snapshot.host), ip_address(address), port, protocol)
    runs, complete = conversations(Walked(snapshot), question)
    assert complete
    return [run.result for run in runs]


def ask(
    world: World, address: str = SERVER, port: int = 80, protocol: Protocol = Protocol.TCP, source: str = "client"
) -> Conversation:
    return asked(world.snapshot(source), address, port, protocol)[0]


def places(found: Conversation) -> list[str]:
    return [hop.netns for hop in found.forward.hops]


# There and back.


def test_a_connection_is_a_packet_an_answer_and_a_third_packet() -> None:
    found = ask(three_in_line())
    assert found.symptom is Symptom.CONNECTED
    assert places(found) == ["client", "router", "server"]
    assert found.reply is not None
    assert [hop.netns for hop in found.reply.hops] == ["server", "router", "client"]
    assert found.forward.hops[0].packet.tcp_flags == TCP_SYN
    assert found.reply.hops[0].packet.tcp_flags == TCP_SYN | TCP_ACK
    assert found.forward.last.packet.ttl == 63


def test_a_datagram_and_its_answer_are_a_conversation_too() -> None:
    found = ask(three_in_line(), protocol=UDP)
    assert (found.symptom, found.confirm) == (Symptom.CONNECTED, None)
    assert found.forward.hops[0].packet.tcp_flags == 0


def test_a_lost_answer_is_silence() -> None:
    world = three_in_line()
    filtered(world["router"], "FORWARD", "-s 10.2.0.2/32 -j DROP")
    found = ask(world)
    assert found.symptom is Symptom.TIMEOUT
    assert found.reply is not None
    assert found.reply.outcome is Outcome.RULE_DROP


@pytest.mark.parametrize("lost", ["-j DROP", "-j REJECT"])
def test_a_refusal_of_the_answer_is_silence_to_the_client(lost: str) -> None:
    world = three_in_line()
    filtered(world["server"], "OUTPUT", f"-p tcp {lost}")
    assert ask(world).symptom is Symptom.TIMEOUT


def test_an_answer_without_a_way_back_is_silence() -> None:
    world = three_in_line()
    world["server"].routes.clear()
    found = ask(world)
    assert found.symptom is Symptom.TIMEOUT
    assert found.reply is not None
    assert found.reply.outcome is Outcome.NO_ROUTE


def test_a_lost_third_packet_leaves_the_client_connected_to_nobody() -> None:
    world = three_in_line()
    filtered(world["server"], "INPUT", "-p tcp -m tcp --tcp-flags SYN,ACK ACK -j DROP")
    found = ask(world)
    assert found.symptom is Symptom.ACCEPTED_THEN_SILENT
    assert found.confirm is not None
    assert found.confirm.outcome is Outcome.RULE_DROP


def test_established_packets_may_be_let_through_alone() -> None:
    world = three_in_line()
    rules = "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A FORWARD -d 10.2.0.2/32 -j ACCEPT\n"
    world["router"].iptables(f"*filter\n:FORWARD DROP [0:0]\n{rules}COMMIT\n")
    assert ask(world).symptom is Symptom.CONNECTED


# Refusals and errors on their way back.


def test_a_closed_port_answers_with_a_reset() -> None:
    found = ask(three_in_line(), port=81)
    assert (found.symptom, found.forward.outcome) == (Symptom.REFUSED, Outcome.NO_LISTENER)
    assert found.reply is not None
    assert found.reply.hops[0].packet.tcp_flags == TCP_RST | TCP_ACK


def test_a_reset_that_is_dropped_is_silence() -> None:
    world = three_in_line()
    filtered(world["router"], "FORWARD", "-p tcp -m tcp --tcp-flags RST RST -j DROP")
    assert ask(world, port=81).symptom is Symptom.TIMEOUT


@pytest.mark.parametrize(
    ("rule", "symptom"),
    [
        ("-p icmp -m icmp --icmp-type 3/3 -j DROP", Symptom.TIMEOUT),
        ("-p icmp -m icmp --icmp-type 3/1 -j DROP", Symptom.REFUSED),
        ("-m conntrack --ctstate RELATED -j DROP", Symptom.TIMEOUT),
        ("-m conntrack --ctstate INVALID -j DROP", Symptom.REFUSED),
    ],
)
def test_an_error_message_has_to_get_back_too(rule: str, symptom: Symptom) -> None:
    world = three_in_line()
    filtered(world["router"], "FORWARD", rule)
    assert ask(world, port=81, protocol=UDP).symptom is symptom


def test_an_ipv6_error_is_an_icmpv6_message_of_its_own_type() -> None:
    world = three_in_line()
    world["router"].iptables(
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p ipv6-icmp -m icmp6 --icmpv6-type 1 -j ACCEPT\n"
        "-A FORWARD -p udp -j ACCEPT\nCOMMIT\n",
        family="ip6",
    )
    assert ask(world, "fd02::2", 81, UDP).symptom is Symptom.REFUSED


def test_a_router_that_has_no_way_back_can_tell_nobody() -> None:
    world = three_in_line()
    world["router"].route("unreachable 10.2.0.2/32").route("blackhole 10.1.0.2/32")
    assert ask(world).symptom is Symptom.TIMEOUT


def test_a_reset_of_a_rule_looks_like_a_closed_port() -> None:
    world = three_in_line()
    filtered(world["router"], "FORWARD", "-p tcp -j REJECT --reject-with tcp-reset")
    found = ask(world)
    assert (found.symptom, found.forward.outcome) == (Symptom.REFUSED, Outcome.REJECTED)


# The answer of a datagram socket.


def second_address() -> World:
    world = three_in_line()
    world["server"].address("eth0", "10.2.0.3/24", flags=frozenset({"secondary"}))
    return world


def test_a_wildcard_socket_answers_from_the_address_that_routing_chooses() -> None:
    found = ask(second_address(), "10.2.0.3", protocol=UDP)
    assert found.symptom is Symptom.TIMEOUT
    assert found.reply is not None
    assert found.reply.outcome is Outcome.REPLY_MISMATCH
    assert str(found.reply.last.packet.src) == SERVER


def test_a_socket_with_an_address_answers_from_it() -> None:
    world = second_address()
    world["server"].listen(80, "10.2.0.3", UDP)
    assert ask(world, "10.2.0.3", protocol=UDP).symptom is Symptom.CONNECTED


def test_tcp_answers_from_the_address_that_was_asked() -> None:
    assert ask(second_address(), "10.2.0.3").symptom is Symptom.CONNECTED


# Programs.


def behind_a_relay(kind: str = "docker-proxy", target: str | None = WEB, port: int = 80, **options: object) -> World:
    """A host whose port 8080 is held by a relay, without a rule that translates it."""
    world = docker_world(nat="", proxy=False, **options)  # type: ignore[arg-type]
    relay = Relay(kind, ip_address(target) if target else None, port)
    world["host"].listen(8080, process=Process(790, kind, relay=relay))
    return world


def relayed(world: World, source: str = "lan") -> Conversation:
    return ask(world, "10.77.0.1", 8080, source=source)


def test_a_relay_opens_a_second_connection() -> None:
    found = relayed(behind_a_relay())
    assert found.symptom is Symptom.CONNECTED
    assert found.relayed is not None
    assert places(found.relayed) == ["host", "web"]
    assert str(found.relayed.forward.last.packet.src) == "172.17.0.1"


def test_a_relay_whose_own_connection_is_refused_closes() -> None:
    assert relayed(behind_a_relay(port=81)).symptom is Symptom.ACCEPTED_THEN_CLOSED


def test_a_relay_whose_own_connection_hangs_is_silent() -> None:
    world = behind_a_relay()
    filtered(world["web"], "INPUT", "-p tcp -j DROP")
    assert relayed(world).symptom is Symptom.ACCEPTED_THEN_SILENT


def test_a_relay_that_passes_nothing_on_is_silent() -> None:
    assert relayed(behind_a_relay("dockerd", None)).symptom is Symptom.ACCEPTED_THEN_SILENT


def test_relays_that_lead_to_relays_end() -> None:
    world = behind_a_relay(target="172.17.0.1", port=8080)
    found, depth = relayed(world), 0
    while found.relayed is not None:
        found, depth = found.relayed, depth + 1
    assert depth == MOST_RELAYS


def test_a_relay_of_datagrams_has_no_connection_to_close() -> None:
    world = behind_a_relay()
    relay = Relay("docker-proxy", ip_address(WEB), 81)
    world["host"].listen(8080, protocol=UDP, process=Process(791, "docker-proxy", relay=relay))
    assert ask(world, "10.77.0.1", 8080, UDP, "lan").symptom is Symptom.TIMEOUT


def paused() -> World:
    world = docker_world()
    world.containers[:] = [replace(c, state="paused") if c.name == "web" else c for c in world.containers]
    return world


def test_a_paused_container_accepts_and_is_silent() -> None:
    assert relayed(paused()).symptom is Symptom.ACCEPTED_THEN_SILENT
    assert ask(paused(), WEB, 80, UDP, "host").symptom is Symptom.TIMEOUT


def test_of_containers_that_share_a_namespace_all_must_be_paused() -> None:
    world = paused()
    world.containers.append(replace(world.containers[0], id="side", name="side", state="running"))
    assert relayed(world).symptom is Symptom.CONNECTED


@pytest.mark.parametrize(("state", "symptom"), [("T", Symptom.ACCEPTED_THEN_SILENT), ("S", Symptom.CONNECTED)])
def test_a_stopped_program_accepts_and_is_silent(state: str, symptom: Symptom) -> None:
    world = three_in_line()
    world["server"].listeners.clear()
    world["server"].listen(80, process=Process(9, "app", state))
    assert ask(world).symptom is symptom


@pytest.mark.parametrize(("queued", "symptom"), [(5, Symptom.CONNECTED), (6, Symptom.TIMEOUT)])
def test_a_full_queue_is_one_more_than_the_backlog(queued: int, symptom: Symptom) -> None:
    world = three_in_line()
    world["server"].listeners.clear()
    world["server"].listen(80, backlog=5, queued=queued)
    assert ask(world).symptom is symptom


# Clients out of view.


def outside(address: str = "192.0.2.9", device: str = "isp1") -> Source:
    return Source("host", ip_address(address), device)


def test_an_outside_client_is_answered_by_the_device_that_it_came_in_by() -> None:
    (found,) = asked(two_uplinks().snapshot(), "198.51.100.2", 443, source=outside())
    assert found.symptom is Symptom.CONNECTED
    assert "ASSUME_OUTSIDE_PATH" in [about.code for about in found.assumptions]


def test_a_policy_rule_may_lead_the_answer_out_by_the_right_card() -> None:
    (found,) = asked(two_uplinks().snapshot(), "203.0.113.2", 443, source=outside(device="isp2"))
    assert found.reply is not None
    assert found.symptom is Symptom.CONNECTED
    assert found.reply.hops[-1].steps[-1].text == "leaves by isp2 for what is not visible from here"


def test_a_strict_filter_drops_what_comes_in_by_the_other_card() -> None:
    world = two_uplinks()
    world["host"].sysctl("net.ipv4.conf.all.rp_filter", 1)
    (by_rule,) = asked(world.snapshot(), "203.0.113.2", 443, source=outside(device="isp2"))
    (astray,) = asked(world.snapshot(), "198.51.100.2", 443, source=outside(device="isp2"))
    assert (by_rule.symptom, astray.forward.outcome) == (Symptom.CONNECTED, Outcome.RP_FILTER)


def test_an_outside_client_may_come_in_by_a_bridge() -> None:
    world = World()
    host = world.space("host")
    host.link("eno1")
    host.bridge("br0", "eno1").address("br0", "10.0.0.1/24").serve(80)
    for device in ("br0", "eno1"):
        (found,) = asked(world.snapshot(), "10.0.0.1", 80, source=outside("10.0.0.9", device))
        assert found.symptom is Symptom.CONNECTED, device


def test_an_outside_client_does_not_take_an_answer_that_was_not_translated_back() -> None:
    world = two_uplinks()
    world["host"].iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
        "*raw\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    )
    world["host"].address("isp1", "198.51.100.9/24", flags=frozenset({"secondary"}))
    (found,) = asked(world.snapshot(), "198.51.100.9", 443, UDP, outside())
    assert found.symptom is Symptom.TIMEOUT
    assert found.reply is not None
    assert found.reply.outcome is Outcome.REPLY_MISMATCH


def test_an_outside_client_of_a_closed_port_is_refused() -> None:
    for protocol in (Protocol.TCP, UDP):
        (found,) = asked(two_uplinks().snapshot(), "198.51.100.2", 81, protocol, outside())
        assert found.symptom is Symptom.REFUSED


# Branches.


def chance(rule: str) -> World:
    world = three_in_line()
    filtered(world["router"], "FORWARD", rule)
    return world


def test_chance_is_asked_again_for_each_packet() -> None:
    found = asked(chance("-d 10.2.0.2/32 -m statistic --mode random --probability 0.5 -j DROP").snapshot("client"))
    assert [each.symptom for each in found] == [Symptom.TIMEOUT, Symptom.ACCEPTED_THEN_SILENT, Symptom.CONNECTED]


def test_a_match_that_decides_nothing_does_not_branch() -> None:
    assert len(asked(chance("-m limit --limit 1/sec -j LOG").snapshot("client"))) == 1


def test_an_unknown_target_may_accept_or_drop() -> None:
    world = three_in_line()
    world["router"].iptables(
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.2.0.2/32 -j ACCEPT\n"
        "-A FORWARD -j NFQUEUE --queue-num 0\nCOMMIT\n"
    )
    found = {each.symptom for each in asked(world.snapshot("client"))}
    assert found == {Symptom.CONNECTED, Symptom.TIMEOUT, Symptom.ACCEPTED_THEN_SILENT}


# Steps.


def test_every_step_of_a_walk_points_at_a_row_or_is_a_note() -> None:
    found = relayed(docker_world())
    for trace in (found.forward, found.reply):
        assert trace is not None
        for step in trace.steps:
            assert step.ref is not None or step.kind in (StepKind.NOTE, StepKind.NAT), step


def test_the_same_question_has_the_same_answer() -> None:
    snapshot = docker_world(user=["-p tcp -m recent --rcheck -j DROP"]).snapshot("lan")
    assert asked(snapshot, "10.77.0.1", 8080) == asked(snapshot, "10.77.0.1", 8080)
