"""TCP's states as connection tracking sees them, and what a connection's later packets meet."""

from __future__ import annotations

import pytest

from engine.model.packet import TCP_ACK, TCP_PSH, TCP_RST, TCP_SYN
from engine.model.trace import Outcome, Symptom
from engine.path.lookup.tcp_state import (
    CLOSE,
    ESTABLISHED,
    IGNORED,
    INVALID,
    LOOSE,
    NONE,
    RECEIVED,
    SENT,
    after,
    begins,
)
from tests.hosts.build import World
from tests.hosts.stock import three_in_line
from tests.path.endings import filtered
from tests.path.journeys import packet
from tests.path.talks import ask

FORTH, BACK = False, True


@pytest.mark.parametrize(
    ("before", "flags", "reply", "now"),
    [
        (NONE, TCP_SYN, FORTH, SENT),
        (SENT, TCP_SYN, FORTH, SENT),
        (SENT, TCP_ACK, FORTH, INVALID),
        (SENT, TCP_SYN | TCP_ACK, BACK, RECEIVED),
        (SENT, TCP_RST | TCP_ACK, BACK, CLOSE),
        (RECEIVED, TCP_SYN, FORTH, IGNORED),
        (RECEIVED, TCP_ACK, FORTH, ESTABLISHED),
        (ESTABLISHED, TCP_PSH | TCP_ACK, BACK, ESTABLISHED),
        (NONE, TCP_ACK, FORTH, ESTABLISHED),
        (NONE, TCP_SYN | TCP_ACK, FORTH, INVALID),
        ("", TCP_ACK, BACK, ESTABLISHED),
    ],
)
def test_where_a_segment_takes_a_flow(before: str, flags: int, reply: bool, now: str) -> None:
    assert after(before, packet("10.1.0.2", "10.2.0.2", tcp_flags=flags), reply=reply) == now


@pytest.mark.parametrize(("loose", "picked_up"), [(1, True), (0, False)])
def test_a_connection_is_picked_up_midway_where_that_is_allowed(loose: int, picked_up: bool) -> None:
    world = three_in_line()
    world["router"].sysctl(LOOSE, loose)
    router = world.snapshot().by_id["router"]
    assert begins(router, packet("10.1.0.2", "10.2.0.2", tcp_flags=TCP_ACK)) is picked_up
    assert begins(router, packet("10.1.0.2", "10.2.0.2", tcp_flags=TCP_SYN))


def untracked_questions(loose: int = 1) -> World:
    """A router that keeps questions out of tracking, and masquerades what it tracks."""
    world = three_in_line()
    world["router"].sysctl(LOOSE, loose)
    raw = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.2.0.2/32 -j CT --notrack\nCOMMIT\n"
    world["router"].iptables(f"{raw}*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n")
    return world


def test_data_that_begins_a_flow_is_translated_as_one() -> None:
    found = ask(untracked_questions())
    assert found.symptom is Symptom.ACCEPTED_THEN_CLOSED  # the client's own reset, for a stranger's data, ends it
    assert found.request is not None
    assert found.request.outcome is Outcome.DELIVERED
    assert found.answer is not None
    assert found.answer.outcome is Outcome.REPLY_MISMATCH
    assert ask(untracked_questions(loose=0)).symptom is Symptom.CONNECTED


def test_data_is_not_walked_where_nothing_tells_it_from_the_handshake() -> None:
    found = ask(three_in_line())
    assert (found.symptom, found.request, found.answer) == (Symptom.CONNECTED, None, None)


@pytest.mark.parametrize(
    ("rule", "symptom"),
    [
        ("-p tcp -m tcp --dport 80 --tcp-flags PSH PSH -j DROP", Symptom.ACCEPTED_THEN_SILENT),
        (
            "-p tcp -m tcp --dport 80 --tcp-flags PSH PSH -j REJECT --reject-with tcp-reset",
            Symptom.ACCEPTED_THEN_CLOSED,
        ),
        ("-p tcp -m tcp --sport 80 --tcp-flags PSH PSH -j DROP", Symptom.ACCEPTED_THEN_SILENT),
        ("-p tcp -m tcp --dport 80 --tcp-flags SYN,ACK,PSH ACK -j DROP", Symptom.CONNECTED),
    ],
)
def test_rules_see_data_beside_the_handshake(rule: str, symptom: Symptom) -> None:
    world = three_in_line()
    filtered(world["router"], "FORWARD", rule)
    assert ask(world).symptom is symptom
