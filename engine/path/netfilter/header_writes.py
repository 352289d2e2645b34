"""What rules write into headers: the time to live, the class, options of TCP, the size of segments.

Source: net/netfilter/xt_HL.c, xt_DSCP.c, xt_TCPOPTSTRIP.c, nft_payload.c, nft_exthdr.c; the size of segments is in
`mss`.
"""

from __future__ import annotations

from engine.model.firewall import SetLabel, SetMss, SetTos, SetTtl, StripOptions
from engine.path.journey import Journey
from engine.path.netfilter.mss import set_mss
from engine.records import replace


def written(journey: Journey, statement: SetTtl | SetTos | SetMss | SetLabel | StripOptions) -> str:
    """Runs a statement; what it did, in words."""
    if isinstance(statement, StripOptions):
        journey.packet = replace(journey.packet, stripped=journey.packet.stripped | statement.names)
        return "options stripped"
    if isinstance(statement, SetMss):
        return set_mss(journey, statement)
    if isinstance(statement, SetLabel):
        return _set_label(journey, statement)
    return _set_ttl(journey, statement) if isinstance(statement, SetTtl) else _set_tos(journey, statement)


def _set_label(journey: Journey, statement: SetLabel) -> str:
    track = journey.skb.track
    if track is None:
        return ""
    track.labels |= statement.bits
    journey.see(ct_labels=track.labels)
    return f"ct label set {statement.bits:#x}"


def _set_ttl(journey: Journey, statement: SetTtl) -> str:
    old = journey.packet.ttl if statement.relative else 0
    new = min(max(old + statement.value, 0), 255)
    journey.packet = replace(journey.packet, ttl=new)
    return f"ttl set {new}"


def _set_tos(journey: Journey, statement: SetTos) -> str:
    old, value = journey.packet.tos, statement.value
    new = None if old is None or value is None else (old & statement.keep) ^ value
    journey.packet = replace(journey.packet, tos=new)
    return "tos set" if new is None else f"tos set {new:#x}"
