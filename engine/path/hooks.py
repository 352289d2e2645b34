"""A netfilter hook: its stations in order, each of which lets the packet on or ends it.

`accept` ends only its own base chain, so a later station can still drop; `drop` and `reject` are final
(net/netfilter/core.c, nf_hook_slow).
"""

from __future__ import annotations

from engine.model.firewall import Reject, VerdictKind
from engine.model.trace import Outcome, Trace
from engine.path.conntrack import track_packet
from engine.path.journey import Journey
from engine.path.nat import translate
from engine.path.rules import Ending, run_base_chain
from engine.path.stations import Station, StationKind


def run_hook(journey: Journey, hook: str, family: str | None = None) -> Trace | None:
    """Takes the packet through a hook. The finished trace if it ended there, None if it goes on."""
    family = family or ("ip" if journey.packet.dst.version == 4 else "ip6")
    for station in journey.world.stations(journey.netns).at(hook, family):
        ended = _stop(journey, station, hook)
        if ended is not None:
            return ended
    return None


def _stop(journey: Journey, station: Station, hook: str) -> Trace | None:
    if station.kind is StationKind.CONNTRACK:
        track_packet(journey)
        return None
    if station.kind is StationKind.NAT:
        return ended_by(journey, translate(journey, station.chains, hook))
    return ended_by(journey, run_base_chain(journey, station.chains[0], hook))


def ended_by(journey: Journey, ending: Ending | None) -> Trace | None:
    """The finished trace for an ending that is final, None for one that lets the packet on."""
    if ending is None:
        return None
    if isinstance(ending.effect, Reject):
        return journey.end(Outcome.REJECTED, ending.effect.kind)
    if getattr(ending.effect, "kind", None) is VerdictKind.DROP:
        return journey.end(Outcome.POLICY_DROP if ending.by_policy else Outcome.RULE_DROP)
    return None
