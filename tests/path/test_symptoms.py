"""From endings and error messages to what the client sees. The hosts of test_endings hold the same for whole walks."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from engine.model.firewall import RejectKind
from engine.model.packet import Protocol
from engine.model.trace import Context, Hop, Outcome, Step, StepKind, Symptom, Trace
from engine.path.exchange.symptoms import (
    AT_SENDER,
    BY_ERROR,
    ERROR_FOR,
    ICMP,
    ICMP6,
    at_sender,
    error_symptom,
    icmp_of,
    relayed_symptom,
    sender_symptom,
)
from tests.path.journeys import packet

TOLD_TO_SOME = {
    Outcome.RULE_DROP,
    Outcome.POLICY_DROP,
    Outcome.REJECTED,
    Outcome.NOT_FOR_US,
    Outcome.CONNTRACK_FULL,
    Outcome.CONNTRACK_CLASH,
}
DROPS = sorted(TOLD_TO_SOME - {Outcome.NOT_FOR_US})
SENT = packet("10.1.0.2", "10.2.0.2")
QUIET = (RejectKind.NET_UNREACHABLE, RejectKind.HOST_UNREACHABLE)


def trace(outcome: Outcome, kind: StepKind = StepKind.ROUTE, **context: str) -> Trace:
    return Trace(outcome, (Hop("client", SENT, (Step(kind, "the end", SENT, Context(**context)),)),))  # type: ignore[arg-type]


def test_a_packet_ended_at_its_sender_when_it_came_in_nowhere() -> None:
    ended = trace(Outcome.RULE_DROP, oif="eth0")
    assert at_sender(ended, outside=False)
    assert not at_sender(ended, outside=True)
    assert not at_sender(trace(Outcome.RULE_DROP, iif="lo"), outside=False)
    assert not at_sender(replace(ended, hops=ended.hops * 2), outside=False)


@pytest.mark.parametrize(("outcome", "symptom"), AT_SENDER.items())
@pytest.mark.parametrize("protocol", [Protocol.TCP, Protocol.UDP])
def test_a_route_that_refuses_fails_the_system_call(outcome: Outcome, symptom: Symptom, protocol: Protocol) -> None:
    assert sender_symptom(trace(outcome), protocol) is symptom


@pytest.mark.parametrize("outcome", DROPS, ids=str)
def test_a_drop_at_the_sender_fails_the_system_call_of_udp_only(outcome: Outcome) -> None:
    assert sender_symptom(trace(outcome), Protocol.UDP) is Symptom.NOT_PERMITTED
    assert sender_symptom(trace(outcome), Protocol.TCP) is None


def test_of_a_packet_that_is_discarded_on_its_way_out_an_error_tells() -> None:
    assert sender_symptom(trace(Outcome.NO_ROUTE, StepKind.NOTE), Protocol.TCP) is None


@pytest.mark.parametrize(
    "outcome",
    sorted(set(Outcome) - set(AT_SENDER) - TOLD_TO_SOME),
    ids=str,
)
def test_any_other_ending_at_the_sender_is_silent(outcome: Outcome) -> None:
    assert sender_symptom(trace(outcome), Protocol.UDP) is None


def test_a_broadcast_address_is_refused_at_once() -> None:
    assert sender_symptom(trace(Outcome.NOT_FOR_US), Protocol.TCP) is Symptom.NET_UNREACHABLE
    assert sender_symptom(trace(Outcome.NOT_FOR_US), Protocol.UDP) is Symptom.PROHIBITED


def test_a_broadcast_address_is_refused_by_the_system_call() -> None:
    assert sender_symptom(trace(Outcome.NOT_FOR_US), Protocol.TCP) is Symptom.NET_UNREACHABLE
    assert sender_symptom(trace(Outcome.NOT_FOR_US), Protocol.UDP) is Symptom.PROHIBITED


@pytest.mark.parametrize("kind", RejectKind, ids=str)
def test_tcp_hears_every_error_and_udp_all_but_the_quiet_ones(kind: RejectKind) -> None:
    assert error_symptom(kind, Protocol.TCP) is BY_ERROR[kind]
    assert error_symptom(kind, Protocol.UDP) is (Symptom.TIMEOUT if kind in QUIET else BY_ERROR[kind])


def test_ipv6_calls_administratively_prohibited_a_refusal_of_access() -> None:
    for protocol in (Protocol.TCP, Protocol.UDP):
        assert error_symptom(RejectKind.ADMIN_PROHIBITED, protocol, 6) is Symptom.PROHIBITED
        assert error_symptom(RejectKind.PORT_UNREACHABLE, protocol, 6) is Symptom.REFUSED


def test_every_error_that_a_router_sends_has_a_message_in_both_versions() -> None:
    assert set(ERROR_FOR.values()) <= set(ICMP) & set(ICMP6)
    assert set(ICMP) == set(RejectKind) - {RejectKind.TCP_RESET}


@pytest.mark.parametrize(
    ("kind", "outcome", "version", "message"),
    [
        (RejectKind.PORT_UNREACHABLE, Outcome.NO_LISTENER, 4, (3, 3)),
        (RejectKind.PORT_UNREACHABLE, Outcome.NO_LISTENER, 6, (1, 4)),
        (RejectKind.NET_UNREACHABLE, Outcome.NO_ROUTE, 4, (3, 0)),
        (RejectKind.NET_UNREACHABLE, Outcome.NO_ROUTE, 6, (1, 0)),
        (RejectKind.ADMIN_PROHIBITED, Outcome.ROUTE_PROHIBIT, 4, (3, 13)),
        (RejectKind.ADMIN_PROHIBITED, Outcome.ROUTE_PROHIBIT, 6, (1, 1)),
        (RejectKind.HOST_UNREACHABLE, Outcome.NO_NEIGHBOUR, 6, (1, 3)),
        (RejectKind.HOST_UNREACHABLE, Outcome.TTL_EXPIRED, 4, (11, 0)),
        (RejectKind.HOST_UNREACHABLE, Outcome.LOOP, 6, (3, 0)),
        (RejectKind.HOST_PROHIBITED, Outcome.REJECTED, 4, (3, 10)),
    ],
)
def test_the_message_of_an_ending(kind: RejectKind, outcome: Outcome, version: int, message: tuple[int, int]) -> None:
    assert icmp_of(kind, outcome, version) == message


SILENT_SECOND = (Symptom.TIMEOUT, Symptom.ACCEPTED_THEN_SILENT)


@pytest.mark.parametrize(("second", "protocol"), list(product(Symptom, (Protocol.TCP, Protocol.UDP))), ids=str)
def test_what_a_relay_passes_on_of_its_own_connection(second: Symptom, protocol: Protocol) -> None:
    seen = relayed_symptom(second, protocol)
    if second is Symptom.CONNECTED:
        assert seen is Symptom.CONNECTED
    elif protocol is Protocol.UDP:
        assert seen is Symptom.TIMEOUT
    elif second in SILENT_SECOND:
        assert seen is Symptom.ACCEPTED_THEN_SILENT
    else:
        assert seen is Symptom.ACCEPTED_THEN_CLOSED
