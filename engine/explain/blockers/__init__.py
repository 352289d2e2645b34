"""What could be wrong: for each ending, the diagnoses that can explain it, the likeliest first.

A diagnosis looks at the failing step and proposes blockers with remedies. It may propose what is not the
cause: `engine.explain.search` tries the remedies on the model and keeps what makes a difference.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.explain.blocker import Blocker
from engine.explain.blockers import (
    clashing,
    detour,
    discovery,
    duplicate,
    firewall,
    link,
    nat,
    neighbour,
    nobodys,
    outside,
    publish,
    rewritten,
    route,
    separated,
    snat,
    socket,
    source,
    tracking,
    tunnel,
    unfulfilled,
    unpublished,
)
from engine.explain.failure import Failure, Leg
from engine.model.trace import Outcome

Diagnosis = Callable[[Failure], list[Blocker]]

#: A device that is down, or a bridge without its address, changes where packets are routed.
LINKS: tuple[Diagnosis, ...] = (link.lost_gateway, link.link_of_destination_down)

DIAGNOSES: dict[Outcome, tuple[Diagnosis, ...]] = {
    Outcome.RULE_DROP: (
        unfulfilled.rules_wiped,
        unpublished.fallen,
        firewall.rule_drop,
        nobodys.no_service,
        nobodys.not_here,
        neighbour.unplugged,
        nat.stale_target,
        *LINKS,
        snat.wrong_source,
        detour.detours,
    ),
    Outcome.REJECTED: (
        unfulfilled.rules_wiped,
        unpublished.fallen,
        firewall.rule_drop,
        nobodys.no_service,
        nobodys.not_here,
        neighbour.unplugged,
        nat.stale_target,
        *LINKS,
        snat.wrong_source,
        detour.detours,
    ),
    Outcome.POLICY_DROP: (
        unfulfilled.rules_wiped,
        unpublished.fallen,
        neighbour.unplugged,
        nat.stale_target,
        nobodys.no_service,
        nobodys.not_here,
        link.lost_gateway,
        firewall.policy_drop,
        link.link_of_destination_down,
        snat.wrong_source,
        detour.detours,
    ),
    Outcome.NO_ROUTE: (
        tunnel.forwarding,
        nat.masquerade_missing,
        snat.wrong_source,
        *LINKS,
        route.routes_lost,
        route.thrown,
        nobodys.no_service,
        route.no_route,
        detour.detours,
    ),
    Outcome.ROUTE_UNREACHABLE: (route.refused_route,),
    Outcome.ROUTE_PROHIBIT: (route.refused_route,),
    Outcome.ROUTE_BLACKHOLE: (route.refused_route,),
    Outcome.NOT_FORWARDED: (
        route.not_taken_in,
        nobodys.no_service,
        nobodys.not_here,
        nat.masquerade_missing,
        snat.wrong_source,
        link.lost_gateway,
        route.not_forwarded,
        link.link_of_destination_down,
        detour.detours,
    ),
    Outcome.CONNTRACK_FULL: (tracking.table_full,),
    Outcome.CONNTRACK_CLASH: (clashing.clash,),
    Outcome.IPSEC_DROP: (outside.ipsec,),
    Outcome.RP_FILTER: (snat.wrong_source, source.reverse_path, detour.detours),
    Outcome.MARTIAN: (
        nat.hairpin_not_masqueraded,
        nat.router_not_asked_back,
        snat.wrong_source,
        source.martian,
        detour.detours,
    ),
    Outcome.NO_NEIGHBOUR: (
        tunnel.around,
        separated.macvlan,
        separated.vlans,
        tunnel.forwarding,
        nat.masquerade_missing,
        snat.wrong_source,
        nat.stale_target,
        nat.hairpin_not_masqueraded,
        link.lost_gateway,
        discovery.dropped,
        nobodys.no_service,
        nobodys.not_here,
        neighbour.no_neighbour,
        neighbour.wrong_neighbour,
        detour.detours,
    ),
    Outcome.LINK_DOWN: (link.link_down, tunnel.forwarding, detour.detours),
    Outcome.BRIDGE_DROP: (
        *(separated.vlans, tunnel.forwarding, neighbour.wrong_neighbour, neighbour.not_asking),
        link.bridge_drop,
    ),
    Outcome.NOT_FOR_US: (
        *(tunnel.forwarding, neighbour.wrong_neighbour, neighbour.not_asking),
        *(snat.wrong_source, detour.detours, outside.not_for_us),
    ),
    Outcome.NO_LISTENER: (
        tunnel.forwarding,
        nat.stolen,
        publish.kept_from_translation,
        tracking.untracked,
        socket.other_listener,
        unpublished.not_published,
        nat.stale_target,
        socket.no_listener,
    ),
    Outcome.BACKLOG_FULL: (socket.backlog_full,),
    Outcome.ECHO_IGNORED: (socket.echo_ignored,),
    Outcome.REPLY_MISMATCH: (
        rewritten.behind_a_proxy,
        tracking.picked_up,
        nat.hairpin_not_translated,
        nat.hairpin_not_masqueraded,
        nat.router_not_asked_back,
        tracking.set_apart,
        snat.wrong_source,
        source.answer_kept,
        outside.mismatch,
        detour.detours,
    ),
    Outcome.NO_SOURCE_ADDRESS: (outside.no_source,),
    Outcome.TTL_EXPIRED: (
        rewritten.used_up,
        nobodys.no_service,
        nobodys.not_here,
        snat.wrong_source,
        outside.loop,
        detour.detours,
    ),
    Outcome.LOOP: (nobodys.no_service, nobodys.not_here, snat.wrong_source, outside.loop, detour.detours),
    Outcome.LEAVES_VIEW: (
        tunnel.forwarding,
        nat.masquerade_missing,
        snat.wrong_source,
        *LINKS,
        nobodys.no_service,
        outside.leaves_view,
        detour.detours,
    ),
    Outcome.UNKNOWN: (outside.unknown,),
}


def diagnose(failure: Failure) -> list[Blocker]:
    """Blockers that can explain a failure; at least one."""
    if failure.leg is Leg.SERVICE:
        held = unfulfilled.held_only(failure) if socket.holds_without_target(failure) else []
        return held or socket.not_served(failure)
    first = tracking.stale_flow(failure) + duplicate.duplicates(failure) + link.loopback_down(failure)
    found = first + [blocker for diagnosis in DIAGNOSES.get(failure.outcome, ()) for blocker in diagnosis(failure)]
    return found or outside.unknown(failure)
