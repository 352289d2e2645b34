"""What connection tracking makes of a packet, and which flow an error message belongs to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Packet, Protocol
from engine.path.journey import Journey
from engine.path.lookup.flow import inverse, new_track, rewrite, tuple_of
from engine.path.netfilter.conntrack import track_packet
from tests.hosts.stock import three_in_line
from tests.path.journeys import journey, packet

SNAPSHOT = three_in_line().snapshot()
SYN = packet("10.1.0.2", "10.2.0.2")
ANSWER = replace(SYN, src=SYN.dst, dst=SYN.src, sport=SYN.dport, dport=SYN.sport, tcp_flags=TCP_SYN | TCP_ACK)


def tracked(sent: Packet, after: Journey | None = None, **attributes: object) -> Journey:
    """The packet behind connection tracking of the router, with the flows of an earlier one."""
    made = journey(SNAPSHOT, "router", sent)
    if after is not None:
        made.tracks = after.tracks
    for name, value in attributes.items():
        setattr(made.skb if hasattr(made.skb, name) else made, name, value)
    track_packet(made)
    return made


@pytest.mark.parametrize(
    ("flags", "state"),
    [
        (TCP_SYN, "new"),
        (TCP_ACK, "new"),
        (TCP_SYN | TCP_ACK, "invalid"),
        (TCP_RST, "invalid"),
        (TCP_RST | TCP_ACK, "invalid"),
    ],
)
def test_which_segments_open_a_flow(flags: int, state: str) -> None:
    assert tracked(replace(SYN, tcp_flags=flags)).context.ct_state == state


def test_any_datagram_opens_a_flow() -> None:
    assert tracked(packet("10.1.0.2", "10.2.0.2", protocol=Protocol.UDP)).context.ct_state == "new"


def test_the_first_packet_again_is_still_new_until_an_answer_was_seen() -> None:
    first = tracked(SYN)
    assert tracked(SYN, first).context.ct_state == "new"
    answered = tracked(ANSWER, first)
    assert (answered.context.ct_state, answered.context.ct_reply_direction) == ("established", True)
    third = tracked(replace(SYN, tcp_flags=TCP_ACK), first)
    assert (third.context.ct_state, third.context.ct_reply_direction) == ("established", False)
    assert "seen-reply" in third.context.ct_status


def test_one_flow_is_one_entry() -> None:
    first = tracked(SYN)
    tracked(ANSWER, first)
    assert len(first.tracks.by_netns["router"]) == 1


def test_a_flow_of_another_protocol_or_namespace_is_another_flow() -> None:
    first = tracked(SYN)
    assert tracked(replace(ANSWER, protocol=Protocol.UDP, tcp_flags=0), first).context.ct_state == "new"
    elsewhere = journey(SNAPSHOT, "server", ANSWER)
    elsewhere.tracks = first.tracks
    track_packet(elsewhere)
    assert elsewhere.context.ct_state == "invalid"


def test_a_packet_that_is_not_to_be_tracked_is_untracked() -> None:
    made = tracked(SYN, untracked=True)
    assert (made.context.ct_state, made.skb.track) == ("untracked", None)


def test_a_packet_over_loopback_keeps_its_flow() -> None:
    first = tracked(SYN)
    again = tracked(replace(SYN, dport=8080), first, track=first.skb.track)
    assert again.skb.track is first.skb.track
    assert len(first.tracks.by_netns["router"]) == 1


def icmp() -> Packet:
    return Packet(SYN.dst, SYN.src, Protocol.ICMP, icmp_type=3, icmp_code=3)


def test_an_error_is_related_to_the_flow_that_it_quotes() -> None:
    first = tracked(SYN)
    error = tracked(icmp(), first, inner=tuple_of(SYN))
    assert (error.context.ct_state, error.context.ct_reply_direction) == ("related", True)


def test_an_error_about_an_answer_goes_in_the_direction_of_the_question() -> None:
    first = tracked(SYN)
    error = tracked(icmp(), first, inner=tuple_of(ANSWER))
    assert (error.context.ct_state, error.context.ct_reply_direction) == ("related", False)


def test_an_error_about_a_translated_flow_quotes_it_as_it_was_sent_on() -> None:
    first = tracked(SYN)
    assert first.skb.track is not None
    first.skb.track.reply = replace(first.skb.track.reply, src=ANSWER.dst, sport=8080)
    assert tracked(icmp(), first, inner=inverse(first.skb.track.reply)).context.ct_state == "related"


def test_an_error_about_nothing_is_invalid() -> None:
    assert tracked(icmp(), inner=tuple_of(SYN)).context.ct_state == "invalid"


def test_the_flow_knows_its_first_packet_and_its_direction() -> None:
    first = tracked(SYN)
    assert first.context.ct_original == tuple_of(SYN)
    track = new_track(SYN)
    assert (track.is_reply(tuple_of(ANSWER)), track.is_reply(tuple_of(SYN))) == (True, False)


def test_a_flow_to_oneself_has_no_reply_direction() -> None:
    mirror = packet("10.1.0.2", "10.1.0.2", 50000)
    assert not new_track(mirror).is_reply(tuple_of(mirror))


def test_a_packet_is_rewritten_to_the_inverse_of_the_other_directions_tuple() -> None:
    track = new_track(SYN)
    track.reply = replace(track.reply, src=ANSWER.dst, sport=8080)
    there = rewrite(SYN, track.target(False), "dst")
    assert (there.dst, there.dport, there.src) == (ANSWER.dst, 8080, SYN.src)
    back = rewrite(replace(ANSWER, src=ANSWER.dst, sport=8080), track.target(True), "src")
    assert (back.src, back.sport) == (SYN.dst, 80)
