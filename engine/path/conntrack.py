"""What connection tracking makes of a packet: new, established, related, invalid or untracked.

Source: net/netfilter/nf_conntrack_core.c (nf_conntrack_in), nf_conntrack_proto_tcp.c (tcp_new: only a SYN
opens a flow; a SYN/ACK or RST without a flow is invalid), nf_conntrack_proto_icmp.c (an error belongs to
the flow that it quotes).
"""

from __future__ import annotations

from engine.model.packet import TCP_ACK, TCP_RST, TCP_SYN, Packet, Protocol
from engine.path.flow import Track, inverse, new_track, tuple_of
from engine.path.journey import Journey


def track_packet(journey: Journey) -> None:
    """Attaches the packet to its flow and sets what `ct` matches see."""
    if journey.untracked:
        journey.see(ct_state="untracked", ct_status=frozenset())
        return
    if journey.inner is not None:
        _track_error(journey)
        return
    track = journey.track or _known(journey)
    if track is None:
        if not _may_open(journey.packet):
            journey.see(ct_state="invalid", ct_status=frozenset())
            return
        track = new_track(journey.packet)
        journey.tracks.add(journey.netns.id, track)
    elif journey.track is None and _out_of_turn(journey.packet, track):
        journey.see(ct_state="invalid", ct_status=frozenset())
        return
    reply = track.is_reply(tuple_of(journey.packet)) if journey.track is None else journey.context.ct_reply_direction
    if reply:
        track.replied = True
    attach(journey, track, "established" if reply or track.replied else "new", reply)


def attach(journey: Journey, track: Track, state: str, reply: bool) -> None:
    """Attaches the packet to a flow."""
    journey.track = track
    journey.see(
        ct_state=state,
        ct_status=track.status | ({"seen-reply"} if track.replied else frozenset()),
        ct_mark=track.mark,
        ct_original=track.original,
        ct_reply_direction=reply,
    )


def _known(journey: Journey) -> Track | None:
    return journey.tracks.find(journey.netns.id, journey.packet.protocol, tuple_of(journey.packet))


def _track_error(journey: Journey) -> None:
    """An ICMP error: the flow is found by the quoted tuple turned round (nf_conntrack_inet_error)."""
    if journey.track is not None or journey.inner is None:
        return
    turned = inverse(journey.inner)
    for track in journey.tracks.by_netns.get(journey.netns.id, ()):
        if turned in (track.reply, track.original):
            attach(journey, track, "related", turned == track.reply)
            return
    journey.see(ct_state="invalid", ct_status=frozenset())


def _may_open(packet: Packet) -> bool:
    if packet.protocol is not Protocol.TCP:
        return True
    return not packet.tcp_flags & TCP_RST and (packet.tcp_flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK)


def _out_of_turn(packet: Packet, track: Track) -> bool:
    """A third packet where the answer to the first one was never seen (tcp_conntracks: ack in SYN_SENT)."""
    opens = packet.tcp_flags & (TCP_SYN | TCP_RST)
    return packet.protocol is Protocol.TCP and not track.replied and not opens and tuple_of(packet) == track.original
