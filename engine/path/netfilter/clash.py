"""What a new flow must not look like: its answers would be found to belong to another flow that has their tuple.

1. NAT gives a flow another port rather than such a tuple, where it may (`holder` is asked by `nat`).
2. A flow that has one all the same does not get into the table, and its packet is dropped (`clash`).

The tuple of the flow's own packets is nobody else's, or they would belong to that flow. A tuple is only taken in its
zone: where the zones of both directions differ, one that another flow began with is hashed where nobody looks for it.

Sources: net/netfilter/nf_conntrack_core.c (__nf_conntrack_confirm, nf_ct_resolve_clash: only what two processors track
at once is let off, nf_conntrack_tuple_taken, nf_ct_key_equal), nf_nat_core.c (nf_nat_used_tuple).
"""

from __future__ import annotations

from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Outcome, StepKind, Trace
from engine.model.traffic import Tuple4
from engine.path.journey import Journey
from engine.path.lookup.conntrack_snapshot import OVER, entry_name, entry_ref, entry_text, flow_name
from engine.path.lookup.flow import Track, track_of
from engine.path.lookup.tcp_state import SENT


def holder(journey: Journey, track: Track, reply: Tuple4) -> Track | None:
    """The flow in the table that has the tuple which another one's replies are to have; None where it is free."""
    first, back = track.zones
    zones = (first if first == back else None, back)
    for other in journey.tracks.by_netns.get(journey.netns.id, ()):
        confirmed = other.entry is not None or "confirmed" in other.status
        if other is not track and confirmed and other.protocol is track.protocol and other.has(reply, zones):
            return other
    if not journey.netns.conntrack:
        return None
    entry = journey.world.flows(journey.netns).find(track.protocol, reply, (back, back))
    if entry is None or (journey.netns.id, entry) in journey.tracks.gone:
        return None
    found = track_of(entry)
    return found if found.has(reply, zones) else None


def gives_way(journey: Journey, track: Track, other: Track) -> bool:
    """Whether a connection from before that is over is given up, so that a new one has its port: where the numbers of
    the new one are ahead of it, both ways therefore (nf_nat_used_tuple_harder)."""
    entry, here = other.entry, journey.netns.id
    if entry is None or entry.state not in OVER or "snat" not in entry.status or track.state != SENT:
        return False
    sentence = f"unknown whether {here} evicts the old flow {entry_name(entry)} for a new one"
    about = Assumption("ASSUME_EVICTION", sentence, entry_ref(here, entry))
    if journey.pick_once((here, entry), 2, about) == 1:
        return False
    journey.tracks.forget(here, other)
    return True


def clash(journey: Journey, track: Track) -> Trace | None:
    """The end of a flow's first packet, where a flow in the table has the tuple of its answers; None where none has."""
    other = holder(journey, track, track.reply)
    if other is None:
        return None
    here = journey.netns.id
    if other.entry is not None:
        ref, known = entry_ref(here, other.entry), entry_text(other.entry)
    else:
        ref, known = Ref(RefKind.NETNS, here, (), here, here), flow_name(other.protocol, other.original)
    answers = flow_name(track.protocol, track.reply)
    text = f"the flow does not enter the conntrack table: its reply tuple ({answers}) belongs to {known}"
    journey.step(StepKind.CONNTRACK, text, ref)
    return journey.end(Outcome.CONNTRACK_CLASH)
