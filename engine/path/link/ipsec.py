"""IPsec policies, where packets meet them: what leaves, what is passed on, what is taken in.

1. What is made or passed on here meets the policies of `out` when it has its way, and again where a rule translates it
   before it leaves: one that blocks ends it, one that transforms wraps it up, and where that leads is out of view.
2. What is passed on meets those of `fwd` first of all, what is taken in those of `in` behind the chains of INPUT. It
   came in plain, so that one that blocks drops it, and one that transforms as well, unless its sender is out of view.

Sources: net/xfrm/xfrm_policy.c (xfrm_lookup_with_ifid, __xfrm_policy_check), net/ipv4/ip_forward.c, tcp_ipv4.c,
net/netfilter/nf_nat_core.c (nf_xfrm_me_harder).
"""

from __future__ import annotations

from engine.model.ipsec import IpsecPolicy
from engine.model.link import Link
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption, Outcome, StepKind, Trace
from engine.path.journey import Journey
from engine.path.link.upper_devices import leave
from engine.path.lookup.ipsec_policies import met
from engine.records import replace


def going_out(journey: Journey, link: Link) -> Trace | None:
    """The finished trace of a packet that a policy keeps from leaving by a device, which the hooks may not know yet."""
    policy = met(journey.netns, "out", journey.packet, replace(journey.context, oif=link.name))
    return _dropped(journey, policy) if policy is not None and policy.blocks else None


def leaving(journey: Journey, link: Link) -> Trace | None:
    """The finished trace of a packet that a policy keeps here, or wraps up, now that no rule changes it any more."""
    policy = met(journey.netns, "out", journey.packet, journey.context)
    if policy is None or not (policy.blocks or policy.transforms):
        return None
    if policy.blocks:
        return _dropped(journey, policy)
    return leave(journey, link, f"IPsec encapsulates it: {policy.text}")


def coming_in(journey: Journey, direction: str) -> Trace | None:
    """The finished trace of a packet that a policy keeps from being passed on (`fwd`) or taken in (`in`)."""
    policy = met(journey.netns, direction, journey.packet, journey.context)
    if policy is None or not (policy.blocks or policy.transforms):
        return None
    if policy.transforms and not policy.blocks and journey.exit is not None:
        sentence = (
            f"packets from outside arrive with IPsec, as the policy of {journey.netns.id} requires ({policy.text})"
        )
        if journey.pick(2, Assumption("ASSUME_IPSEC", sentence, _ref(journey, policy))) == 0:
            return None
    return _dropped(journey, policy)


def _dropped(journey: Journey, policy: IpsecPolicy) -> Trace:
    what = "blocks the packet" if policy.blocks else "requires IPsec, and the packet arrives without"
    journey.step(StepKind.NOTE, f"an IPsec policy {what}: {policy.text}", _ref(journey, policy))
    return journey.end(Outcome.IPSEC_DROP)


def _ref(journey: Journey, policy: IpsecPolicy) -> Ref:
    return Ref(RefKind.NETNS, journey.netns.id, (), "IPsec policy", policy.text)
