"""What connection tracking makes of a packet: new, established, related, invalid or untracked.

A packet belongs to a flow of this conversation, or to one that the namespace tracked before (`existing`), or it
opens a flow; a table without room drops it then.
Source: net/netfilter/nf_conntrack_core.c (nf_conntrack_in, resolve_normal_ct, __nf_conntrack_alloc, early_drop,
nf_confirm), nf_conntrack_proto_icmp.c (an error belongs to the flow that it quotes); TCP's own states are in `tcp`.
"""

from __future__ import annotations

from engine.model.firewall import Backend, NoTrack, SetZone
from engine.model.packet import ECHO, TCP_ACK, TCP_PSH, Packet, Protocol
from engine.model.trace import Assumption, Outcome, StepKind, Trace
from engine.path.journey import Journey
from engine.path.lookup.conntrack_snapshot import OVER, entry_ref, entry_text
from engine.path.lookup.flow import Track, inverse, new_track, track_of, tuple_of
from engine.path.lookup.tcp_state import CLOSE, IGNORED, INVALID, after, assures, begins, in_window, kind_of
from engine.path.lookup.view import STRAY
from engine.path.netfilter.clash import clash

#: Messages that are questions, and so begin a flow (valid_new in nf_conntrack_proto_icmp.c and _icmpv6.c).
OPENING = {Protocol.ICMP: (8, 13, 15, 17), Protocol.ICMPV6: (128, 139)}
COUNT, MOST = "net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max"


def before_tracking(journey: Journey, statement: NoTrack | SetZone, backend: Backend) -> str:
    """What rules decide about the flow before there is one; in words.

    What is there stays: a flow (an error has that of the packet it speaks of), or a zone, so that NOTRACK after it does
    nothing. Of iptables' two the first counts (xt_CT.c); nftables' zone takes NOTRACK back (nft_ct_set_zone_eval).
    """
    settled = journey.skb.track is not None or journey.skb.zoned
    if isinstance(statement, NoTrack):
        if not settled:
            journey.skb.untracked = True
            journey.see(ct_state="untracked", ct_status=frozenset())
        return "notrack"
    if not settled and (backend is Backend.NFT or not journey.skb.untracked):
        journey.skb.zones = _zones(statement, statement.zone or 0)
        journey.skb.zoned, journey.skb.untracked = True, False
        journey.skb.by_mark = statement if statement.zone is None else None
        journey.see(ct_state="new", ct_zone=statement.zone or 0)  # a template stands for the flow (nf_ct_tmpl_alloc)
    return f"zone {'mark' if statement.zone is None else statement.zone}"


def _zones(statement: SetZone, zone: int) -> tuple[int, int]:
    return (zone if statement.original else 0, zone if statement.reply else 0)


def track_packet(journey: Journey) -> Trace | None:
    """Attaches the packet to its flow and sets what `ct` matches see. The finished trace where there is no room."""
    if journey.skb.untracked:
        journey.see(ct_state="untracked", ct_status=frozenset())
        return None
    if journey.skb.by_mark is not None:  # nf_ct_zone_tmpl
        journey.skb.zones = _zones(journey.skb.by_mark, journey.context.mark & 0xFFFF)
    if journey.skb.track is not None:  # over loopback, or made for a packet of the flow: it is known already
        return None
    if journey.inner is not None:
        _track_error(journey)
        return None
    track = _known(journey)
    if track is None:
        if not _may_open(journey):
            _stray(journey)
            return None
        if _full(journey):
            return journey.end(Outcome.CONNTRACK_FULL)
        track = _opened(journey)
    reply = _is_reply(journey.packet, track)
    if journey.packet.protocol is Protocol.TCP and not _in_turn(journey, track, reply):
        _stray(journey)
        return None
    if track.entry is not None and track.replied and journey.packet.protocol is Protocol.UDP:
        track.status |= {"assured"}  # it has been a stream for two seconds or more (nf_conntrack_udp_packet)
    if reply:
        track.replied = True
    begun = "related" if "expected" in track.status else "new"
    attach(journey, track, "established" if reply or track.replied else begun, reply)
    return None


def _opened(journey: Journey) -> Track:
    """A new flow for the packet (init_conntrack)."""
    track = new_track(journey.packet, journey.skb.zones)
    journey.tracks.add(journey.netns.id, track)
    if journey.packet.tcp_flags & TCP_ACK:
        journey.setting.told.add(STRAY)
    elif journey.packet.protocol is Protocol.TCP:
        track.sent = False
        track.proxied = journey.skb.proxying
    return track


def _stray(journey: Journey) -> None:
    """A packet that belongs to no flow."""
    journey.setting.told.add(STRAY)
    journey.see(ct_state="invalid", ct_status=frozenset())


