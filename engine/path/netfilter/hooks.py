"""A netfilter hook: its stations in order, each of which lets the packet on or ends it.

`accept` ends only its own base chain, so a later station can still drop; `drop` and `reject` are final
(net/netfilter/core.c, nf_hook_slow).
"""

from __future__ import annotations

from collections.abc import Callable

from engine.model.firewall import Reject, SynProxy, VerdictKind
from engine.model.packet import Packet
from engine.model.trace import Assumption, Outcome, Trace
from engine.path.journey import Journey
from engine.path.lookup.hook_chains import Hooked, HookEntry, StationKind
from engine.path.lookup.refs import chain_ref
from engine.path.lookup.vrf import VRF
from engine.path.netfilter.chain_walk import Ending, run_base_chain
from engine.path.netfilter.conntrack import confirm, track_packet
from engine.path.netfilter.nat import translate
from engine.path.netfilter.synproxy import intercept, steal

#: The smallest and the largest priority of a hook.
FIRST_PRIORITY, LAST_PRIORITY = -(1 << 31), (1 << 31) - 1
ALL = range(FIRST_PRIORITY, LAST_PRIORITY + 1)


def run_hook(
    journey: Journey,
    hook: str,
    family: str | None = None,
    reroute: Callable[[Journey], Trace | None] | None = None,
    among: range = ALL,
) -> Trace | None:
    """Takes the packet through a hook. The finished trace if it ended there, None if it goes on.

    `reroute` is called after each station that has the packet routed again. `among` has the priorities of the stations
    that are run.
    """
    family = family or ("ip" if journey.packet.dst.version == 4 else "ip6")
    stations = journey.world.stations(journey.netns)
    legacy_first = frozenset(tied.base.priority for tied in stations.tied(hook, family) if _runs_first(journey, tied))
    for station in stations.at(hook, family, legacy_first):
        if station.priority not in among:
            continue
        before = journey.packet, journey.context.mark
        ended = _stop(journey, station, hook)
        if ended is None and reroute is not None and _routes_again(journey, station, *before):
            ended = reroute(journey)
        if ended is not None:
            return ended
    return None


def run_device_hook(journey: Journey, hook: str, device: str) -> Trace | None:
    """Takes the packet through a device's own hook, ingress or egress (net/core/dev.c, nf_ingress, nf_hook_egress)."""
    for hooked in journey.world.stations(journey.netns).on_device(hook, device):
        ended = ended_by(journey, run_base_chain(journey, hooked, hook))
        if ended is not None:
            return ended
    return None


def _routes_again(journey: Journey, station: HookEntry, packet: Packet, mark: int) -> bool:
    """Whether the station looks at what changed: chains of type route at addresses, mark and DSCP
    (nf_route_table_hook4, iptable_mangle.c), NAT at the destination (nf_nat_ipv4_local_fn); others do not look."""
    now = journey.packet
    if station.kind is StationKind.NAT:
        return now.dst != packet.dst
    routing = station.kind is StationKind.CHAIN and station.chains[0].base.kind == "route"
    had, has = (packet.src, packet.dst, packet.tos, mark), (now.src, now.dst, now.tos, journey.context.mark)
    return routing and has != had


def _runs_first(journey: Journey, tied: Hooked) -> bool:
    """Whether a legacy chain runs before its equals of nf_tables: undecided, but the same for all packets."""
    netns, priority = journey.netns.id, tied.base.priority
    sentence = (
        f"the snapshot does not show whether iptables-legacy or nf_tables runs first at priority {priority} in {netns}"
    )
    about = Assumption("ASSUME_HOOK_ORDER", sentence, chain_ref(netns, tied.table, tied.chain))
    journey.assume(about)
    return journey.choices.pick_once((netns, tied.table.name, priority), 2, about) == 1


def _stop(journey: Journey, station: HookEntry, hook: str) -> Trace | None:
    if station.kind in (StationKind.CONFIRM, StationKind.NAT) and hook == "postrouting" and _by_vrf(journey):
        return None
    if station.kind is StationKind.CONNTRACK:
        return track_packet(journey)
    if station.kind is StationKind.CONFIRM:
        return intercept(journey) or confirm(journey)
    if station.kind is StationKind.NAT:
        return ended_by(journey, translate(journey, station.chains, hook))
    return ended_by(journey, run_base_chain(journey, station.chains[0], hook))


def _by_vrf(journey: Journey) -> bool:
    """Whether the packet leaves by a VRF device, from which it is sent on: flows wait for that (in_vrf_postrouting)."""
    device = journey.netns.links_by_name.get(journey.context.oif)
    return device is not None and device.kind == VRF


def ended_by(journey: Journey, ending: Ending | None) -> Trace | None:
    """The finished trace for an ending that is final, None for one that lets the packet on."""
    if ending is None:
        return None
    if isinstance(ending.effect, Reject):
        return journey.end(Outcome.REJECTED, ending.effect.kind)
    if isinstance(ending.effect, SynProxy):
        return steal(journey)
    if getattr(ending.effect, "kind", None) is VerdictKind.DROP:
        return journey.end(Outcome.POLICY_DROP if ending.by_policy else Outcome.RULE_DROP)
    return None
