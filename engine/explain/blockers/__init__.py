"""What could be wrong: for each ending, the diagnoses that can explain it, the likeliest first.

A diagnosis looks at the failing step and proposes blockers with remedies. It may propose what is not the
cause: `engine.explain.search` tries the remedies on the model and keeps what makes a difference.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.explain.blocker import Blocker
from engine.explain.blockers import firewall, link, nat, outside, route, socket
from engine.explain.failure import Failure, Leg
from engine.model.trace import Outcome

Diagnosis = Callable[[Failure], list[Blocker]]

DIAGNOSES: dict[Outcome, tuple[Diagnosis, ...]] = {
    Outcome.RULE_DROP: (firewall.rule_drop, nat.stale_target, link.link_of_destination_down),
    Outcome.REJECTED: (firewall.rule_drop, nat.stale_target, link.link_of_destination_down),
    Outcome.POLICY_DROP: (nat.stale_target, firewall.policy_drop, link.link_of_destination_down),
    Outcome.NO_ROUTE: (link.link_of_destination_down, route.no_route),
    Outcome.ROUTE_UNREACHABLE: (route.refused_route,),
    Outcome.ROUTE_PROHIBIT: (route.refused_route,),
    Outcome.ROUTE_BLACKHOLE: (route.refused_route,),
    Outcome.NOT_FORWARDED: (route.not_forwarded, link.link_of_destination_down),
    Outcome.RP_FILTER: (route.reverse_path,),
    Outcome.MARTIAN: (route.martian,),
    Outcome.NO_NEIGHBOUR: (nat.stale_target, link.no_neighbour, link.wrong_neighbour),
    Outcome.LINK_DOWN: (link.link_down,),
    Outcome.BRIDGE_DROP: (link.wrong_neighbour, link.bridge_drop),
    Outcome.NOT_FOR_US: (link.wrong_neighbour, outside.not_for_us),
    Outcome.NO_LISTENER: (nat.not_published, nat.stale_target, socket.no_listener),
    Outcome.BACKLOG_FULL: (socket.backlog_full,),
    Outcome.REPLY_MISMATCH: (outside.mismatch,),
    Outcome.NO_SOURCE_ADDRESS: (outside.no_source,),
    Outcome.TTL_EXPIRED: (outside.loop,),
    Outcome.LOOP: (outside.loop,),
    Outcome.LEAVES_VIEW: (link.link_of_destination_down, outside.leaves_view),
    Outcome.UNKNOWN: (outside.unknown,),
}


def diagnose(failure: Failure) -> list[Blocker]:
    """Blockers that can explain a failure; at least one."""
    if failure.leg is Leg.SERVICE:
        return socket.not_served(failure)
    found = [blocker for diagnosis in DIAGNOSES.get(failure.outcome, ()) for blocker in diagnosis(failure)]
    return found or outside.unknown(failure)