def _in_turn(journey: Journey, track: Track, reply: bool) -> bool:
    """Whether a segment may come now, with what it does to its flow. One that is answered by nothing but a reset is
    forgotten at once."""
    before, now = track.state, after(track.state, journey.packet, reply=reply)
    if now == INVALID or (reply and not in_window(journey.netns, journey.packet, sent=track.sent)):
        return False
    if not reply and journey.packet.tcp_flags & TCP_PSH:
        track.sent = True
    if now == CLOSE and not track.replied:
        journey.tracks.forget(journey.netns.id, track)
    if now != IGNORED:
        track.state = now
        if track.replied and assures(before, now):
            track.status |= {"assured"}
    return True


def attach(journey: Journey, track: Track, state: str, reply: bool) -> None:
    """Attaches the packet to a flow."""
    journey.skb.track = track
    journey.see(
        ct_state=state,
        ct_status=track.status | ({"seen-reply"} if track.replied else frozenset()),
        ct_mark=track.mark,
        ct_labels=track.labels,
        ct_original=track.original,
        ct_reply=track.reply,
        ct_protocol=track.protocol,
        ct_zone=max(track.zones),  # of either direction (nft_ct_get_eval)
        ct_reply_direction=reply,
        ct_old=track.entry is not None,
    )


def confirm(journey: Journey) -> Trace | None:
    """Puts the packet's flow into the table, now that nothing has dropped its first packet. A rule's reset goes the
    other way, and does not speak for the packet that was rejected. The finished trace where another flow is in the way
    (__nf_conntrack_confirm)."""
    track = journey.skb.track
    if track is None or journey.context.ct_reply_direction or track.entry is not None or "confirmed" in track.status:
        return None
    ended = clash(journey, track)
    if ended is not None:
        journey.tracks.forget(journey.netns.id, track)
    else:
        track.status |= {"confirmed"}
        journey.see(ct_status=journey.context.ct_status | {"confirmed"})
    return ended


def _known(journey: Journey) -> Track | None:
    """The packet's flow: one of this conversation, else one that was tracked before it."""
    netns, protocol, flow = journey.netns, journey.packet.protocol, tuple_of(journey.packet)
    found = journey.tracks.find(netns.id, protocol, flow, journey.skb.zones)
    if found is not None or not netns.conntrack:
        return found
    entry = journey.world.flows(netns).find(protocol, flow, journey.skb.zones)
    if entry is None or (netns.id, entry) in journey.tracks.gone:
        return None
    track = track_of(entry)
    if entry.state in OVER and kind_of(journey.packet) == "syn":
        journey.tracks.forget(netns.id, track)
        return None
    journey.tracks.add(netns.id, track)
    text = f"belongs to a tracked flow, whose translation is set: {entry_text(entry)}"
    journey.step(StepKind.CONNTRACK, text, entry_ref(netns.id, entry))
    return track


def _full(journey: Journey) -> bool:
    """Whether the table has no room for a new flow. A full one may give up a flow that is not assured."""
    netns = journey.netns
    count, most = netns.sysctl(COUNT), netns.sysctl(MOST)
    if not most or count < most:
        return False
    ref = journey.sysctl_ref(MOST)
    if len(netns.conntrack) < count or any("assured" not in entry.status for entry in netns.conntrack):
        sentence = f"unknown whether the full table of {netns.id} evicts an old flow for a new one"
        about = Assumption("ASSUME_EVICTION", sentence, ref)
        journey.assume(about)
        if journey.choices.pick_once((netns.id, MOST), 2, about) == 1:
            return False
    journey.step(StepKind.CONNTRACK, f"the conntrack table is full: {count} of {most} entries", ref)
    return True


def _track_error(journey: Journey) -> None:
    """An ICMP error: the flow is found by the quoted tuple turned round, in the error's own zone."""
    assert journey.inner is not None
    turned = inverse(journey.inner)
    for track in journey.tracks.by_netns.get(journey.netns.id, ()):
        for reply, own in ((True, track.reply), (False, track.original)):
            if turned == own and track.zones[reply] == journey.skb.zones[reply]:
                attach(journey, track, "related", reply)
                return
    journey.see(ct_state="invalid", ct_status=frozenset())


def _is_reply(packet: Packet, track: Track) -> bool:
    """Whether the packet goes in the reply direction. An echo to oneself and its reply differ by type alone."""
    if packet.protocol in ECHO:
        return packet.icmp_type == ECHO[packet.protocol][1]
    return track.is_reply(tuple_of(packet))


def _may_open(journey: Journey) -> bool:
    packet = journey.packet
    if packet.protocol in ECHO:
        return packet.icmp_type in OPENING[packet.protocol]
    if packet.protocol is Protocol.SCTP:  # an answer from another address belongs to no flow (sctp_new)
        return journey.connecting
    return packet.protocol is not Protocol.TCP or begins(journey.netns, packet)
