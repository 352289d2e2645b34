"""A netfilter hook: its stations in order, each of which lets the packet on or ends it.

`accept` ends only its own base chain, so a later station can still drop; `drop` and `reject` are final
(net/netfilter/core.c, nf_hook_slow).
"""

from __future__ import annotations

from engine.model.firewall import Reject, VerdictKind
from engine.model.trace import Assumption, Outcome, Trace
from engine.path.conntrack import track_packet
from engine.path.journey import Journey
from engine.path.nat import translate
from engine.path.rules import Ending, chain_ref, run_base_chain
from engine.path.stations import Hooked, Station, StationKind


def run_hook(journey: Journey, hook: str, family: str | None = None) -> Trace | None:
    """Takes the packet through a hook. The finished trace if it ended there, None if it goes on."""
    family = family or ("ip" if journey.packet.dst.version == 4 else "ip6")
    stations = journey.world.stations(journey.netns)
    legacy_first = frozenset(tied.base.priority for tied in stations.tied(hook, family) if _runs_first(journey, tied))
    for station in stations.at(hook, family, legacy_first):
        ended = _stop(journey, station, hook)
        if ended is not None:
            return ended
    return None


def _runs_first(journey: Journey, tied: Hooked) -> bool:
    """Whether a legacy chain runs before its equals of nf_tables: undecided, but the same for all packets."""
    netns, priority = journey.netns.id, tied.base.priority
    sentence = f"whether iptables-legacy or nf_tables comes first at priority {priority} can't be seen in {netns}"
    about = Assumption("ASSUME_HOOK_ORDER", sentence, chain_ref(netns, tied.table, tied.chain))
    journey.assume(about)
    return journey.choices.pick_once((netns, tied.table.name, priority), 2, about) == 1


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
