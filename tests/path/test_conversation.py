"""Whole questions: there, the answer, the third packet, errors on their way back, branches."""

from __future__ import annotations

import pytest

from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Protocol
from engine.model.trace import Outcome, StepKind, Symptom
from tests.hosts.build import World
from tests.hosts.stock import docker_world, three_in_line
from tests.path.endings import filtered
from tests.path.talks import SERVER, UDP, ask, asked, places


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


def chance(rule: str) -> World:
    world = three_in_line()
    filtered(world["router"], "FORWARD", rule)
    return world


def test_chance_is_asked_again_for_each_packet() -> None:
    found = asked(chance("-d 10.2.0.2/32 -m statistic --mode random --probability 0.5 -j DROP").snapshot("client"))
    assert {each.symptom for each in found} == {Symptom.TIMEOUT, Symptom.ACCEPTED_THEN_SILENT, Symptom.CONNECTED}


def test_what_chance_has_lost_is_sent_again() -> None:
    found = asked(chance("-d 10.2.0.2/32 -m statistic --mode random --probability 0.5 -j DROP").snapshot("client"))
    late = next(each for each in found if each.lost and each.symptom is Symptom.CONNECTED)
    assert late.lost is not None
    assert (late.lost.forward.outcome, late.forward.outcome) == (Outcome.RULE_DROP, Outcome.DELIVERED)
    unacknowledged = next(each for each in found if each.request and each.symptom is Symptom.CONNECTED)
    assert unacknowledged.confirm is not None
    assert unacknowledged.confirm.outcome is Outcome.RULE_DROP


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


def test_every_step_of_a_walk_points_at_a_row_or_is_a_note() -> None:
    found = ask(docker_world(), "10.77.0.1", 8080, source="lan")
    for trace in (found.forward, found.reply):
        assert trace is not None
        for step in trace.steps:
            assert step.ref is not None or step.kind in (StepKind.NOTE, StepKind.NAT), step


def test_the_same_question_has_the_same_answer() -> None:
    snapshot = docker_world(user=["-p tcp -m recent --rcheck -j DROP"]).snapshot("lan")
    assert asked(snapshot, "10.77.0.1", 8080) == asked(snapshot, "10.77.0.1", 8080)


@pytest.mark.parametrize("protocol", [Protocol.TCP, UDP])
def test_whoever_answered_is_told_that_the_answer_is_lost(protocol: Protocol) -> None:
    world = three_in_line()
    filtered(world["router"], "FORWARD", "-i right -j REJECT")
    found = ask(world, protocol=protocol)
    assert found.symptom is Symptom.TIMEOUT
    assert found.notice is not None
    assert (found.notice.outcome, found.notice.hops[-1].netns) == (Outcome.DELIVERED, "server")
    assert found.notice.last.packet.protocol is Protocol.ICMP
    assert found.notice in found.traces
    assert found.error is None


def test_nobody_is_told_of_an_answer_that_is_dropped_or_refused_by_its_own_host() -> None:
    world = three_in_line()
    filtered(world["router"], "FORWARD", "-i right -j DROP")
    assert ask(world).notice is None
    world = three_in_line()
    world["server"].routes.clear()
    assert ask(world).notice is None
