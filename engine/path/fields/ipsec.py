"""What rules ask of IPsec: whether the packet came by it, and whether its way leads through it.

Without states and policies that transform nothing does. Of what comes in where there are some it is not known how it
came; what leaves goes through the policy that it meets, whose parts are not compared.

Sources: net/netfilter/xt_policy.c, nft_xfrm.c, nft_meta.c (NFT_META_SECPATH), nft_rt.c (NFT_RT_XFRM).
"""

from __future__ import annotations

from engine.path.fields.route import from_loopback
from engine.path.lookup.ipsec_policies import met
from engine.path.lookup.values import UNKNOWN, Read, Unknown
from engine.path.lookup.view import View

#: The parts of a state that nftables compares.
PARTS = ("reqid", "spi", "saddr", "daddr")


def _came(view: View) -> str | Unknown:
    ipsec = view.netns.firewall.ipsec
    if ipsec is None or ipsec.states or any(policy.transforms for policy in ipsec.policies):
        return UNKNOWN
    return "missing"


def _leads(view: View) -> str | Unknown:
    if view.netns.firewall.ipsec is None:
        return UNKNOWN
    policy = met(view.netns, "out", view.packet, view.context)
    return "exists" if policy is not None and policy.transforms else "missing"


def _way(view: View) -> str | Unknown | None:
    """What the packet's route says: there is none before routing, but of what the loopback device brings back."""
    if view.hook == "prerouting" and not from_loopback(view):
        return None
    return "missing" if view.hook == "input" else _leads(view)


def _part(whole: Read) -> Read:
    """A part of a state: absent without one, else not known."""
    return lambda view: None if whole(view) == "missing" else UNKNOWN


FIELDS: dict[str, Read] = {
    "ipsec in": _came,
    "ipsec out": _leads,
    "meta ipsec": _came,
    "rt ipsec": _way,
    **{f"ipsec in {part}": _part(_came) for part in PARTS},
    **{f"ipsec out {part}": _part(_leads) for part in PARTS},
}
