"""Diagnoses: for each ending, what could be wrong, the likeliest first.

    route source_validation wrong_route overlapping_networks ttl_rewrite      routing
    links/                                                                    devices, bridges, ARP
    firewall policy firewalld_zones ban evidence                              rules and policies
    nat shadowed snat conntrack conntrack_clash publishing/                   translation and published ports
    socket unassigned_address beyond_snapshot                                 the service, or nothing that is here
    naming/ proxies/                                                          names without address; proxies' answers

A diagnosis looks at the failing step and proposes blockers with remedies. It may propose what is not the cause:
`engine.explain.search` tries the remedies on the model and keeps those that make a difference.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.explain.blocker import Blocker
from engine.explain.blockers import (
    beyond_snapshot,
    conntrack,
    conntrack_clash,
    firewall,
    nat,
    policy,
    route,
    snat,
    socket,
    source_validation,
    ttl_rewrite,
    unassigned_address,
    wrong_route,
)
from engine.explain.blockers.links import discovery, duplicate, l2_isolation, link, lost_address, neighbour, vxlan
from engine.explain.blockers.naming import nameless
from engine.explain.blockers.proxies import answers, stale
from engine.explain.blockers.publishing import prerouting_only, publish, published_but_broken, unpublished
from engine.explain.failure import FailedLeg, Failure
from engine.model.trace import Outcome

Diagnosis = Callable[[Failure], list[Blocker]]

#: A device that is down, or a bridge without its address, changes where packets are routed.
LINKS: tuple[Diagnosis, ...] = (link.lost_gateway, link.link_of_destination_down)

DIAGNOSES: dict[Outcome, tuple[Diagnosis, ...]] = {
    Outcome.RULE_DROP: (
        published_but_broken.rules_wiped,
        unpublished.fallen,
        firewall.rule_drop,
        unassigned_address.no_service,
        unassigned_address.published_there,
        unassigned_address.not_here,
        neighbour.unplugged,
        nat.stale_target,
        *LINKS,
        snat.wrong_source,
        wrong_route.detours,
    ),
    Outcome.REJECTED: (
        published_but_broken.rules_wiped,
        unpublished.fallen,
        firewall.rule_drop,
        unassigned_address.no_service,
        unassigned_address.published_there,
        unassigned_address.not_here,
        neighbour.unplugged,
        nat.stale_target,
        *LINKS,
        snat.wrong_source,
        wrong_route.detours,
    ),
    Outcome.POLICY_DROP: (
        published_but_broken.rules_wiped,
        unpublished.fallen,
        neighbour.unplugged,
        nat.stale_target,
        unassigned_address.no_service,
        unassigned_address.published_there,
        unassigned_address.not_here,
        link.lost_gateway,
        policy.policy_drop,
        link.link_of_destination_down,
        snat.wrong_source,
        wrong_route.detours,
    ),
    Outcome.NO_ROUTE: (
        vxlan.forwarding,
        lost_address.own_address_lost,
        nat.masquerade_missing,
        snat.wrong_source,
        *LINKS,
        route.routes_lost,
        route.thrown,
        unassigned_address.no_service,
        route.no_route,
        wrong_route.detours,
    ),
    Outcome.ROUTE_UNREACHABLE: (route.refused_route,),
    Outcome.ROUTE_PROHIBIT: (route.refused_route,),
    Outcome.ROUTE_BLACKHOLE: (route.refused_route,),
    Outcome.NOT_FORWARDED: (
        route.not_taken_in,
        unassigned_address.no_service,
        unassigned_address.published_there,
        unassigned_address.not_here,
        nat.masquerade_missing,
        snat.wrong_source,
        link.lost_gateway,
        route.not_forwarded,
        link.link_of_destination_down,
        wrong_route.detours,
    ),
    Outcome.CONNTRACK_FULL: (conntrack.table_full,),
    Outcome.CONNTRACK_CLASH: (conntrack_clash.clash,),
    Outcome.IPSEC_DROP: (beyond_snapshot.ipsec,),
    Outcome.RP_FILTER: (snat.wrong_source, source_validation.reverse_path, wrong_route.detours),
    Outcome.MARTIAN: (
        nat.hairpin_not_masqueraded,
        nat.router_not_asked_back,
        snat.wrong_source,
        source_validation.martian,
        wrong_route.detours,
    ),
    Outcome.NO_NEIGHBOUR: (
        vxlan.around,
        l2_isolation.macvlan,
        l2_isolation.vlans,
        vxlan.forwarding,
        nat.masquerade_missing,
        snat.wrong_source,
        nat.stale_target,
        nat.hairpin_not_masqueraded,
        link.lost_gateway,
        discovery.dropped,
        unassigned_address.no_service,
        unassigned_address.published_there,
        unassigned_address.not_here,
        neighbour.no_neighbour,
        neighbour.wrong_neighbour,
        wrong_route.detours,
    ),
    Outcome.LINK_DOWN: (link.link_down, vxlan.forwarding, wrong_route.detours),
    Outcome.BRIDGE_DROP: (
        *(l2_isolation.vlans, vxlan.forwarding, neighbour.wrong_neighbour, neighbour.not_asking),
        link.bridge_drop,
    ),
    Outcome.NOT_FOR_US: (
        *(vxlan.forwarding, neighbour.wrong_neighbour, neighbour.not_asking),
        *(snat.wrong_source, wrong_route.detours, beyond_snapshot.not_for_us),
    ),
    Outcome.NO_LISTENER: (
        vxlan.forwarding,
        nat.stolen,
        publish.kept_from_translation,
        conntrack.untracked,
        socket.other_listener,
        prerouting_only.prerouting_only,
        unpublished.not_published,
        nat.stale_target,
        socket.no_listener,
    ),
    Outcome.BACKLOG_FULL: (socket.backlog_full,),
    Outcome.ECHO_IGNORED: (socket.echo_ignored,),
    Outcome.TUNNEL_PORT: (socket.tunnel_port,),
    Outcome.REPLY_MISMATCH: (
        ttl_rewrite.behind_a_proxy,
        conntrack.picked_up,
        nat.hairpin_not_translated,
        nat.hairpin_not_masqueraded,
        nat.router_not_asked_back,
        conntrack.set_apart,
        snat.wrong_source,
        source_validation.answer_kept,
        beyond_snapshot.mismatch,
        wrong_route.detours,
    ),
    Outcome.NO_SOURCE_ADDRESS: (beyond_snapshot.no_source,),
    Outcome.TTL_EXPIRED: (
        ttl_rewrite.used_up,
        unassigned_address.no_service,
        unassigned_address.published_there,
        unassigned_address.not_here,
        snat.wrong_source,
        beyond_snapshot.loop,
        wrong_route.detours,
    ),
    Outcome.LOOP: (
        unassigned_address.no_service,
        unassigned_address.published_there,
        unassigned_address.not_here,
        snat.wrong_source,
        beyond_snapshot.loop,
        wrong_route.detours,
    ),
    Outcome.LEAVES_VIEW: (
        vxlan.forwarding,
        nat.masquerade_missing,
        snat.wrong_source,
        *LINKS,
        unassigned_address.no_service,
        beyond_snapshot.leaves_view,
        wrong_route.detours,
    ),
    Outcome.UNKNOWN: (beyond_snapshot.unknown,),
}


def diagnose(failure: Failure) -> list[Blocker]:
    """Blockers that can explain a failure; at least one."""
    if failure.leg is FailedLeg.NAME:
        return nameless.nameless(failure) or beyond_snapshot.unknown(failure)
    if failure.leg is FailedLeg.HTTP:
        return answers.unserved(failure) or beyond_snapshot.unknown(failure)
    if failure.leg is FailedLeg.SERVICE:
        held = published_but_broken.held_only(failure) if socket.holds_without_target(failure) else []
        return held or socket.not_served(failure)
    first = nameless.nameless(failure) if failure.lookup is not None else []
    first += (
        stale.stale_upstream(failure)
        + conntrack.stale_flow(failure)
        + duplicate.duplicates(failure)
        + link.loopback_down(failure)
    )
    found = first + [blocker for diagnosis in DIAGNOSES.get(failure.outcome, ()) for blocker in diagnosis(failure)]
    return found or beyond_snapshot.unknown(failure)
